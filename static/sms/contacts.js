/* The contacts: their list from A to Z, and which of them, or of their forms, is open.

   Places: #contacts, #contact-12, #contact-new, #contact-new=+1617… (with this number),
   #contact-of=+1617… (whoever has it), #contacts-import. */

import { follow, get, post, Refusal, remove } from "./api.js";
import { ContactCard } from "./contact_card.js";
import { ContactForm } from "./contact_form.js";
import { ContactImport } from "./contact_import.js";
import { arrange, byId, dressAvatar, element, settle } from "./dom.js";
import { Undo } from "./undo.js";

const PAGE = 100;
const THREAD = /^c\d+/;
const PLACE = /^contact(?:s|s-import|-\d+|-(?:new|of)(?:=.*)?)$/;

export class Contacts {
  /** `onChange(numbers)` is told whose names may have changed; without numbers, anybody's. */
  constructor(onChange) {
    this.onChange = onChange;
    this.page = byId("client");
    this.pane = byId("contact-pane");
    this.root = byId("contact-list");
    this.search = byId("contacts-search");
    this.rows = [];
    this.items = new Map(); // id -> { node, drawn }
    this.next = null;
    this.isRead = false;
    this.place = "";
    this.before = "";
    this.last = ""; // the conversation that was open last
    this.came = ""; // the conversation from which a contact was opened
    this.undo = new Undo(this.page);
    this.card = new ContactCard({ onDelete: (contact) => this.delete(contact), onEdit: (contact) => this.form.show(contact) });
    this.form = new ContactForm({ onSaved: (contact, before) => this.saved(contact, before), onCancel: () => this.leave() });
    this.files = new ContactImport(() => this.changed());
    this.listen();
  }

  listen() {
    new IntersectionObserver((seen) => seen[0].isIntersecting && this.more(), {
      root: byId("contacts-scroll"),
      rootMargin: "400px",
    }).observe(byId("contacts-end"));
    this.search.addEventListener("input", settle(() => this.read(), 200));
    byId("contacts-view").addEventListener("keydown", (event) => this.step(event));
    byId("contact-back").addEventListener("click", (event) => {
      event.preventDefault();
      this.leave();
    });
    document.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || !this.isOpen || event.defaultPrevented) return;
      event.preventDefault();
      // What was typed is not thrown away by one key.
      if (!this.form.isChanged) this.leave();
    });
  }

  /** Whether something stands in the right pane, which on a phone is the whole page. */
  get isOpen() {
    return this.place !== "" && this.place !== "contacts";
  }

  /** Show a place, if it is one of the contacts'; say whether it is. */
  show(place) {
    const isOurs = PLACE.test(place);
    if (THREAD.test(place)) this.last = place;
    if (isOurs && !PLACE.test(this.before)) this.came = THREAD.test(this.before) ? this.before : "";
    if (place === "contacts") this.came = "";
    this.before = place;
    this.place = isOurs ? place : "";
    this.page.classList.toggle("shows-contacts", isOurs);
    this.pane.hidden = !isOurs;
    byId("contact-back").classList.toggle("is-shown", this.came !== "");
    byId("messages-tab").setAttribute("href", isWide() ? `#${this.last}` : "#");
    current(byId("messages-tab"), !isOurs);
    current(byId("contacts-tab"), isOurs);
    if (isOurs) this.draw();
    if (isOurs) this.open(place).catch((error) => this.card.complain(error.message));
    if (isOurs && !this.isRead) this.read();
    return isOurs;
  }

  async open(place) {
    byId("no-contact").hidden = this.isOpen;
    byId("contact-open").hidden = !this.isOpen;
    const [, id] = /^contact-(\d+)$/.exec(place) ?? [];
    const [, what, number] = /^contact-(new|of)=?(.*)$/.exec(place) ?? [];
    if (id) await this.openCard(Number(id));
    else if (what === "of") await this.openHolder(decodeURIComponent(number));
    else if (what === "new") this.form.show({ numbers: [{ number: decodeURIComponent(number), label: "" }] });
    else if (place === "contacts-import") this.files.show();
  }

  async openCard(id) {
    const known = this.rows.find((one) => one.id === id);
    if (known) this.card.show(known);
    else this.card.clear();
    try {
      const contact = await get(`contacts/${id}`);
      if (this.place !== `contact-${id}` || this.form.isOpen) return;
      if (JSON.stringify(known) !== JSON.stringify(contact)) this.card.show(contact);
    } catch (error) {
      if (!(error instanceof Refusal && error.status === 404)) throw error;
      this.goTo("contacts");
    }
  }

  /** An own contact stands before a shared one, as in the list of conversations. */
  async openHolder(number) {
    this.card.clear();
    const { results } = await get("contacts", { number });
    const contact = results.find((one) => !one.shared) ?? results[0];
    this.goTo(contact ? `contact-${contact.id}` : `contact-new=${encodeURIComponent(number)}`);
  }

  /** Go on to a place that stands for the one that is open: Back leads past it. */
  goTo(place) {
    location.replace(`#${place}`);
  }

  leave() {
    const id = /^contact-(\d+)$/.exec(this.place)?.[1];
    if (id && this.form.isOpen) {
      this.open(this.place);
      return;
    }
    location.hash = this.came || "contacts";
    if (id) this.root.querySelector(`[data-id="${id}"]`)?.focus();
  }

  /* --- What is done to a contact ---------------------------------------------------------------- */

  async saved(contact, before) {
    await this.changed([...(before ? before.numbers : []), ...contact.numbers]);
    if (this.place === `contact-${contact.id}`) this.open(this.place);
    else this.goTo(before || !this.came ? `contact-${contact.id}` : this.came);
  }

  async delete(contact) {
    await remove(`contacts/${contact.id}`);
    location.hash = "contacts";
    await this.changed(contact.numbers);
    this.undo.offer(interpolate(gettext("%s was deleted."), [contact.name]), async () => {
      const { name, company, notes, numbers, shared } = contact;
      const again = await post("contacts", { name, company, notes, numbers, shared });
      await this.changed(again.numbers);
      location.hash = `contact-${again.id}`;
    });
  }

  changed(numbers) {
    return Promise.all([this.read(), this.onChange(numbers?.map((one) => one.number))]);
  }

  /* --- The list --------------------------------------------------------------------------------- */

  async read() {
    const q = this.search.value.trim();
    this.isRead = true;
    const page = await get("contacts", { page_size: PAGE, ...(q ? { q } : {}) }).catch(() => null);
    if (q !== this.search.value.trim()) return; // an older answer
    this.root.setAttribute("aria-busy", "false");
    if (!page) {
      this.isRead = false;
      return;
    }
    this.rows = page.results;
    this.next = page.next;
    this.draw();
  }

  async more() {
    const { next } = this;
    if (!next) return;
    this.next = null;
    const page = await follow(next).catch(() => ({ results: [], next }));
    this.rows = [...this.rows, ...page.results];
    this.next = page.next;
    this.draw();
  }

  draw() {
    const nodes = [];
    let before = null;
    for (const row of this.rows) {
      const letter = letterOf(row.name);
      if (letter !== before) nodes.push(element("li", { class: "letter", text: letter, "aria-hidden": "true" }));
      before = letter;
      nodes.push(this.item(row));
    }
    arrange(this.root, nodes);
    const isEmpty = !this.rows.length && this.root.getAttribute("aria-busy") === "false";
    const sought = this.search.value.trim();
    byId("contacts-none").hidden = !isEmpty || sought !== "";
    const unfound = byId("contacts-unfound");
    unfound.hidden = !isEmpty || sought === "";
    unfound.textContent = unfound.hidden ? "" : interpolate(gettext("No contact matches “%s”."), [sought]);
  }

  item(row) {
    const isOpen = this.place === `contact-${row.id}`;
    const wanted = JSON.stringify([row, isOpen]);
    const known = this.items.get(row.id);
    if (known?.drawn === wanted) return known.node;
    const node = known?.node ?? element("li", {}, element("a", { href: `#contact-${row.id}`, data: { id: row.id, testid: "contact-item" } }));
    dressItem(node.firstChild, row, isOpen);
    this.items.set(row.id, { node, drawn: wanted });
    return node;
  }

  /** Arrow keys walk from the search through the list. */
  step(event) {
    if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
    const stops = [this.search, ...this.root.querySelectorAll("a")];
    const at = stops.indexOf(document.activeElement);
    const next = at < 0 ? null : stops[at + (event.key === "ArrowDown" ? 1 : -1)];
    if (!next) return;
    event.preventDefault();
    next.focus();
  }
}

/** In the head of a conversation: its contact to open, or the stranger to add; null for neither. */
export function offerContact(conversation) {
  const one = conversation?.kind === "external" && conversation.answerable && conversation.remotes.length === 1;
  const party = one ? conversation.remotes[0] : null;
  const open = byId("thread-contact");
  const add = byId("contact-add");
  open.hidden = !party?.name;
  add.hidden = !party || Boolean(party.name);
  if (!party) return;
  open.href = `#contact-of=${encodeURIComponent(party.number)}`;
  open.setAttribute("aria-label", interpolate(gettext("Open the contact %s"), [party.name]));
  add.href = addressToAdd(party.number);
}

/** Where a stranger is added to the contacts. */
export const addressToAdd = (number) => `#contact-new=${encodeURIComponent(number)}`;

function dressItem(link, row, isOpen) {
  const avatar = element("span", { "aria-hidden": "true" });
  dressAvatar(avatar, row.name);
  link.className = "contact";
  link.replaceChildren(
    avatar,
    element("span", { class: "contact-words" },
      element("span", { class: "contact-name", text: row.name }),
      element("span", { class: "hint", text: row.company || row.numbers[0]?.pretty || "" })),
  );
  if (row.shared) link.append(element("span", { class: "chip", text: gettext("Shared") }));
  current(link, isOpen, "true");
}

function current(link, is, how = "page") {
  if (is) link.setAttribute("aria-current", how);
  else link.removeAttribute("aria-current");
}

/* "É" stands with "E", as the server sorts it. */
function letterOf(name) {
  const [first] = name.normalize("NFD").toUpperCase();
  return /\p{L}/u.test(first) ? first : "#";
}

const isWide = () => matchMedia("(min-width: 761px)").matches;
