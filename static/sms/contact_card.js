/* One contact: who it is, each number with a button that writes to it, and what was texted before. */

import { get } from "./api.js";
import { byId, dressAvatar, element } from "./dom.js";
import { brief, exact } from "./times.js";

const RECENT = 5;

export class ContactCard {
  /** `onEdit(contact)` gets one without an id where a copy is to be made. */
  constructor({ onDelete, onEdit }) {
    this.onDelete = onDelete;
    this.onEdit = onEdit;
    this.body = byId("contact-body");
    this.acts = byId("contact-acts");
    this.note = element("p", { class: "note bad", role: "alert", hidden: true });
    this.shown = null;
  }

  show(contact) {
    this.shown = contact.id;
    byId("contact-heading").textContent = gettext("Contact");
    this.complain("");
    const recent = element("div", { class: "contact-part", data: { testid: "contact-recent" } });
    this.acts.replaceChildren(...this.buttons(contact));
    this.body.replaceChildren(this.note, who(contact), numbers(contact), ...notes(contact), recent);
    this.body.parentElement.scrollTop = 0;
    this.recent(contact, recent);
  }

  clear() {
    this.acts.replaceChildren();
    this.body.replaceChildren();
  }

  complain(words) {
    this.note.textContent = words;
    this.note.hidden = !words;
    if (words && !this.note.isConnected) this.body.replaceChildren(this.note);
  }

  buttons(contact) {
    if (!contact.editable) {
      const { name, company, notes, numbers: copied } = contact;
      const copy = button(gettext("Make my own copy"), "contact-copy");
      copy.title = gettext("A tenant administrator edits shared contacts.");
      copy.addEventListener("click", () => this.onEdit({ name, company, notes, numbers: copied }));
      return [copy];
    }
    const edit = button(gettext("Edit"), "contact-edit");
    const drop = button(gettext("Delete"), "contact-delete");
    edit.addEventListener("click", () => this.onEdit(contact));
    drop.addEventListener("click", async () => {
      drop.disabled = true;
      await this.onDelete(contact).catch((error) => this.complain(error.message));
      drop.disabled = false;
    });
    return [edit, drop];
  }

  async recent(contact, root) {
    const found = await get(`contacts/${contact.id}/conversations`, { page_size: RECENT }).catch(() => ({ results: [] }));
    if (this.shown !== contact.id || !found.results.length) return;
    root.replaceChildren(
      element("h3", { text: gettext("Recent conversations") }),
      element("ul", { class: "conversations" }, ...found.results.map(thread)),
    );
  }
}

function button(text, testid) {
  return element("button", { class: "button small", type: "button", text, data: { testid } });
}

function who(contact) {
  const avatar = element("span", { "aria-hidden": "true" });
  dressAvatar(avatar, contact.name);
  const whose = contact.shared ? gettext("Shared with everybody in your company") : gettext("Only you see this contact");
  return element("div", { class: "contact-who" },
    avatar,
    element("h2", { text: contact.name, data: { testid: "contact-title" } }),
    contact.company ? element("p", { text: contact.company }) : null,
    element("p", { class: "hint", text: whose }));
}

function numbers(contact) {
  return element("ul", { class: "contact-numbers", "aria-label": gettext("Numbers") },
    ...contact.numbers.map(({ number, pretty, label }) => {
      const called = label || gettext("Number");
      return element("li", { data: { testid: "contact-number" } },
        element("div", { class: "contact-number" },
          element("span", { class: "hint", text: called }),
          element("span", { text: pretty })),
        element("a", {
          class: "button small primary",
          href: `#new=${encodeURIComponent(number)}`,
          text: gettext("Text"),
          "aria-label": interpolate(gettext("Text %s, %s %s"), [contact.name, called, pretty]),
          data: { testid: "contact-text" },
        }));
    }));
}

function notes(contact) {
  if (!contact.notes) return [];
  return [element("div", { class: "contact-part" },
    element("h3", { text: gettext("Notes") }),
    element("p", { class: "contact-notes", text: contact.notes }))];
}

function thread(row) {
  const when = new Date(row.last_message_at);
  const via = row.our_pretty ? interpolate(gettext("via %s"), [row.our_pretty]) : "";
  const title = row.remotes.length > 1 ? row.title : [row.remotes[0]?.pretty, via].filter(Boolean).join(" · ");
  return element("li", {},
    element("a", { class: "conversation", href: `#c${row.id}`, data: { testid: "contact-thread" } },
      element("span", { class: "conversation-body" },
        element("span", { class: "conversation-top" },
          element("span", { class: "conversation-title", text: title }),
          element("time", { class: "hint", datetime: row.last_message_at, title: exact(when), text: brief(when) })),
        element("span", { class: "conversation-text", text: row.last_text || gettext("Attachment") }))));
}
