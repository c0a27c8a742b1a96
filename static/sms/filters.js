/* Which conversations the list shows: the chips above it, and what belongs under each. */

import { byId, element } from "./dom.js";

const MANY = 1000; // conversations beyond which the server does not count

const me = byId("client").dataset.extension;
const isOpen = (row) => row.state === "open";

/* Each as the server narrows by it, and as a row that comes by itself is judged. */
const KINDS = {
  all: {
    query: { state: "open" },
    has: isOpen,
    empty: () => gettext("No conversations yet."),
  },
  mine: {
    query: { filter: "mine", state: "open" },
    has: (row) => isOpen(row) && (!row.group || row.assignee?.number === me),
    empty: () => gettext("Nothing is given to you."),
  },
  groups: {
    query: { filter: "groups", state: "open" },
    has: (row) => isOpen(row) && row.group !== null,
    empty: () => gettext("Your groups have no conversations."),
  },
  unread: {
    query: { filter: "unread" },
    has: (row) => row.unread > 0,
    empty: () => gettext("You have read everything."),
  },
  waiting: {
    query: { filter: "waiting" },
    has: (row) => isOpen(row) && row.waiting_since !== null && !row.assignee,
    empty: () => gettext("Nobody waits for an answer."),
  },
  closed: {
    query: { filter: "closed" },
    has: (row) => !isOpen(row),
    empty: () => gettext("Nothing is closed."),
  },
};

export class Filters {
  constructor(onChoose) {
    this.root = byId("filters");
    this.chosen = "all";
    this.root.addEventListener("click", (event) => {
      const chip = event.target.closest("[data-filter]");
      if (!chip || chip.dataset.filter === this.chosen) return;
      this.chosen = chip.dataset.filter;
      for (const one of this.chips()) one.setAttribute("aria-pressed", String(one === chip));
      chip.scrollIntoView({ block: "nearest", inline: "nearest" });
      onChoose();
    });
  }

  chips() {
    return this.root.querySelectorAll("[data-filter]");
  }

  get query() {
    return KINDS[this.chosen].query;
  }

  get empty() {
    return KINDS[this.chosen].empty();
  }

  has(row, filter = this.chosen) {
    return KINDS[filter].has(row);
  }

  /** Show how many are unread or wait; who is in no group has nothing to tell apart. */
  show({ unread_conversations: unread, waiting, groups }) {
    for (const chip of this.root.querySelectorAll("[data-of-groups]")) chip.hidden = groups === 0;
    this.count("unread", unread);
    this.count("waiting", waiting);
  }

  count(filter, number) {
    const chip = this.root.querySelector(`[data-filter="${filter}"]`);
    chip.querySelector(".filter-count")?.remove();
    if (!number) return;
    const text = number < MANY ? String(number) : `${MANY - 1}+`;
    chip.append(element("span", { class: "filter-count", text: ` ${text}` }));
  }
}
