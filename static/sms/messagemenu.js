/* The menu of one message: by hover, by keyboard or by a long press. */

import { actionsFor } from "./actions.js";
import { byId, element } from "./dom.js";

const LONG = 500; // milliseconds of a press that asks for the menu

export class MessageMenu {
  /** `messageOf(item)` returns the message of a list item; `own` are the actions of the thread. */
  constructor(list, messageOf, own) {
    this.messageOf = messageOf;
    this.own = own;
    this.item = null;
    this.opener = element("button", { class: "more", type: "button", "aria-haspopup": "menu", "aria-label": gettext("Actions for this message"), title: gettext("Actions"), data: { testid: "message-menu" }, text: "⋯" });
    this.root = element("div", { class: "message-menu", role: "menu", popover: "auto", data: { testid: "message-actions" } });
    byId("client").append(this.root);
    this.opener.addEventListener("click", () => this.open());
    this.root.addEventListener("keydown", (event) => this.step(event));
    list.addEventListener("pointerover", (event) => event.pointerType === "mouse" && this.attend(event.target));
    list.addEventListener("focusin", (event) => this.attend(event.target));
    this.listenToLongPress(list);
  }

  /** One opener for all messages: it goes where the pointer or the focus is. */
  attend(target) {
    const item = target.closest(".message");
    if (!item || (item === this.item && this.opener.isConnected) || this.root.matches(":popover-open")) return;
    this.item = item;
    (item.querySelector(".bubble") ?? item).append(this.opener);
  }

  listenToLongPress(list) {
    let timer = 0;
    const stop = () => clearTimeout(timer);
    list.addEventListener("pointerdown", (event) => {
      stop();
      if (event.pointerType === "mouse") return;
      timer = setTimeout(() => {
        this.attend(event.target);
        if (this.item) this.open();
      }, LONG);
    });
    for (const end of ["pointerup", "pointercancel", "pointermove"]) list.addEventListener(end, stop);
  }

  open(item = this.item) {
    const message = this.messageOf(item);
    if (!message) return;
    this.attend(item);
    const actions = [...this.own.filter((action) => action.isFor(message)), ...actionsFor(message)];
    this.root.replaceChildren(...actions.map((action) => this.choice(action, message)));
    this.root.showPopover();
    const from = this.opener.getBoundingClientRect();
    const { offsetWidth: width, offsetHeight: height } = this.root;
    this.root.style.left = `${Math.max(8, Math.min(from.left, innerWidth - width - 8))}px`;
    this.root.style.top = `${from.bottom + height + 8 > innerHeight ? from.top - height - 4 : from.bottom + 4}px`;
    this.root.firstChild.focus();
  }

  choice({ label, run }, message) {
    const made = element("button", { type: "button", role: "menuitem", tabindex: "-1", text: label });
    made.addEventListener("click", () => {
      this.close();
      run(message);
    });
    return made;
  }

  close() {
    this.root.hidePopover();
    this.opener.focus();
  }

  step(event) {
    const choices = [...this.root.children];
    const at = choices.indexOf(document.activeElement);
    const places = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: -1 };
    if (event.key in places) choices.at(places[event.key] % choices.length).focus();
    else if (event.key === "Escape" || event.key === "Tab") this.close();
    else return;
    event.preventDefault(); // the page would take Escape for "back"
  }
}

/** Put a text on the clipboard, also on a page that came without encryption. */
export async function copy(text) {
  if (navigator.clipboard) {
    await navigator.clipboard.writeText(text);
    return;
  }
  const field = element("textarea", { class: "visually-hidden" });
  field.value = text;
  document.body.append(field);
  field.select();
  document.execCommand("copy");
  field.remove();
}
