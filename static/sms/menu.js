/* A button that opens a menu: arrow keys walk it, Escape or a press elsewhere closes it. */

import { byId, element } from "./dom.js";

export class Menu {
  /** `onOpen()` brings the items up to date before they are shown. */
  constructor(button, list, onOpen = () => {}) {
    this.button = button;
    this.list = list;
    this.onOpen = onOpen;
    button.addEventListener("click", () => (list.hidden ? this.open() : this.close()));
    button.addEventListener("keydown", (event) => {
      if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
      event.preventDefault();
      this.open(event.key === "ArrowUp" ? -1 : 0);
    });
    list.addEventListener("keydown", (event) => this.key(event));
    // Before the item does its work, which may open a dialog: that gives the focus back at its end.
    list.addEventListener("click", ({ target }) => target.closest("[role^=menuitem]") && this.close(), true);
    document.addEventListener("pointerdown", (event) => {
      if (!list.contains(event.target) && !button.contains(event.target)) this.shut();
    });
    list.addEventListener("focusout", ({ relatedTarget }) => {
      if (relatedTarget && relatedTarget !== button && !list.contains(relatedTarget)) this.shut();
    });
  }

  get items() {
    return [...this.list.querySelectorAll("[role^=menuitem]")].filter((item) => !item.closest("[hidden]"));
  }

  open(at = 0) {
    this.onOpen();
    this.list.hidden = false;
    this.button.setAttribute("aria-expanded", "true");
    this.items.at(at)?.focus();
  }

  /** Close, and go back to where the keyboard came from. */
  close() {
    this.shut();
    this.button.focus();
  }

  shut() {
    this.list.hidden = true;
    this.button.setAttribute("aria-expanded", "false");
  }

  key(event) {
    const { items } = this;
    const at = items.indexOf(document.activeElement);
    const steps = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: -1 };
    if (event.key in steps) items.at(steps[event.key] % items.length).focus();
    else if (event.key === "Escape") this.close();
    else return;
    event.preventDefault();
  }
}

/* --- The menu in the head of the open thread ------------------------------------------------------ */

const added = []; // { node, label, isFor }
let open = null; // the conversation that is open

/** Add an item for the threads that `isFor(conversation)` accepts; `label` is words, or makes them. */
export function addMenuItem(label, isFor, run, testid = "menu-item") {
  const node = element("button", { type: "button", role: "menuitem", tabindex: "-1", data: { testid } });
  node.addEventListener("click", () => run(open));
  added.push({ node, label, isFor });
  byId("thread-menu").lastElementChild.before(element("li", { role: "none" }, node));
}

/** Let the ⋯ button show what can be done with the open thread. */
export function startThreadMenu() {
  const button = byId("thread-menu-button");
  const menu = new Menu(button, byId("thread-menu"), () => {
    for (const { node, label, isFor } of added) {
      node.hidden = !isFor(open);
      node.textContent = typeof label === "function" ? label(open) : label;
    }
  });
  window.addEventListener("thread", ({ detail }) => {
    if (detail?.id !== open?.id) menu.shut();
    open = detail;
    button.hidden = !open;
  });
}
