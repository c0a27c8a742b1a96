/* The list of conversations: latest first, with what is unread. */

import { follow, get, Refusal } from "./api.js";
import { arrange, byId, dressAvatar, element } from "./dom.js";
import { brief, exact } from "./times.js";

export class ConversationList {
  constructor(onChange) {
    this.onChange = onChange;
    this.root = byId("conversation-list");
    this.rows = new Map(); // id -> conversation
    this.items = new Map(); // id -> { node, drawn }
    this.next = null;
    this.openId = null;
    this.loading = false;
    const end = new IntersectionObserver((seen) => seen[0].isIntersecting && this.more(), {
      root: byId("list-scroll"),
      rootMargin: "200px",
    });
    end.observe(byId("list-end"));
    this.root.addEventListener("keydown", (event) => this.step(event));
  }

  get(id) {
    return this.rows.get(id);
  }

  get unread() {
    let sum = 0;
    for (const row of this.rows.values()) sum += row.unread;
    return sum;
  }

  /** Read the first page again; what was loaded below it stays. */
  async refresh() {
    const page = await get("conversations", { scope: "own" });
    if (!this.rows.size) this.next = page.next;
    for (const row of page.results) this.rows.set(row.id, row);
    this.root.setAttribute("aria-busy", "false");
    this.draw();
  }

  async more() {
    if (!this.next || this.loading) return;
    this.loading = true;
    try {
      const page = await follow(this.next);
      this.next = page.next;
      for (const row of page.results) if (!this.rows.has(row.id)) this.rows.set(row.id, row);
      this.draw();
    } finally {
      this.loading = false;
    }
  }

  /** Read one conversation again; it may be new, or no longer ours. */
  async touch(id) {
    try {
      this.put(await get(`conversations/${id}`));
    } catch (error) {
      if (!(error instanceof Refusal && error.status === 404)) throw error;
      this.rows.delete(id);
      this.draw();
    }
    return this.rows.get(id);
  }

  put(row) {
    this.rows.set(row.id, row);
    this.draw();
  }

  mark(id) {
    this.openId = id;
    this.draw();
  }

  draw() {
    const rows = [...this.rows.values()].sort(
      (one, other) => Date.parse(other.last_message_at) - Date.parse(one.last_message_at) || other.id - one.id,
    );
    for (const id of this.items.keys()) if (!this.rows.has(id)) this.items.delete(id);
    arrange(this.root, rows.map((row) => this.item(row)));
    byId("list-empty").hidden = rows.length > 0 || this.root.getAttribute("aria-busy") === "true";
    this.onChange();
  }

  item(row) {
    const known = this.items.get(row.id);
    const wanted = JSON.stringify([row, row.id === this.openId, brief(new Date())]);
    if (known?.drawn === wanted) return known.node;
    const node = known?.node ?? element("li");
    const link = known ? node.firstChild : element("a", { class: "conversation", href: `#c${row.id}` });
    dressItem(link, row, row.id === this.openId);
    if (!known) node.append(link);
    this.items.set(row.id, { node, drawn: wanted });
    return node;
  }

  /** Arrow keys walk through the list. */
  step(event) {
    if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
    const links = [...this.root.querySelectorAll("a")];
    const at = links.indexOf(document.activeElement) + (event.key === "ArrowDown" ? 1 : -1);
    if (!links[at]) return;
    event.preventDefault();
    links[at].focus();
  }
}

function dressItem(link, row, isOpen) {
  const when = new Date(row.last_message_at);
  const avatar = element("span", { "aria-hidden": "true" });
  dressAvatar(avatar, row.title);
  const badge = row.unread
    ? element("span", { class: "badge", data: { testid: "unread" } },
        element("span", { text: row.unread > 99 ? "99+" : row.unread }),
        element("span", { class: "visually-hidden", text: ` ${gettext("unread")}` }))
    : null;
  link.replaceChildren(
    avatar,
    element("span", { class: "conversation-body" },
      element("span", { class: "conversation-top" },
        element("span", { class: "conversation-title", text: row.title }),
        element("time", { class: "hint", datetime: row.last_message_at, title: exact(when), text: brief(when) })),
      element("span", { class: "conversation-bottom" },
        element("span", { class: "conversation-text", text: row.last_text || gettext("Attachment") }),
        chip(row), badge)),
  );
  link.dataset.testid = "conversation-item";
  link.dataset.id = row.id;
  link.classList.toggle("is-unread", row.unread > 0);
  link.classList.toggle("is-closed", row.state === "closed");
  if (isOpen) link.setAttribute("aria-current", "true");
  else link.removeAttribute("aria-current");
}

/* Whose it is, where that is not simply the reader. */
function chip(row) {
  if (row.state === "closed") return element("span", { class: "chip", text: gettext("Closed") });
  if (row.waiting_since && !row.assignee) return element("span", { class: "chip is-warn", text: gettext("Waiting") });
  if (row.group) return element("span", { class: "chip", text: row.group.name });
  return null;
}
