/* Writes a note: a form of its own beside the composer's, so that no note can go to a customer. */

import { post, Refusal } from "./api.js";
import { byId, say } from "./dom.js";
import { keyFor, settled } from "./intent.js";
import { seenBy } from "./notes.js";
import { othersIn, PeopleList } from "./people.js";

const CALLING = /(?:^|[^\p{L}\p{N}_@])@([\p{L}\p{N}]*)$/u;
const draftOf = (id) => `note:${id}`;

export class Notepad {
  /** `onKept(message)` gets the note that was added. */
  constructor(me, onKept) {
    this.me = me;
    this.onKept = onKept;
    this.conversation = null;
    this.people = null; // of this thread, as long as one of them is called
    this.busy = new Set(); // ids of conversations whose note is on its way
    this.form = byId("notepad");
    this.text = byId("note-text");
    this.list = byId("note-people");
    this.picker = new PeopleList(this.text, this.list, (person) => this.call(person));
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.send();
    });
    this.text.addEventListener("input", () => {
      sessionStorage.setItem(draftOf(this.conversation.id), this.text.value);
      this.update();
      this.offer();
    });
    this.text.addEventListener("keydown", (event) => this.key(event));
    this.text.addEventListener("blur", () => this.hide());
    // A file that is dropped would go to the composer, and with the next text to the customer.
    for (const kind of ["dragover", "drop"]) window.addEventListener(kind, (event) => this.refuse(event), true);
    byId("mode").addEventListener("change", (event) => this.switchTo(event.target.value));
    byId("mode").addEventListener("pointerup", () => requestAnimationFrame(() => this.focus()));
  }

  /** Write about this conversation from now on; null is one that does not exist yet. */
  show(conversation) {
    const isOther = conversation?.id !== this.conversation?.id;
    this.conversation = conversation;
    byId("mode").hidden = !conversation || conversation.kind === "internal";
    if (!isOther) return;
    const hint = conversation?.group ? gettext("%s. Type @ to call a member.") : "%s.";
    byId("note-hint").textContent = interpolate(hint, [seenBy(conversation)]);
    this.hide();
    this.complain("");
    this.text.value = conversation ? (sessionStorage.getItem(draftOf(conversation.id)) ?? "") : "";
    // What is typed first into a thread is for the other side: a note is always asked for.
    byId("mode-text").checked = true;
    this.switchTo("text");
  }

  switchTo(mode) {
    byId("thread").dataset.mode = mode;
    this.form.hidden = mode !== "note";
    this.update();
  }

  refuse(event) {
    if (this.form.hidden || !event.dataTransfer?.types.includes("Files")) return;
    event.dataTransfer.dropEffect = "none";
    event.preventDefault();
    event.stopPropagation();
  }

  focus() {
    (this.form.hidden ? byId("composer-text") : this.text).focus();
  }

  update() {
    const busy = this.busy.has(this.conversation?.id);
    this.text.readOnly = busy;
    byId("note-send").disabled = busy || !this.text.value.trim();
    this.text.style.height = "auto";
    this.text.style.height = `${Math.min(this.text.scrollHeight + 2, 160)}px`;
  }

  key(event) {
    if (event.isComposing) return;
    if (!this.list.hidden) {
      if (this.picker.step(event.key)) event.preventDefault();
      else if (event.key === "Enter" || event.key === "Tab") this.call(this.picker.chosen);
      else if (event.key === "Escape") this.hide();
      else return;
      event.preventDefault();
    } else if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      this.send();
    }
  }

  /* --- Calling somebody ---------------------------------------------------------------------------- */

  get typed() {
    return this.text.value.slice(0, this.text.selectionStart).match(CALLING)?.[1] ?? null;
  }

  /** Offer the members whom "@" and what follows may mean. */
  async offer() {
    const { conversation } = this;
    if (this.typed === null || !conversation.group) {
      this.hide();
      return;
    }
    this.people ??= othersIn(conversation, this.me).catch(() => []);
    const people = await this.people;
    if (conversation.id !== this.conversation?.id || this.typed === null) return;
    this.picker.show(people, this.typed);
    this.list.hidden = !this.picker.people.length;
  }

  call({ number }) {
    const end = this.text.selectionStart;
    this.text.setRangeText(`@${number} `, end - this.typed.length - 1, end, "end");
    this.hide();
    this.text.dispatchEvent(new Event("input"));
  }

  hide() {
    this.list.hidden = true;
    this.people = null;
    this.text.removeAttribute("aria-activedescendant");
  }

  /* --- Adding it ------------------------------------------------------------------------------------ */

  /** One press is one note: the key stays the same until the answer is here. */
  async send() {
    const { conversation } = this;
    const body = { text: this.text.value.trim() };
    if (!body.text || this.busy.has(conversation.id)) return;
    const place = draftOf(conversation.id);
    this.busy.add(conversation.id);
    this.complain("");
    this.update();
    try {
      const key = keyFor(place, body);
      const message = await post(`conversations/${conversation.id}/notes`, body, { "Idempotency-Key": key });
      settled(place);
      sessionStorage.removeItem(place);
      if (this.conversation?.id === conversation.id) this.text.value = "";
      this.onKept(message);
    } catch (error) {
      if (error instanceof Refusal) settled(place);
      const kept = gettext("The note is kept: press “Add note” to try again, it will be added only once.");
      if (this.conversation?.id === conversation.id) {
        this.complain(error instanceof Refusal ? error.message : `${error.message} ${kept}`);
      }
    } finally {
      this.busy.delete(conversation.id);
      this.update();
    }
  }

  complain(words) {
    say(byId("note-error"), words);
  }
}
