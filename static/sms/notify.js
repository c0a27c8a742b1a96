/* Tells of messages while nobody looks: whom they concern, once over all tabs, as the reader wants. */

import { get } from "./api.js";
import { byId, say, wait } from "./dom.js";
import { sound } from "./tone.js";

const WANTED = "notify"; // in localStorage: what the reader chose in this browser
const TOLD = "told"; // there too: the messages that some tab has told of, or shown
const REMEMBERED = 50;
const PATIENCE = 200; // milliseconds in which a tab that is looked at comes first
const SPREAD = 200;
const UNDECIDED = { on: false, text: true, sound: false, asked: false };

const read = (name, otherwise) => JSON.parse(localStorage.getItem(name)) ?? otherwise;
const wanted = () => read(WANTED, UNDECIDED);
const isWatched = () => document.visibilityState === "visible" && document.hasFocus();
const permission = () => (navigator.serviceWorker && window.Notification ? Notification.permission : "missing");

/** Note that this tab tells of a message; false where another one was quicker. */
function claim(message) {
  const told = read(TOLD, []);
  if (told.includes(message)) return false;
  localStorage.setItem(TOLD, JSON.stringify([...told, message].slice(-REMEMBERED)));
  return true;
}

/* Browsers do not all know yet how to place a popover by its button. */
function below(button, popover) {
  const { bottom, right } = button.getBoundingClientRect();
  popover.style.top = `${bottom + 8}px`;
  popover.style.left = `${Math.max(12, right - 300)}px`;
}

export class Notifier {
  constructor(me) {
    this.me = me;
    this.boxes = { on: byId("notify-on"), text: byId("notify-text"), sound: byId("notify-sound") };
    for (const [name, box] of Object.entries(this.boxes)) {
      box.addEventListener("change", () => this.choose({ [name]: box.checked }));
    }
    byId("notify-yes").addEventListener("click", () => this.choose({ on: true }));
    byId("notify-no").addEventListener("click", () => this.choose({ on: false }));
    byId("notify").addEventListener("beforetoggle", () => {
      this.show();
      below(document.querySelector("[popovertarget=notify]"), byId("notify"));
    });
    byId("notify").addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      event.preventDefault(); // the key closes this alone
      byId("notify").hidePopover();
    });
    this.show();
  }

  /** Take over a choice; the browser is asked only when somebody wants to be notified. */
  async choose(choice) {
    localStorage.setItem(WANTED, JSON.stringify({ ...wanted(), ...choice, asked: true }));
    if (choice.sound) sound();
    byId("notify-ask").hidden = true;
    this.show();
    if (choice.on && permission() === "default") {
      await Notification.requestPermission();
      this.show();
    }
  }

  show() {
    const chosen = wanted();
    const isBlocked = permission() === "denied" || permission() === "missing";
    for (const [name, box] of Object.entries(this.boxes)) box.checked = chosen[name];
    this.boxes.on.checked &&= permission() === "granted";
    this.boxes.on.disabled = isBlocked;
    this.boxes.text.disabled = !this.boxes.on.checked;
    const words = window.isSecureContext
      ? gettext("The browser blocks notifications of this site. Its own settings, at the left of the address, can allow them.")
      : gettext("Browsers notify only over https. Ask your administrator for such an address.");
    say(byId("notify-obstacle"), isBlocked ? words : "");
  }

  /** Offer notifications, after a message came and only once. */
  offer() {
    if (!wanted().asked && permission() === "default") byId("notify-ask").hidden = false;
  }

  async hear({ type, conversation, message }) {
    if (type !== "message") return;
    if (isWatched()) {
      claim(message);
      return;
    }
    const { on, sound: isLoud } = wanted();
    if (!isLoud && !(on && permission() === "granted")) return;
    await wait(PATIENCE + Math.random() * SPREAD);
    if (!claim(message)) return;
    const [row, one] = await Promise.all([get(`conversations/${conversation}`), get(`messages/${message}`)]);
    if (!this.concerns(row, one)) return;
    if (isLoud) sound();
    if (on && permission() === "granted") await this.tell(row, one);
  }

  /** Own threads, those of groups that were given to the reader, and notes that call the reader. */
  concerns(row, { direction, extension, mentions = [] }) {
    if (extension === this.me) return false;
    if (direction === "note") return mentions.some(({ number }) => number === this.me);
    if (direction !== "inbound" && direction !== "internal") return false;
    return !row.group || row.assignee?.number === this.me;
  }

  async tell(row, { id, direction, extension, text, media }) {
    const isCall = direction === "note";
    const title = isCall ? interpolate(gettext("%s called you: %s"), [extension ?? "", row.title]) : row.title;
    const said = text || (media.length ? gettext("Attachment") : "");
    const registration = await navigator.serviceWorker.ready;
    await registration.showNotification(title, {
      body: wanted().text ? said : gettext("New message"),
      tag: `message-${id}`,
      data: { conversation: row.id },
      icon: byId("client").dataset.icon,
    });
  }

  /** The conversation was read, here or elsewhere: nothing is left to tell. */
  async forget(conversation) {
    if (permission() !== "granted") return;
    const registration = await navigator.serviceWorker.ready;
    for (const shown of await registration.getNotifications()) {
      if (shown.data?.conversation === conversation) shown.close();
    }
  }
}
