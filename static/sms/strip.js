/* The messages of a thread in their order, with what stands between them: days, "New messages".

Each change touches the message and its neighbours only, so that thousands of them stay quick. */

import { bubble, dress, fateOf, sideOf } from "./bubbles.js";
import { element } from "./dom.js";
import { day, dayKey } from "./times.js";

const TOGETHER = 5 * 60 * 1000; // messages of one side this close stand as one block

export class Strip {
  constructor(root) {
    this.root = root;
    this.clear(null);
  }

  /** Begin anew; `context` is what bubbles need to know. */
  clear(context) {
    this.context = context;
    this.ids = []; // ascending
    this.rows = new Map(); // id -> message
    this.items = new Map(); // id -> { node, day, fresh, at, key, drawn, asked }
    this.mark = null; // the first unread message
    this.root.replaceChildren();
  }

  get oldest() {
    return this.ids[0];
  }

  get newest() {
    return this.ids.at(-1);
  }

  node(id) {
    return this.items.get(id)?.node;
  }

  /** Return the place of an id, or the one where it belongs. */
  place(id) {
    let [low, high] = [0, this.ids.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.ids[middle] < id) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Take over a message; `asked` orders answers, of which an older one changes nothing. */
  put(row, asked) {
    const known = this.items.get(row.id);
    if (known && asked < known.asked) return;
    const { history: _history, attempts: _attempts, ...shown } = row;
    const drawn = JSON.stringify(shown);
    if (!known) this.insert(row, { drawn, asked });
    else if (known.drawn !== drawn) this.change(row, known, drawn);
    if (known) known.asked = asked;
  }

  insert(row, about) {
    const at = new Date(row.created_at);
    const item = { ...about, node: bubble(row, this.context), day: null, fresh: null, at, key: dayKey(at) };
    item.node.tabIndex = -1; // reached by arrow keys
    const place = this.place(row.id);
    const after = this.items.get(this.ids[place]);
    this.ids.splice(place, 0, row.id);
    this.rows.set(row.id, row);
    this.items.set(row.id, item);
    this.root.insertBefore(item.node, after ? (after.day ?? after.fresh ?? after.node) : null);
    for (const near of [place - 1, place, place + 1]) this.fit(near);
  }

  change(row, item, drawn) {
    dress(item.node, row, this.context, this.rows.get(row.id));
    this.rows.set(row.id, row);
    item.drawn = drawn;
    const place = this.place(row.id);
    for (const near of [place - 1, place]) this.fit(near);
  }

  /** Let "New messages" stand before this one. */
  setMark(id) {
    const before = this.mark;
    this.mark = id;
    for (const one of [before, id]) if (this.rows.has(one)) this.fit(this.place(one));
  }

  /** Put right what stands before the message at a place, and how it joins its neighbours. */
  fit(place) {
    const row = this.rows.get(this.ids[place]);
    if (!row) return;
    const item = this.items.get(row.id);
    this.divide(item, "fresh", row.id === this.mark, () => gettext("New messages"));
    this.divide(item, "day", this.items.get(this.ids[place - 1])?.key !== item.key, () => day(item.at));
    item.node.classList.toggle("follows", this.follows(place));
    const next = this.rows.get(this.ids[place + 1]);
    item.node.classList.toggle("joins", this.follows(place + 1) && fateOf(next) === fateOf(row));
  }

  divide(item, kind, isWanted, words) {
    if (!isWanted) {
      item[kind]?.remove();
      item[kind] = null;
    } else if (!item[kind]) {
      item[kind] = element("li", { class: kind, data: { testid: kind } }, element("span", { text: words() }));
      this.root.insertBefore(item[kind], kind === "day" ? (item.fresh ?? item.node) : item.node);
    }
  }

  follows(place) {
    const [before, row] = [this.rows.get(this.ids[place - 1]), this.rows.get(this.ids[place])];
    if (!before || !row || row.id === this.mark) return false;
    const [one, other] = [this.items.get(before.id), this.items.get(row.id)];
    const { me } = this.context;
    return one.key === other.key && other.at - one.at < TOGETHER && sideOf(before, me) === sideOf(row, me);
  }

  /** "Today" becomes "Yesterday" at midnight. */
  renameDays() {
    for (const item of this.items.values()) if (item.day) item.day.firstChild.textContent = day(item.at);
  }

  /** Return the first message that reaches below a line of the window. */
  firstBelow(line) {
    let [low, high] = [0, this.ids.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.node(this.ids[middle]).getBoundingClientRect().bottom <= line) low = middle + 1;
      else high = middle;
    }
    return this.node(this.ids[low]);
  }
}
