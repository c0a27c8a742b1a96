/* What was sent and has no answer yet: shown at once, sent in order, each of them exactly once. */

import { post, Refusal } from "./api.js";
import { byId, element } from "./dom.js";
import { newKey } from "./intent.js";

const PAUSES = [400, 1000, 2000, 4000, 8000, 15000]; // milliseconds between tries of one text
const PATIENCE = 10 * 60 * 1000; // after this long a person decides whether it still makes sense
const slot = `outbox:${byId("client")?.dataset.reader}`;

/* An entry is `{ key, place: {id}, data, to, files: [name], at, state, error }`; its state is "sending",
   "refused" by the server, or "stopped" because the server could not be reached. */
export class Outbox {
  /** `onSent(message, place)`; `onRefused(entry)` says whether the writer has the text back. */
  constructor({ onSent, onRefused }) {
    this.onSent = onSent;
    this.onRefused = onRefused;
    this.place = null;
    this.running = new Set(); // ids of places whose texts are on their way
    this.waiting = []; // what ends the pauses that are being made
    this.entries = kept();
    window.addEventListener("online", () => this.nudge());
    this.root = element("ol", { class: "messages outgoing", id: "outgoing", "aria-label": gettext("On its way"), hidden: true });
    byId("messages").after(this.root);
    for (const entry of this.entries) this.run(entry.place.id);
  }

  /** Show what is on its way in this place. */
  show(id) {
    this.place = id;
    this.draw();
  }

  has(id) {
    return this.entries.some((entry) => entry.place.id === id && entry.state === "sending");
  }

  /** Send one intention: its key stays the same until there is an answer. */
  put(place, data, { to = "", files = [], again = null } = {}) {
    const entry = { key: newKey(), place: { id: place.id }, data, to, files, at: Date.now(), state: "sending", error: "" };
    // What gives the writer the files back, should the text be refused; not kept over a reload.
    Object.defineProperty(entry, "again", { value: again });
    this.entries.push(entry);
    this.draw();
    this.toEnd();
    this.run(place.id);
  }

  async run(id) {
    if (this.running.has(id)) return;
    this.running.add(id);
    for (let next = this.next(id); next; next = this.next(id)) await this.deliver(next);
    this.running.delete(id);
  }

  /** In order: what could not be sent stands in the way of what was written after it. */
  next(id) {
    const [first] = this.entries.filter((entry) => entry.place.id === id && entry.state !== "refused");
    return first?.state === "sending" ? first : null;
  }

  async deliver(entry) {
    try {
      const message = await this.insist(entry);
      this.drop(entry);
      this.onSent(message, entry.place);
    } catch (error) {
      const refused = error instanceof Refusal && error.status !== 401;
      entry.state = refused ? "refused" : "stopped";
      entry.error = error.message;
      if (refused && this.onRefused(entry)) this.drop(entry);
      else this.draw();
    }
  }

  async insist(entry) {
    for (let tries = 0; ; tries += 1) {
      try {
        return await post("messages", entry.data, { "Idempotency-Key": entry.key });
      } catch (error) {
        if (error instanceof Refusal || Date.now() - entry.at > PATIENCE) throw error;
        entry.error = gettext("No connection. Trying again; it will be sent only once.");
        this.draw();
        await this.pause(PAUSES[Math.min(tries, PAUSES.length - 1)]);
      }
    }
  }

  /** Wait, but not longer than until somebody knows that there is a line again. */
  pause(milliseconds) {
    return new Promise((resolve) => {
      setTimeout(resolve, milliseconds);
      this.waiting.push(resolve);
    });
  }

  /** The server was just reached: what waits for it may try at once. */
  nudge() {
    for (const resolve of this.waiting.splice(0)) resolve();
  }

  drop(entry) {
    this.entries = this.entries.filter((other) => other !== entry);
    this.draw();
  }

  draw() {
    if (this.entries.length) sessionStorage.setItem(slot, JSON.stringify(this.entries));
    else sessionStorage.removeItem(slot);
    const here = this.entries.filter((entry) => entry.place.id === this.place);
    this.root.hidden = !here.length;
    this.root.replaceChildren(...here.map((entry) => this.bubble(entry)));
    if (here.some((entry) => entry.error)) this.toEnd();
  }

  bubble(entry) {
    const { data, files, to, state, error } = entry;
    const words = { sending: gettext("Sending…"), refused: gettext("Not sent"), stopped: gettext("No answer") }[state];
    return element("li", { class: `message is-ours is-pending is-${state}`, data: { testid: "pending", state } },
      to ? element("span", { class: "author", text: to }) : null,
      element("div", { class: "bubble" },
        files.length ? element("p", { class: "pending-files", text: files.join(", ") }) : null,
        data.text ? element("p", { class: "text", dir: "auto", text: data.text }) : null),
      element("div", { class: "meta" }, element("span", { class: "state", text: words })),
      error ? element("p", { class: "trouble", role: "status", data: { testid: "pending-error" }, text: error }) : null,
      state === "sending" ? null : this.choices(entry));
  }

  choices(entry) {
    const choice = (testid, text, work) => {
      const made = element("button", { type: "button", class: "button small", text, data: { testid } });
      made.addEventListener("click", work);
      return made;
    };
    return element("p", { class: "pending-choices" },
      choice("pending-discard", gettext("Discard"), () => this.drop(entry)),
      choice("pending-again", gettext("Try again"), () => {
        Object.assign(entry, { state: "sending", error: "", at: Date.now() });
        this.draw();
        this.run(entry.place.id);
      }));
  }

  toEnd() {
    const scroll = byId("scroll");
    scroll.scrollTop = scroll.scrollHeight;
  }
}

/* What a reload interrupted goes on, unless it is so old that a person has to look. */
function kept() {
  const entries = JSON.parse(sessionStorage.getItem(slot) ?? "[]");
  for (const entry of entries) {
    const old = Date.now() - entry.at > PATIENCE;
    if (entry.state !== "sending" || !old) continue;
    entry.state = "stopped";
    entry.error = gettext("There was no connection. It will be sent only once.");
  }
  return entries;
}
