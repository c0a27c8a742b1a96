/* Writes a text: counts it, chooses from and to, and hands it over to be sent exactly once. */

import { post, Refusal } from "./api.js";
import { Attachments, welcome } from "./attachments.js";
import { byId, say } from "./dom.js";
import { read, write } from "./draftbook.js";
import { EmojiPicker } from "./emoji.js";
import { keyFor, settled } from "./intent.js";
import { LaterMenu } from "./later.js";
import { Outbox } from "./outbox.js";
import { showReach } from "./reach.js";
import { Route } from "./route.js";
import { culprits, measure, plain } from "./segments.js";

const TALLEST = 180; // pixels up to which the field grows with its text

/* A place is where a text goes: `{ id, conversation, to: [{value, label}], from: [{value, label, limits,
   word}], chosenFrom, internal, obstacle }`; `to[0]` is the conversation's own number. */
export class Composer {
  /** `onSent(message, place)`, `onKept(row, place)` when a text was kept for later. */
  constructor({ onSent, onKept }) {
    this.onKept = onKept;
    this.form = byId("composer");
    this.text = byId("composer-text");
    this.button = byId("composer-send");
    this.place = null;
    this.keeping = false; // whether a text for later is on its way
    this.route = new Route(() => this.update());
    this.attachments = new Attachments(() => this.update());
    this.outbox = new Outbox({ onSent, onRefused: (entry) => this.takeBack(entry) });
    new EmojiPicker((char) => this.insert(char));
    new LaterMenu((moment) => this.keep(moment));
    welcome(this.attachments, { canAttach: () => this.canAttach() });
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.send();
    });
    this.text.addEventListener("input", () => this.changed());
    this.text.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      this.send();
    });
    byId("make-plain").addEventListener("click", () => this.makePlain());
  }

  /** Write to this place from now on; a draft of another place is kept for it. */
  show(place) {
    const isOther = this.place?.id !== place.id;
    this.place = place;
    showReach(place);
    this.route.show(place, isOther);
    if (isOther) {
      this.text.value = read(place.id);
      this.complain("");
      this.outbox.show(place.id);
    }
    this.update();
    if (place.id === "new" && place.to.length && !place.internal && !place.obstacle) this.foresee(place);
  }

  /** Say before anything is written why this number could not be texted. */
  async foresee(place) {
    const { from, to } = this.route.body();
    try {
      await post("messages/preflight", { from, to, text: "." });
      if (this.place === place) this.complain("");
    } catch (error) {
      if (error instanceof Refusal && this.place === place) this.complain(error.message);
    }
  }

  focus() {
    this.text.focus();
  }

  changed() {
    write(this.place.id, this.text.value);
    this.update();
  }

  /** Bring the button, the counter and the notes up to date. */
  update() {
    const { place } = this;
    if (!place) return;
    // A new message has no thread yet in which the next one could follow.
    const busy = this.keeping || (place.id === "new" && this.outbox.has("new"));
    const blocked = Boolean(place.obstacle);
    this.text.disabled = blocked;
    this.text.readOnly = busy;
    this.attachments.show(place.id, place.internal ? null : this.route.sender?.limits);
    const { files, isBusy, hasProblem } = this.attachments;
    const empty = !this.text.value.trim() && !files.length;
    const ready = !(busy || blocked || empty || isBusy || hasProblem || !place.to.length);
    this.button.disabled = !ready;
    byId("later-open").disabled = !ready;
    byId("emoji-open").disabled = blocked || busy;
    this.form.setAttribute("aria-busy", String(busy));
    byId("composer-file").disabled = !this.canAttach();
    byId("attach").classList.toggle("is-off", !this.canAttach());
    byId("attach").title = this.canAttach() || blocked ? gettext("Add a file") : gettext("This sender cannot send files");
    say(byId("composer-note"), place.obstacle ?? "");
    this.count(files.length > 0);
    this.text.style.height = "auto";
    this.text.style.height = `${Math.min(this.text.scrollHeight, TALLEST)}px`;
  }

  canAttach() {
    if (!this.place || this.place.obstacle) return false;
    return this.place.internal || (this.route.sender?.limits?.mms ?? true);
  }

  count(hasFiles) {
    const counter = byId("counter");
    const text = this.text.value;
    const isCounted = !this.place.internal && !this.place.obstacle;
    const isMms = hasFiles || Boolean(this.place.reach);
    const forcing = isCounted && !isMms ? culprits(text) : [];
    counter.classList.toggle("is-unicode", forcing.length > 0);
    counter.textContent = isCounted ? counted(text, hasFiles, isMms) : "";
    byId("culprits").hidden = !forcing.length;
    if (!forcing.length) return;
    const named = forcing.slice(0, 6).map((one) => (one.trim() ? one : gettext("a no-break space")));
    if (forcing.length > 6) named.push("…");
    const words = ngettext("%s forces Unicode: 70 characters fit, not 160.", "%s force Unicode: 70 characters fit, not 160.", forcing.length);
    byId("culprit-words").textContent = interpolate(words, [named.join(" ")]);
    byId("make-plain").hidden = culprits(plain(text)).length > 0;
  }

  makePlain() {
    this.text.setRangeText(plain(this.text.value), 0, this.text.value.length, "end");
    this.changed();
    this.text.focus();
  }

  insert(char) {
    this.text.focus();
    this.text.setRangeText(char, this.text.selectionStart, this.text.selectionEnd, "end");
    this.changed();
  }

  body() {
    const data = { text: this.text.value, ...this.route.body() };
    if (this.attachments.ids.length) data.media = this.attachments.ids;
    return data;
  }

  /** One press is one message: it leaves the field at once and stands in the thread, pale. */
  send() {
    this.update();
    if (this.button.disabled) return;
    const { place } = this;
    const data = this.body();
    this.route.remember();
    const files = this.attachments.clear();
    const to = data.conversation ? "" : this.route.toLabel;
    this.forget(place);
    this.outbox.put(place, data, { to, files: files.map((one) => one.file.name), again: files });
    this.update();
    this.focus();
  }

  /** Put a text on its way that was not written here. */
  sendAgain(message, copies) {
    const data = { text: message.text, conversation: message.conversation, from: message.from };
    if (copies.length) data.media = copies.map((one) => one.id);
    this.outbox.put({ id: `c${message.conversation}` }, data, { files: copies.map((one) => one.name) });
  }

  /** Keep what is written until its time. */
  async keep(moment) {
    this.update();
    if (this.button.disabled) return;
    const { place } = this;
    const data = { ...this.body(), at: moment.toISOString() };
    const slot = `later:${place.id}`;
    const key = keyFor(slot, data);
    this.keeping = true;
    this.complain("");
    this.update();
    try {
      const row = await post("later", data, { "Idempotency-Key": key });
      settled(slot);
      this.route.remember();
      this.attachments.clear();
      this.forget(place);
      this.onKept(row, place);
    } catch (error) {
      if (error instanceof Refusal) settled(slot);
      this.complain(error.message, place);
    } finally {
      this.keeping = false;
      this.update();
      this.focus();
    }
  }

  /** Give a refused text back to its writer, unless the next one is being written already. */
  takeBack(entry) {
    const isHere = this.place?.id === entry.place.id;
    if (!isHere || !entry.again || this.text.value.trim() || this.attachments.files.length) return false;
    this.text.value = entry.data.text;
    this.attachments.restore(entry.again);
    this.changed();
    this.complain(entry.error);
    return true;
  }

  forget(place) {
    write(place.id, "");
    if (this.place?.id !== place.id) return;
    this.text.value = "";
    this.complain("");
  }

  complain(words, place = this.place) {
    if (place.id === this.place.id) say(byId("composer-error"), words);
  }
}

function counted(text, hasFiles, isMms) {
  if (hasFiles) return gettext("MMS: one message with its files");
  if (!text) return "";
  if (isMms) return gettext("MMS: one message to all of them");
  const { encoding, segments, left } = measure(text);
  return [
    interpolate(ngettext("%s segment", "%s segments", segments), [segments]),
    interpolate(ngettext("%s character left", "%s characters left", left), [left]),
    encoding,
  ].join(" · ");
}
