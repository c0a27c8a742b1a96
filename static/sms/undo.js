/* Says what was just done, and for some seconds lets it be undone. */

import { element } from "./dom.js";

const SECONDS = 5;

export class Undo {
  constructor(parent) {
    this.words = element("span", { role: "status" });
    this.button = element("button", { class: "button small", type: "button", text: gettext("Undo"), data: { testid: "undo" } });
    this.root = element("div", { class: "undo", hidden: true }, this.words, this.button);
    this.timer = 0;
    parent.append(this.root);
    this.button.addEventListener("click", () => this.act());
    // Whoever is about to press it is not hurried.
    for (const name of ["pointerenter", "focusin"]) this.root.addEventListener(name, () => clearTimeout(this.timer));
    for (const name of ["pointerleave", "focusout"]) this.root.addEventListener(name, () => this.wait());
  }

  offer(words, undo) {
    this.undo = undo;
    this.root.hidden = false;
    this.button.hidden = false;
    this.words.textContent = words;
    this.wait();
  }

  async act() {
    const { undo } = this;
    this.undo = null;
    this.button.hidden = true;
    try {
      await undo();
      this.close();
    } catch (error) {
      this.words.textContent = error.message;
      this.undo = undo;
      this.button.hidden = false;
    }
  }

  wait() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.close(), SECONDS * 1000);
  }

  close() {
    clearTimeout(this.timer);
    this.root.hidden = true;
    this.words.textContent = "";
  }
}
