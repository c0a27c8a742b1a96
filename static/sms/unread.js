/* What the reader had not read when the thread was opened, and what has come out of sight since. */

import { isOurs } from "./bubbles.js";

export class Unread {
  constructor(me) {
    this.me = me;
    this.begin(null);
  }

  /** Remember how far a conversation was read. */
  begin(conversation) {
    this.readTo = conversation?.unread ? conversation.read_to : null;
    this.unloaded = 0; // unread messages beyond the newest that is loaded
    this.missed = new Map(); // what came since, out of sight: id -> whether it is news
  }

  get count() {
    return this.unloaded + [...this.missed.values()].filter(Boolean).length;
  }

  isNews(row) {
    return ["inbound", "internal"].includes(row.direction) && !isOurs(row, this.me);
  }

  /** Of so many unread messages these are loaded first. */
  load(total, rows) {
    this.unloaded = total;
    for (const row of rows) this.see(row);
  }

  /** Take note that a message is loaded. */
  see(row) {
    const isCounted = this.isNews(row) && row.id > (this.readTo ?? 0);
    if (!this.missed.delete(row.id) && isCounted) this.unloaded = Math.max(0, this.unloaded - 1);
  }

  miss(row) {
    this.missed.set(row.id, this.isNews(row));
  }

  clear() {
    this.unloaded = 0;
    this.missed.clear();
  }

  /** Return the first unread message, null as long as it may be one that is not loaded yet. */
  firstIn(strip, hasOlder) {
    if (this.readTo === null || (hasOlder && strip.oldest > this.readTo)) return null;
    return strip.ids.find((id) => id > this.readTo && this.isNews(strip.rows.get(id))) ?? null;
  }
}
