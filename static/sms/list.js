/* The list of conversations: latest first, by day, narrowed or searched, loaded while scrolling. */

import { follow, get, Refusal } from "./api.js";
import { arrange, byId, element, say, settle } from "./dom.js";
import * as draftbook from "./draftbook.js";
import { Filters } from "./filters.js";
import { dressRow } from "./row.js";
import { Search } from "./search.js";
import { day, dayKey } from "./times.js";

const PAGE = 50;
const LONG_PAGE = 200;
const MOST = 1000; // rows that are read again after a gap; what is below is read when it is scrolled to
const RETRY = 4000;

export class ConversationList {
  constructor(onChange) {
    this.onChange = onChange;
    this.root = byId("conversation-list");
    this.pane = byId("list-scroll");
    this.rows = new Map(); // id -> conversation, whatever is known of it
    this.read = new Map(); // id -> the number of the reading it is from
    this.readings = 0;
    this.views = new Map(); // filter -> { next, horizon }: all above the horizon is known
    this.items = new Map(); // id, or id and message of what was found -> { node, row, look }
    this.heads = new Map(); // day or title -> heading
    this.counts = { unread: 0 };
    this.openId = null;
    this.stop = null; // the one link that the Tab key reaches
    this.loading = false;
    this.filters = new Filters(() => this.turn());
    this.search = new Search({
      onChange: (results) => this.showFound(results),
      narrow: () => (this.filters.chosen === "all" ? {} : this.filters.query),
    });
    this.end = new IntersectionObserver((seen) => seen.at(-1).isIntersecting && this.more(), {
      root: this.pane,
      rootMargin: "400px",
    });
    this.watch();
    this.root.addEventListener("keydown", (event) => this.step(event));
    this.root.addEventListener("focusin", (event) => this.reach(event.target.closest("a")));
    window.addEventListener("drafts", settle(() => this.draw(), 300));
  }

  get(id) {
    return this.rows.get(id);
  }

  /** Unread messages in all conversations, loaded or not. */
  get unread() {
    return this.counts.unread;
  }

  get view() {
    return this.views.get(this.filters.chosen);
  }

  /* --- Reading ---------------------------------------------------------------------------------- */

  /** Read again what is shown: rows may have changed while nobody told us. */
  async refresh() {
    const filter = this.filters.chosen;
    const before = this.readings;
    const wanted = Math.min(this.shown().length, MOST);
    const query = { scope: "own", page_size: wanted > PAGE ? LONG_PAGE : PAGE, ...this.filters.query };
    this.countSoon();
    let page = await get("conversations", query);
    const found = [...page.results];
    while (page.next && found.length < wanted) {
      page = await follow(page.next);
      found.push(...page.results);
    }
    this.views.clear(); // of the other filters the same may be true
    this.extend(filter, page, found, before);
    this.forget(filter, new Set(found.map((row) => row.id)), before);
    this.draw();
    this.watch();
  }

  async more() {
    if (this.search.isOn) {
      await this.search.more();
      return;
    }
    const { view } = this;
    if (!view?.next || this.loading) return;
    this.loading = true;
    const filter = this.filters.chosen;
    const before = this.readings;
    try {
      const page = await follow(view.next);
      if (view !== this.views.get(filter)) return; // it was read again from the top meanwhile
      this.extend(filter, page, page.results, before);
      this.draw();
      this.loading = false;
      this.watch();
    } catch (error) {
      console.warn(error.message);
      setTimeout(() => this.watch(), RETRY);
    } finally {
      this.loading = false;
    }
  }

  /** Take over rows that were asked for after reading `before`; newer news of one stays. */
  extend(filter, page, found, before) {
    for (const row of found) if (!((this.read.get(row.id) ?? 0) > before)) this.know(row);
    const last = found.at(-1);
    const horizon = page.next && last ? { at: Date.parse(last.last_message_at), id: last.id } : null;
    this.views.set(filter, { next: page.next, horizon });
  }

  /** Forget rows that should have been in what was read: they are no longer ours, or not so. */
  forget(filter, found, before) {
    const { horizon } = this.views.get(filter);
    for (const row of this.rows.values()) {
      const isExpected = this.filters.has(row, filter) && isAbove(row, horizon) && this.read.get(row.id) <= before;
      if (isExpected && !found.has(row.id) && row.id !== this.openId) this.rows.delete(row.id);
    }
  }

  know(row) {
    this.readings += 1;
    this.read.set(row.id, this.readings);
    this.rows.set(row.id, row);
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
    const known = this.rows.get(row.id);
    if (known) this.counts.unread = Math.max(0, this.counts.unread + row.unread - known.unread);
    this.know(row);
    this.draw();
    this.countSoon();
  }

  async count() {
    this.counts = await get("conversations/counts");
    this.filters.show(this.counts);
    this.onChange();
  }

  /** Count again in a moment, once for all that comes until then. */
  countSoon() {
    this.counting ??= setTimeout(() => {
      this.counting = null;
      this.count().catch((error) => console.warn(error.message));
    }, 400);
  }

  /** Another filter was chosen: what is known of it shows at once. */
  turn() {
    this.pane.scrollTop = 0;
    this.search.begin();
    this.draw();
    if (this.view) this.watch();
    else this.refresh().catch((error) => console.warn(error.message));
  }

  /* The end is told only when it comes into view; after each page it is asked for anew. */
  watch() {
    this.end.unobserve(byId("list-end"));
    this.end.observe(byId("list-end"));
  }

  showFound(results) {
    if (!results.length) this.pane.scrollTop = 0;
    for (const { match: _match, ...row } of results) this.know(row);
    this.draw();
    this.watch();
  }

  /* --- Showing ---------------------------------------------------------------------------------- */

  mark(id) {
    this.openId = id;
    this.draw();
  }

  /** The rows of the chosen filter, the latest first; the open one stays until it is left. */
  shown() {
    const { view } = this;
    if (!view) return [];
    return [...this.rows.values()]
      .filter((row) => (this.filters.has(row) || row.id === this.openId) && isAbove(row, view.horizon))
      .map((row) => ({ row, at: Date.parse(row.last_message_at) }))
      .sort((one, other) => other.at - one.at || other.row.id - one.row.id)
      .map(({ row }) => row);
  }

  draw() {
    const focused = document.activeElement;
    const nodes = this.search.isOn ? this.foundNodes() : this.dayNodes();
    arrange(this.root, nodes);
    this.tidy(nodes.length);
    if (this.root.contains(focused) && focused !== document.activeElement) focused.focus({ preventScroll: true });
    this.reach(this.root.contains(focused) ? focused : (this.root.querySelector("[aria-current]") ?? this.root.querySelector("a")));
    const isBusy = !this.search.isOn && !this.view;
    this.root.setAttribute("aria-busy", String(isBusy));
    byId("list-empty").hidden = nodes.length > 0 || isBusy || this.search.isOn;
    say(byId("list-empty-words"), this.filters.empty);
    byId("list-empty-hint").hidden = this.filters.chosen !== "all";
    this.onChange();
  }

  dayNodes() {
    const drafts = draftbook.all();
    const today = dayKey(new Date());
    const nodes = [];
    let before = null;
    for (const row of this.shown()) {
      const when = new Date(row.last_message_at);
      const key = dayKey(when);
      if (key !== before) nodes.push(this.head(key, day(when)));
      before = key;
      const isOpen = row.id === this.openId;
      nodes.push(this.item(String(row.id), row, { isOpen, draft: isOpen ? "" : drafts.get(`c${row.id}`), match: null, words: [], today }));
    }
    return nodes;
  }

  foundNodes() {
    const { found, words } = this.search;
    const { typed } = this.search.run;
    const nodes = [];
    for (const [title, part] of [[gettext("Conversations"), found.filter((one) => !one.match)], [gettext("Messages"), found.filter((one) => one.match)]]) {
      if (part.length) nodes.push(this.head(title, title));
      for (const { id, match } of part) {
        const row = this.rows.get(id);
        if (!row) continue;
        const isOpen = location.hash === (match ? `#c${id}/${match.message}` : `#c${id}`);
        nodes.push(this.item(`${id}/${match?.message ?? ""}`, row, { isOpen, draft: "", match, words, typed }));
      }
    }
    return nodes;
  }

  /* Rows that went, and what earlier searches found. */
  tidy(shown) {
    if (this.items.size < 2 * shown + LONG_PAGE) return;
    for (const [key, { node }] of this.items) if (!node.isConnected) this.items.delete(key);
  }

  head(key, title) {
    if (!this.heads.has(key)) this.heads.set(key, element("li", { class: "list-head" }, element("h2")));
    const node = this.heads.get(key);
    if (node.firstChild.textContent !== title) node.firstChild.textContent = title;
    return node;
  }

  item(key, row, look) {
    const known = this.items.get(key);
    if (known?.row === row && isSame(known.look, look)) return known.node;
    const node = known?.node ?? element("li", {}, element("a", { class: "conversation", tabindex: -1 }));
    dressRow(node.firstChild, row, look);
    this.items.set(key, { node, row, look });
    return node;
  }

  /* --- By keyboard ------------------------------------------------------------------------------ */

  /** Of ten thousand links the Tab key reaches one; arrow keys walk from there. */
  reach(link) {
    if (!link || link === this.stop) return;
    this.stop?.setAttribute("tabindex", "-1");
    link.setAttribute("tabindex", "0");
    this.stop = link;
  }

  step(event) {
    const links = [...this.root.querySelectorAll("a")];
    const at = links.indexOf(document.activeElement);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: links.length - 1 }[event.key];
    if (to === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    if (to < 0) byId("search-input").focus();
    else links[to]?.focus();
  }
}

const isAbove = (row, horizon) => {
  if (!horizon) return true;
  const at = Date.parse(row.last_message_at);
  return at > horizon.at || (at === horizon.at && row.id >= horizon.id);
};

/* The words of a search are the same as long as what was typed is. */
const isSame = (one, other) =>
  ["isOpen", "draft", "match", "typed", "today"].every((name) => one[name] === other[name]);
