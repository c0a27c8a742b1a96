/* The open conversation: its messages, oldest at the top, older ones loaded while scrolling back. */

import { follow, get, Refusal } from "./api.js";
import { bubble, sideOf } from "./bubbles.js";
import { arrange, byId, dressAvatar, element } from "./dom.js";
import { day, dayKey } from "./times.js";

const TOGETHER = 5 * 60 * 1000; // messages of one side this close stand as one block
const NEAR_END = 120; // pixels from the end at which new messages still scroll into view

/* Others show what they know about the open conversation; null where none is. */
const tell = (conversation) => window.dispatchEvent(new CustomEvent("thread", { detail: conversation }));

export class Thread {
  constructor(me, onRead) {
    this.me = me;
    this.onRead = onRead;
    this.scroll = byId("scroll");
    this.root = byId("messages");
    this.reset();
    const top = new IntersectionObserver((seen) => seen[0].isIntersecting && this.older(), {
      root: this.scroll,
      rootMargin: "300px",
    });
    top.observe(byId("older"));
    // A picture that finishes loading pushes the end away: follow it.
    this.root.addEventListener("load", () => this.pinned && this.toEnd(), true);
    this.scroll.addEventListener("scroll", () => (this.pinned = this.isNearEnd()), { passive: true });
    new ResizeObserver(() => this.pinned && this.toEnd()).observe(this.scroll);
  }

  reset() {
    this.conversation = null;
    this.rows = new Map(); // id -> message
    this.items = new Map(); // id -> { node, drawn }
    this.days = new Map(); // midnight -> separator
    this.next = null;
    this.loading = false;
    this.pinned = true;
    this.root.replaceChildren();
    tell(null);
  }

  get id() {
    return this.conversation?.id ?? null;
  }

  /** Show a conversation; what was read of another one is forgotten. */
  async open(conversation) {
    this.reset();
    this.conversation = conversation;
    this.head();
    await this.load();
  }

  /** Take over what changed about the conversation itself. */
  update(conversation) {
    this.conversation = conversation;
    this.head();
  }

  head() {
    const { title, remotes, our_pretty, group, kind } = this.conversation;
    byId("thread-title").textContent = title;
    dressAvatar(byId("thread-avatar"), title);
    const numbers = remotes.filter((party) => party.name).map((party) => party.pretty);
    const parts = kind === "internal" ? [gettext("Colleague"), ...numbers] : [...numbers];
    if (our_pretty) parts.push(interpolate(gettext("via %s"), [our_pretty]));
    if (group) parts.push(group.name);
    byId("thread-subtitle").textContent = parts.join(" · ");
    const toggle = byId("toggle-closed");
    toggle.hidden = false;
    toggle.textContent = this.conversation.state === "closed" ? gettext("Reopen") : gettext("Close");
    tell(this.conversation);
  }

  async load() {
    const { conversation } = this;
    const page = await get(`conversations/${conversation.id}/messages`);
    if (this.conversation?.id !== conversation.id) return; // another one was opened meanwhile
    const gap = this.rows.size && !page.results.some((row) => this.rows.has(row.id));
    if (gap) this.rows.clear();
    if (gap || !this.rows.size) this.next = page.next;
    for (const row of page.results) this.rows.set(row.id, row);
    this.draw();
    this.onRead();
  }

  async older() {
    if (!this.next || this.loading) return;
    this.loading = true;
    const { id } = this;
    try {
      const page = await follow(this.next);
      if (this.id !== id) return;
      this.next = page.next;
      for (const row of page.results) this.rows.set(row.id, row);
      const below = this.scroll.scrollHeight - this.scroll.scrollTop;
      this.draw();
      this.scroll.scrollTop = this.scroll.scrollHeight - below;
    } finally {
      this.loading = false;
    }
  }

  /** Read one message again; return it if it was not there before. */
  async touch(id) {
    try {
      return this.put(await get(`messages/${id}`));
    } catch (error) {
      if (!(error instanceof Refusal && error.status === 404)) throw error;
      return null;
    }
  }

  put(row) {
    if (row.conversation !== this.id) return null;
    const isNew = !this.rows.has(row.id);
    this.rows.set(row.id, row);
    this.draw();
    return isNew ? row : null;
  }

  draw() {
    const stay = this.pinned;
    const nodes = [];
    let before = null;
    for (const row of [...this.rows.values()].sort((one, other) => one.id - other.id)) {
      const when = new Date(row.created_at);
      if (!before || dayKey(new Date(before.created_at)) !== dayKey(when)) {
        nodes.push(this.separator(when));
        before = null;
      }
      const node = this.item(row);
      const close = before && when - new Date(before.created_at) < TOGETHER;
      node.classList.toggle("follows", Boolean(close && sideOf(before, this.me) === sideOf(row, this.me)));
      nodes.push(node);
      before = row;
    }
    arrange(this.root, nodes);
    if (stay) this.toEnd();
  }

  separator(when) {
    const key = dayKey(when);
    if (!this.days.has(key)) this.days.set(key, element("li", { class: "day" }, element("span")));
    const node = this.days.get(key);
    node.firstChild.textContent = day(when);
    return node;
  }

  item(row) {
    const known = this.items.get(row.id);
    const { history: _history, attempts: _attempts, ...shown } = row;
    const drawn = JSON.stringify(shown);
    if (known?.drawn === drawn) return known.node;
    const made = bubble(row, {
      me: this.me,
      isGroup: this.conversation.remotes.length > 1,
      nameOf: (number) => this.nameOf(number),
    });
    known?.node.replaceWith(made);
    this.items.set(row.id, { node: made, drawn });
    return made;
  }

  nameOf(number) {
    const party = this.conversation.remotes.find((one) => one.number === number);
    return party?.name || party?.pretty || number;
  }

  isNearEnd() {
    return this.scroll.scrollHeight - this.scroll.scrollTop - this.scroll.clientHeight < NEAR_END;
  }

  toEnd() {
    this.scroll.scrollTop = this.scroll.scrollHeight;
    this.pinned = true;
  }
}
