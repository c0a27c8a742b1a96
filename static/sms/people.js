/* A listbox of members with their presence; the input it belongs to keeps the focus. */

import { get } from "./api.js";
import { element } from "./dom.js";
import { dot, learn } from "./presence.js";

/** Return the others who read a group's thread, those who are there first. */
export async function othersIn(conversation, me) {
  const people = await get(`conversations/${conversation.id}/people`);
  learn(people);
  const rank = { available: 0, away: 1 };
  return people
    .filter((person) => person.number !== me)
    .sort((one, other) => (rank[one.presence] ?? 2) - (rank[other.presence] ?? 2));
}

export class PeopleList {
  /** `onPick(person)` is told of a press; the keyboard is the input's: `step(key)` and `chosen`. */
  constructor(input, root, onPick) {
    this.input = input;
    this.root = root;
    this.people = [];
    this.at = -1;
    // Before the input would lose the focus.
    root.addEventListener("pointerdown", (event) => {
      const option = event.target.closest("[role=option]");
      event.preventDefault();
      if (!option) return;
      this.mark(Number(option.dataset.at));
      onPick(this.chosen);
    });
  }

  get chosen() {
    return this.people[this.at] ?? null;
  }

  /** Offer those whose name or number begins with what was typed. */
  show(people, typed, at = 0) {
    const wanted = typed.trim().toLowerCase();
    const begins = (text) => text.toLowerCase().startsWith(wanted);
    this.people = people.filter(
      ({ name, number }) => begins(number) || begins(name) || name.split(/\s+/).some(begins),
    );
    this.root.replaceChildren(...this.people.map((person, place) => this.option(person, place)));
    this.mark(Math.min(at, this.people.length - 1));
  }

  option({ name, number, is_assignee: answers }, place) {
    return element("li", { role: "option", id: `${this.root.id}-${place}`, data: { at: place, testid: "person" } },
      dot(number),
      element("span", { class: "person-name", text: name || number }),
      element("span", { class: "hint", text: answers ? `${number} · ${gettext("answers this")}` : number }));
  }

  mark(at) {
    this.at = at;
    [...this.root.children].forEach((option, place) => option.setAttribute("aria-selected", String(place === at)));
    const option = this.root.children[at];
    option?.scrollIntoView({ block: "nearest" });
    if (option) this.input.setAttribute("aria-activedescendant", option.id);
    else this.input.removeAttribute("aria-activedescendant");
  }

  /** Walk with the arrow keys; return whether the key was one of them. */
  step(key) {
    const steps = { ArrowDown: 1, ArrowUp: -1 };
    if (!(key in steps) || !this.people.length) return false;
    this.mark((this.at + steps[key] + this.people.length) % this.people.length);
    return true;
  }
}
