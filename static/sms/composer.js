/* Writes a text: counts it, chooses from and to, and sends it exactly once. */

import { Refusal, send } from "./api.js";
import { Attachments } from "./attachments.js";
import { byId, element, say } from "./dom.js";
import { read, write } from "./draftbook.js";
import { keyFor, settled, unsettledText } from "./intent.js";
import { showReach } from "./reach.js";
import { measure } from "./segments.js";

/* A place is where a text goes: `{ id, conversation, to: [{value, label}], from: [{value, label, mms}],
   chosenFrom, internal, obstacle }`; `to[0]` is the conversation's own number. */
export class Composer {
  constructor({ onSent }) {
    this.onSent = onSent;
    this.form = byId("composer");
    this.text = byId("composer-text");
    this.button = byId("composer-send");
    this.from = byId("from-select");
    this.to = byId("to-select");
    this.place = null;
    this.sending = new Set(); // ids of places whose answer is awaited
    this.attachments = new Attachments(() => this.update(), (words) => this.complain(words));
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.send();
    });
    this.text.addEventListener("input", () => {
      write(this.place.id, this.text.value);
      this.update();
    });
    this.text.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      this.send();
    });
    this.from.addEventListener("change", () => this.update());
  }

  /** Write to this place from now on; a draft of another place is kept for it. */
  show(place) {
    const isOther = this.place?.id !== place.id;
    if (this.place && isOther) this.attachments.clear();
    this.place = place;
    showReach(place);
    // What is known about a place may grow while somebody has chosen already.
    fill(this.from, place.from, isOther ? place.chosenFrom : this.from.value);
    fill(this.to, place.to, isOther ? place.to[0]?.value : this.to.value);
    byId("from-choice").hidden = place.from.length < (place.conversation ? 2 : 1);
    byId("to-choice").hidden = place.to.length < 2;
    if (isOther) {
      this.text.value = read(place.id) || unsettledText(place.id);
      this.complain("");
    }
    this.update();
  }

  focus() {
    this.text.focus();
  }

  /** Bring the button, the counter and the notes up to date. */
  update() {
    const { place } = this;
    if (!place) return;
    const busy = this.sending.has(place.id);
    const blocked = Boolean(place.obstacle);
    const empty = !this.text.value.trim() && !this.attachments.files.length;
    this.text.disabled = blocked;
    this.text.readOnly = busy;
    this.button.disabled = busy || blocked || empty || this.attachments.isBusy || !place.to.length;
    this.form.setAttribute("aria-busy", String(busy));
    const canAttach = !blocked && this.canAttach();
    byId("composer-file").disabled = !canAttach;
    byId("attach").classList.toggle("is-off", !canAttach);
    say(byId("composer-note"), place.obstacle ?? "");
    this.count();
    this.text.style.height = "auto";
    this.text.style.height = `${Math.min(this.text.scrollHeight + 2, 160)}px`;
  }

  canAttach() {
    const chosen = this.place.from.find((one) => one.value === this.from.value);
    return this.place.internal || !chosen || chosen.mms;
  }

  count() {
    const counter = byId("counter");
    const text = this.text.value;
    counter.classList.remove("is-unicode");
    if (this.place.internal || this.place.obstacle || (!text && !this.attachments.files.length)) {
      counter.textContent = "";
      return;
    }
    if (this.attachments.files.length) {
      counter.textContent = gettext("MMS: one message with its files");
      return;
    }
    if (this.place.reach) {
      counter.textContent = gettext("MMS: one message to all of them");
      return;
    }
    const { encoding, segments, left, culprit } = measure(text);
    const parts = [
      interpolate(ngettext("%s segment", "%s segments", segments), [segments]),
      interpolate(ngettext("%s character left", "%s characters left", left), [left]),
      encoding,
    ];
    if (culprit) parts.push(interpolate(gettext("because of “%s”"), [culprit]));
    counter.classList.toggle("is-unicode", Boolean(culprit));
    counter.textContent = parts.join(" · ");
  }

  body() {
    const { place } = this;
    const data = { text: this.text.value };
    if (this.attachments.ids.length) data.media = this.attachments.ids;
    if (this.from.value && !place.internal) data.from = this.from.value;
    // The conversation's own number answers there; another one starts or finds its own.
    if (place.conversation && this.to.value === place.to[0]?.value) data.conversation = place.conversation;
    else data.to = this.to.value;
    return data;
  }

  /** One press is one message: the button is off, and the key stays, until the answer is here. */
  async send() {
    this.update();
    if (this.button.disabled) return;
    const { place } = this;
    const data = this.body();
    const key = keyFor(place.id, data);
    this.sending.add(place.id);
    this.complain("");
    this.update();
    try {
      const message = await send(data, key, () =>
        this.complain(gettext("No connection. Trying again; it will be sent only once."), place),
      );
      settled(place.id);
      this.forget(place);
      this.sending.delete(place.id);
      this.onSent(message, place);
    } catch (error) {
      if (error instanceof Refusal) settled(place.id);
      const kept = gettext("The text is kept: press Send to try again, it will be sent only once.");
      this.complain(error instanceof Refusal ? error.message : `${error.message} ${kept}`, place);
    } finally {
      this.sending.delete(place.id);
      this.update();
    }
  }

  forget(place) {
    write(place.id, "");
    if (this.place.id !== place.id) return;
    this.text.value = "";
    this.attachments.clear();
    this.complain("");
  }

  complain(words, place = this.place) {
    if (place.id === this.place.id) say(byId("composer-error"), words);
  }
}

/* Fill a select, keeping what the person chose where it is still there. */
function fill(select, options, chosen) {
  select.replaceChildren(...options.map(({ value, label }) => element("option", { value, text: label })));
  if (chosen !== undefined && options.some((one) => one.value === chosen)) select.value = chosen;
}
