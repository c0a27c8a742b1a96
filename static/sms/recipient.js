/* Chooses whom a new message is for: a colleague, a contact, or a number that is shown in full. */

import { get, Refusal } from "./api.js";
import { byId, element, say, settle } from "./dom.js";
import { dot, learn } from "./presence.js";

const FEW = 6; // of each kind

export class Recipient {
  /** `onChoose(options, isColleague)` gets what can be written to: `[{ value, label }]`, empty for
      nobody yet. */
  constructor(onChoose, onDone) {
    this.onChoose = onChoose;
    this.onDone = onDone;
    this.input = byId("recipient-input");
    this.list = byId("recipient-options");
    this.verdict = byId("recipient-verdict");
    this.found = [];
    this.at = -1;
    this.looking = null;
    this.search = settle(() => this.look(), 150);
    this.input.addEventListener("input", () => {
      this.chosen = null;
      this.onChoose([]);
      this.tell("");
      this.search();
    });
    this.input.addEventListener("keydown", (event) => this.key(event));
    this.input.addEventListener("blur", () => this.close());
    // Before the blur, which would close the list under the pointer.
    this.list.addEventListener("pointerdown", (event) => {
      const option = event.target.closest("[role=option]");
      event.preventDefault();
      if (option) this.choose(this.found[Number(option.dataset.at)]);
    });
  }

  start() {
    this.input.value = "";
    this.chosen = null;
    this.tell("");
    this.close();
    this.onChoose([]);
    this.input.focus();
  }

  /** Begin with a number that another page names. */
  async begin(number) {
    this.input.value = number;
    await this.accept();
  }

  /** Look for what was typed; who presses Enter meanwhile waits for it. */
  look() {
    const typed = this.input.value.trim();
    this.looking = typed ? this.find(typed) : this.close();
    return this.looking;
  }

  async find(typed) {
    const [colleagues, contacts, number] = await Promise.all([
      get("colleagues", { q: typed }).then((people) => (learn(people), people), () => []),
      get("contacts", { q: typed, page_size: FEW }).then((page) => page.results, () => []),
      couldBeNumber(typed) ? get("numbers", { number: typed }).catch((error) => error) : null,
    ]);
    if (typed !== this.input.value.trim() || this.chosen) return; // an older answer
    this.found = [
      ...colleagues.slice(0, FEW).map(asColleague),
      ...contacts.filter((contact) => contact.numbers.length).map(asContact),
    ];
    const isNumber = number && !(number instanceof Error);
    if (isNumber) this.take(number);
    else if (number instanceof Refusal && !this.found.length) this.tell(number.message, true);
    this.at = this.found.length ? this.best(isNumber ? number.number : "") : -1;
    this.draw(document.activeElement === this.input);
  }

  /** What was typed is a number: it can be written to as it stands, and is shown in full. */
  take(number) {
    const known = this.found.some((one) => one.options.some(({ value }) => value === number.number));
    const made = number.kind === "extension" ? asColleague(number) : asNumber(number);
    if (!known) this.found.push(made);
    const option = this.found.find((one) => one.options.some(({ value }) => value === number.number));
    // The first of somebody's numbers is written to unless another one is chosen.
    option.options.sort((one, other) => (other.value === number.number) - (one.value === number.number));
    this.onChoose([option.options[0]], option.isColleague);
    this.tell(option.isColleague ? option.said : [option.kind === "number" ? "" : option.label, full(number)].filter(Boolean).join(" · "));
  }

  /** What Enter takes: whoever has exactly the number that was typed, else the first. */
  best(number) {
    const exact = this.found.findIndex((one) => number && one.options.some(({ value }) => value === number));
    return Math.max(0, exact);
  }

  draw(isOpen = true) {
    const titles = { colleague: gettext("Colleagues"), contact: gettext("Contacts"), number: gettext("Number") };
    const nodes = [];
    let before = "";
    for (const [at, one] of this.found.entries()) {
      if (one.kind !== before) nodes.push(element("li", { class: "options-head", role: "presentation", text: titles[one.kind] }));
      before = one.kind;
      nodes.push(element("li", { role: "option", id: `option-${at}`, "aria-selected": String(at === this.at), data: { at, testid: "recipient-option" } },
        element("span", { text: one.label }),
        element("span", { class: "hint", text: one.hint }),
        one.isColleague ? dot(one.options[0].value) : null));
    }
    this.list.replaceChildren(...nodes);
    this.list.hidden = !isOpen || !this.found.length;
    this.input.setAttribute("aria-expanded", String(!this.list.hidden));
    if (this.at >= 0 && !this.list.hidden) this.input.setAttribute("aria-activedescendant", `option-${this.at}`);
    else this.input.removeAttribute("aria-activedescendant");
    this.list.querySelector("[aria-selected=true]")?.scrollIntoView({ block: "nearest" });
  }

  key(event) {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      if (!this.found.length) return;
      // The first one is marked already, so the first press of the arrow shows that it is.
      const step = event.key === "ArrowDown" ? 1 : -1;
      this.at = (this.at + step + this.found.length) % this.found.length;
      this.draw();
    } else if (event.key === "Enter") {
      this.accept();
    } else if (event.key === "Escape" && !this.list.hidden) {
      this.close();
    } else {
      return;
    }
    event.preventDefault();
  }

  async accept() {
    if (!this.chosen && this.input.value.trim()) {
      const typed = this.input.value;
      if (this.at < 0 || this.list.hidden) await this.look();
      else await this.looking;
      if (typed !== this.input.value) return;
      if (this.found[this.at]) this.choose(this.found[this.at]);
      else if (!this.verdict.textContent) this.tell(gettext("Nobody has this name, and it is no number."), true);
    } else if (this.chosen) {
      this.onDone();
    }
  }

  choose(one) {
    this.chosen = one;
    this.input.value = one.label;
    this.tell(one.said);
    this.close();
    this.onChoose(one.options, one.isColleague);
    this.onDone();
  }

  tell(words, isBad = false) {
    say(this.verdict, words);
    this.verdict.classList.toggle("is-bad", isBad);
    this.input.setAttribute("aria-invalid", String(isBad));
  }

  close() {
    this.found = [];
    this.at = -1;
    this.draw(false);
  }
}

const couldBeNumber = (typed) => /^\+?\d{2,}$/.test(typed.replace(/[ ().\-/]/g, ""));
const full = ({ pretty, country }) => [pretty, country].filter(Boolean).join(" · ");

function asColleague({ number, name }) {
  const label = name || number;
  const said = interpolate(gettext("%s, extension %s: internal chat"), [label, number]);
  return { kind: "colleague", label, hint: number, said, isColleague: true, options: [{ value: number, label: `${label} (${number})` }] };
}

function asContact(contact) {
  const options = numbersOf(contact);
  const numbers = options.map((one) => one.label).join(", ");
  const hint = [contact.company, numbers].filter(Boolean).join(" · ");
  return { kind: "contact", label: contact.name, hint, said: numbers, isColleague: false, options };
}

function asNumber(number) {
  return { kind: "number", label: number.pretty, hint: number.country || gettext("Short code"), said: full(number), isColleague: false, options: [{ value: number.number, label: number.pretty }] };
}

/** Return a contact's numbers as options. */
export const numbersOf = (contact) =>
  contact.numbers.map(({ number, pretty, label }) => ({ value: number, label: label ? `${pretty} (${label})` : pretty }));
