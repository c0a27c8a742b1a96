/* Chooses whom a new message is for: a contact, a bare number, or a colleague's extension. */

import { get } from "./api.js";
import { byId, element, settle } from "./dom.js";

export class Recipient {
  /** `onChoose(options)` gets what can be written to: `[{ value, label }]`, empty for nobody yet. */
  constructor(onChoose, onDone) {
    this.onChoose = onChoose;
    this.onDone = onDone;
    this.input = byId("recipient-input");
    this.list = byId("recipient-options");
    this.found = [];
    this.at = -1;
    this.search = settle(() => this.look(), 200);
    this.input.addEventListener("input", () => {
      this.take(this.input.value.trim());
      this.search();
    });
    this.input.addEventListener("keydown", (event) => this.key(event));
    this.input.addEventListener("blur", () => this.close());
    // Before the blur, which would close the list under the pointer.
    this.list.addEventListener("pointerdown", (event) => {
      const option = event.target.closest("[role=option]");
      if (!option) return;
      event.preventDefault();
      this.choose(this.found[Number(option.dataset.at)]);
    });
  }

  start() {
    this.input.value = "";
    this.close();
    this.onChoose([]);
    this.input.focus();
  }

  /** What was typed counts as it is; the server reads numbers in any usual writing. */
  take(typed) {
    const couldBeNumber = /^\+?\d{2,}$/.test(typed.replace(/[ ().\-/]/g, ""));
    this.onChoose(couldBeNumber ? [{ value: typed, label: typed }] : []);
  }

  async look() {
    const typed = this.input.value.trim();
    if (!typed) {
      this.close();
      return;
    }
    const page = await get("contacts", { q: typed, page_size: 8 }).catch(() => ({ results: [] }));
    if (typed !== this.input.value.trim()) return; // an older answer
    this.found = page.results.filter((contact) => contact.numbers.length);
    this.at = -1;
    this.draw();
  }

  draw() {
    this.list.replaceChildren(...this.found.map((contact, at) =>
      element("li", { role: "option", id: `option-${at}`, "aria-selected": String(at === this.at), data: { at, testid: "recipient-option" } },
        element("span", { text: contact.name }),
        element("span", { class: "hint", text: contact.numbers.map((one) => one.pretty).join(", ") }))));
    this.list.hidden = !this.found.length;
    this.input.setAttribute("aria-expanded", String(!this.list.hidden));
    if (this.at >= 0) this.input.setAttribute("aria-activedescendant", `option-${this.at}`);
    else this.input.removeAttribute("aria-activedescendant");
  }

  key(event) {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      if (!this.found.length) return;
      const step = event.key === "ArrowDown" ? 1 : -1;
      this.at = (this.at + step + this.found.length) % this.found.length;
      this.draw();
    } else if (event.key === "Enter") {
      if (this.at >= 0) this.choose(this.found[this.at]);
      else this.onDone();
    } else if (event.key === "Escape") {
      this.close();
    } else {
      return;
    }
    event.preventDefault();
  }

  choose(contact) {
    this.input.value = contact.name;
    this.close();
    this.onChoose(numbersOf(contact));
    this.onDone();
  }

  close() {
    this.found = [];
    this.draw();
  }
}

/** Return a contact's numbers as options. */
export const numbersOf = (contact) =>
  contact.numbers.map(({ number, pretty, label }) => ({ value: number, label: label ? `${pretty} (${label})` : pretty }));
