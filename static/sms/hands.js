/* Whose hands a group's thread is in: shown under its head, taken, and handed on. */

import { post } from "./api.js";
import { byId, element, say } from "./dom.js";
import { addMenuItem, startThreadMenu } from "./menu.js";
import { Notepad } from "./notepad.js";
import { dot, presenceWord, startPresence } from "./presence.js";
import { brief } from "./times.js";
import { Transfer } from "./transfer.js";

const MINUTE = 60000;

export class Hands {
  /** `onRow(conversation)` and `onNote(message)` get what was done here. */
  constructor(me, { onRow, onNote }) {
    this.me = me;
    this.onRow = onRow;
    this.conversation = null;
    this.drawn = "";
    this.notepad = new Notepad(me, onNote);
    const transfer = new Transfer(me, onRow);
    startPresence(me);
    startThreadMenu();
    addMenuItem(
      gettext("Transfer handler"),
      ({ assignee }) => assignee?.number === me,
      (conversation) => transfer.open(conversation),
      "menu-transfer",
    );
    byId("take").addEventListener("click", () => this.take());
    window.addEventListener("thread", ({ detail }) => this.show(detail));
    setInterval(() => this.draw(), MINUTE / 4);
  }

  show(conversation) {
    if (conversation?.id !== this.conversation?.id) say(byId("hands-error"), "");
    this.conversation = conversation;
    this.notepad.show(conversation);
    const colleague = conversation?.kind === "internal" ? conversation.remotes[0] : null;
    byId("thread-presence").replaceChildren(
      ...(colleague ? [dot(colleague.number), presenceWord(colleague.number)] : []),
    );
    this.draw();
  }

  draw() {
    const row = this.conversation;
    byId("hands").hidden = !row?.group;
    if (!row?.group) return;
    const waits = !row.assignee && Boolean(row.waiting_since);
    const mine = row.assignee?.number === this.me;
    // What is said aloud is written only when it is something else.
    const left = mine ? timeLeft(row) : "";
    if (byId("hands-left").textContent !== left) say(byId("hands-left"), left);
    const drawn = JSON.stringify([row.id, row.assignee, row.called, row.waiting_since]);
    if (drawn === this.drawn) return;
    this.drawn = drawn;
    byId("hands").className = `hands ${waits ? "is-waiting" : ""} ${mine && row.called ? "is-called" : ""}`;
    byId("hands-who").replaceChildren(...this.words(row, mine, waits));
    byId("take").hidden = !waits || byId("client").dataset.maySend !== "yes";
  }

  words({ assignee, called, waiting_since: since }, mine, waits) {
    if (mine) return [called ? gettext("You are asked to answer.") : gettext("You answer this conversation.")];
    if (assignee) {
      const who = assignee.name ? `${assignee.name} (${assignee.number})` : assignee.number;
      return [dot(assignee.number), element("span", { text: interpolate(gettext("%s is answering"), [who]) })];
    }
    if (!waits) return [gettext("Nobody is asked to answer yet.")];
    return [interpolate(gettext("Waiting for someone to answer · since %s"), [brief(new Date(since))])];
  }

  async take() {
    const { id } = this.conversation;
    byId("take").disabled = true;
    say(byId("hands-error"), "");
    try {
      this.onRow(await post(`conversations/${id}/take`));
      this.notepad.focus();
    } catch (error) {
      if (this.conversation?.id === id) say(byId("hands-error"), error.message);
    } finally {
      byId("take").disabled = false;
    }
  }
}

/* Only when less than a third of it is left: a clock that always runs is noise. */
function timeLeft({ answer_by: until, group }) {
  if (!until || !group.answer_within) return "";
  const left = Date.parse(until) - Date.now();
  if (left > (group.answer_within * MINUTE) / 3) return "";
  if (left <= 0) return gettext("Time is up: it goes to the next member");
  const minutes = Math.floor(left / MINUTE);
  if (minutes === 0) return gettext("Less than a minute left");
  return interpolate(ngettext("%s minute left", "%s minutes left", minutes), [minutes]);
}

/** What the list says about a thread: whose it is, and whether it waits for the reader. */
export function chips(row) {
  const chip = (kind, words, title) => element("span", { class: `chip ${kind}`, text: words, title });
  if (row.state === "closed") return [chip("", gettext("Closed"))];
  const found = [];
  if (row.called) found.push(chip("is-call", gettext("@you"), gettext("Waits for you")));
  if (row.waiting_since && !row.assignee) {
    found.push(chip("is-warn", gettext("Waiting"), gettext("Nobody has taken it yet")));
  }
  if (row.group) found.push(chip("", row.group.name));
  return found;
}
