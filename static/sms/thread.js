/* The open conversation: a window of its messages that grows both ways, and what news does to it. */

import { follow, get, Refusal } from "./api.js";
import { openDetails } from "./details.js";
import { byId, dressAvatar } from "./dom.js";
import { copy, MessageMenu } from "./messagemenu.js";
import { Place } from "./place.js";
import { Strip } from "./strip.js";
import { Unread } from "./unread.js";
import { Walk } from "./walk.js";

const MANY_UNREAD = 20; // more than these may not be on the last page: open where they begin

/* Others show what they know about the open conversation; null where none is. */
const tell = (conversation) => window.dispatchEvent(new CustomEvent("thread", { detail: conversation }));

export class Thread {
  constructor(me, onRead) {
    this.me = me;
    this.onRead = onRead;
    this.root = byId("messages");
    this.strip = new Strip(this.root);
    this.unread = new Unread(me);
    this.place = new Place(this.strip, {
      onOlder: () => this.older(),
      onNewer: () => this.newer(),
      onLatest: () => this.latest(),
      onEnd: () => this.tellUnread(),
    });
    this.asked = 0; // counts the questions to the server: answers may overtake each other
    const menu = new MessageMenu(this.root, (item) => this.rows.get(Number(item.dataset.id)), [
      { label: gettext("Copy text"), isFor: ({ text }) => text, run: ({ text }) => copy(text) },
      { label: gettext("Details"), isFor: () => true, run: ({ id }) => openDetails(id) },
    ]);
    this.walk = new Walk(this.strip, this.place, menu);
    this.reset();
    setInterval(() => this.strip.renameDays(), 60000);
  }

  reset() {
    this.conversation = null;
    this.turn = ++this.asked; // the question that decided what the window shows
    this.next = null; // the page of older messages
    this.setPrevious(null); // the page of newer messages
    this.loading = null; // which of the two is on its way
    this.isOpening = false;
    this.unread.begin(null);
    this.strip.clear(null);
    this.place.pinned = true;
    this.tellUnread();
    tell(null);
  }

  get id() {
    return this.conversation?.id ?? null;
  }

  get rows() {
    return this.strip.rows;
  }

  set pinned(value) {
    this.place.pinned = value;
  }

  /** Show a conversation; what was read of another one is forgotten. */
  async open(conversation) {
    this.take(conversation);
    await this.begin(conversation.unread > MANY_UNREAD ? conversation.read_to : null);
  }

  /** Show a conversation at one of its messages. */
  async openAt(conversation, messageId) {
    const isThere = this.id === conversation.id && this.rows.has(messageId);
    if (!isThere) {
      this.take(conversation);
      await this.begin(messageId);
    }
    this.walk.show(messageId);
  }

  take(conversation) {
    this.reset();
    this.conversation = conversation;
    this.unread.begin(conversation);
    this.strip.clear(this.context());
    this.head();
  }

  /** Take over what changed about the conversation itself. */
  update(conversation) {
    this.conversation = conversation;
    this.head();
  }

  head() {
    const { title, remotes, our_pretty, group, kind } = this.conversation;
    byId("thread-title").textContent = title;
    byId("thread-title").title = title;
    dressAvatar(byId("thread-avatar"), title);
    const numbers = remotes.filter((party) => party.name).map((party) => party.pretty);
    const parts = kind === "internal" ? [gettext("Colleague"), ...numbers] : [...numbers];
    if (our_pretty) parts.push(interpolate(gettext("via %s"), [our_pretty]));
    if (group) parts.push(group.name);
    byId("thread-subtitle").textContent = parts.join(" · ");
    byId("thread").classList.toggle("has-several", remotes.length > 1);
    const toggle = byId("toggle-closed");
    toggle.hidden = false;
    toggle.textContent = this.conversation.state === "closed" ? gettext("Reopen") : gettext("Close");
    tell(this.conversation);
  }

  /* --- The window ------------------------------------------------------------------------------- */

  /** Read the page around a message, else the last one, and show nothing else. */
  async begin(around = null) {
    const { conversation } = this;
    const turn = (this.turn = ++this.asked);
    let page;
    this.isOpening = true;
    try {
      page = await get(`conversations/${conversation.id}/messages`, around === null ? {} : { around });
    } catch (error) {
      if (turn === this.turn) this.isOpening = false;
      throw error;
    }
    if (turn !== this.turn) return; // another place was asked for meanwhile
    this.strip.clear(this.context());
    this.merge(page, turn);
    this.next = page.next;
    this.setPrevious(page.previous);
    this.unread.load(this.previous ? conversation.unread : 0, page.results);
    this.findMark();
    const fresh = this.root.querySelector(".fresh");
    if (fresh) this.place.toElement(fresh, 0.15);
    else if (around === null) this.place.toEnd();
    else this.place.toElement(this.strip.node(this.strip.ids[this.strip.place(around)]) ?? this.root, 0.35);
    await this.complete();
  }

  /** Read the end again, after a gap in the news. */
  async load() {
    if (this.previous || this.isOpening) return;
    const asked = ++this.asked;
    const { id, turn } = this;
    const path = `conversations/${id}/messages`;
    let page = await get(path);
    if (turn !== this.turn || this.previous) return;
    const isGap = this.rows.size && page.results.length && !page.results.some((row) => this.rows.has(row.id));
    if (isGap && this.place.pinned) {
      this.unread.begin(null);
      await this.begin();
      return;
    }
    if (isGap) {
      page = await get(path, { around: this.strip.newest });
      if (turn !== this.turn) return;
      this.setPrevious(page.previous);
    }
    if (!this.rows.size) this.next = page.next;
    for (const row of page.results) this.notice(row);
    this.place.keep(() => this.merge(page, asked));
    this.afterLoad();
  }

  async older() {
    const page = await this.further("next");
    if (!page) return;
    this.next = page.next;
    this.afterLoad();
  }

  async newer() {
    const page = await this.further("previous");
    if (!page) return;
    this.setPrevious(page.previous);
    for (const row of page.results) this.unread.see(row);
    await this.complete();
  }

  /** Follow one of the two links, unless that is being done; return the page if it was for us. */
  async further(way) {
    const link = this[way];
    if (!link || this.loading === way || this.isOpening) return null;
    this.loading = way;
    const { turn } = this;
    const asked = ++this.asked;
    try {
      const page = await follow(link);
      if (turn !== this.turn || link !== this[way]) return null;
      this.place.keep(() => this.merge(page, asked));
      return page;
    } finally {
      if (this.loading === way) this.loading = null;
    }
  }

  merge(page, asked) {
    for (const row of page.results) this.strip.put(row, asked);
  }

  setPrevious(link) {
    this.previous = link;
    this.place.isWhole = !link;
  }

  afterLoad() {
    this.findMark();
    this.tellUnread();
    this.place.look();
    this.place.watch();
    this.walk.settle();
    this.onRead();
  }

  /** At the end of the thread, read what came meanwhile and was on no page. */
  async complete() {
    this.isOpening = false;
    const isWhole = this.previous || [...this.unread.missed.keys()].every((id) => this.rows.has(id));
    if (!this.previous) this.unread.clear();
    this.afterLoad();
    if (!isWhole) await this.load();
  }

  /** Go to the last message of all. */
  async latest() {
    if (this.previous) {
      this.place.pinned = true;
      this.unread.begin(null);
      await this.begin();
    }
    this.unread.clear();
    this.place.toEnd();
    this.tellUnread();
  }

  /* --- News ------------------------------------------------------------------------------------- */

  /** Read one message again; return it if it was not there before. */
  async touch(id) {
    const asked = ++this.asked;
    try {
      return this.put(await get(`messages/${id}`), asked);
    } catch (error) {
      if (!(error instanceof Refusal && error.status === 404)) throw error;
      return null;
    }
  }

  put(row, asked = ++this.asked) {
    if (row.conversation !== this.id) return null;
    const isNew = !this.rows.has(row.id);
    if (isNew && this.isOutside(row)) {
      this.unread.miss(row);
      this.tellUnread();
      if (this.place.pinned && this.previous) this.latest();
      return row;
    }
    this.notice(row);
    this.place.keep(() => this.strip.put(row, asked));
    this.tellUnread();
    return isNew ? row : null;
  }

  /* Count what comes below the place that the reader looks at. */
  notice(row) {
    if (!this.place.pinned && row.id > (this.strip.newest ?? 0)) this.unread.miss(row);
  }

  /* A message beyond an end that has more behind it would leave a gap before it. */
  isOutside(row) {
    if (this.isOpening) return true;
    return Boolean((this.previous && row.id > this.strip.newest) || (this.next && row.id < this.strip.oldest));
  }

  /* "New messages" stands before the first unread one, once it is sure which one that is. */
  findMark() {
    if (this.strip.mark === null) this.strip.setMark(this.unread.firstIn(this.strip, this.next));
  }

  tellUnread() {
    if (this.place.pinned && !this.isOpening) this.unread.clear();
    this.place.tell(this.unread.count);
  }

  /* What bubbles need to know. */
  context() {
    return {
      me: this.me,
      isGroup: this.conversation.remotes.length > 1,
      nameOf: (number) => this.nameOf(number),
    };
  }

  nameOf(number) {
    const party = this.conversation.remotes.find((one) => one.number === number);
    return party?.name || party?.pretty || number;
  }
}
