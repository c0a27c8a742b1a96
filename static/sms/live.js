/* Keeps the push stream open: news as it happens, and a call to catch up after every gap. */

import { get } from "./api.js";

const FIRST_PAUSE = 1000;
const LONGEST_PAUSE = 15000;
const RENEW_BEFORE = 60; // seconds before a token's end at which a new one is asked for
const GREETED_WITHIN = 8000; // who has not said hello by then cannot hear news
const SILENT = 40000; // pings come every 15 seconds: nobody is there, whatever the socket says

export class Live {
  /** `onNews(news)`, `onCatchUp()` when something may have been missed, `onLine(isUp)`. */
  constructor({ onNews, onCatchUp, onLine }) {
    this.onNews = onNews;
    this.onCatchUp = onCatchUp;
    this.onLine = onLine;
    this.pause = FIRST_PAUSE;
    this.source = null;
    this.former = null; // speaks until the one that takes its place is greeted
    this.pass = null;
    this.turn = 0; // counts the openings: only the last one goes on
    this.heardAt = 0;
    window.addEventListener("online", () => this.open());
    window.addEventListener("offline", () => this.down());
    document.addEventListener("visibilitychange", () => {
      // A phone that slept may hold a dead connection that nobody has noticed yet.
      if (document.visibilityState === "visible" && !this.isAlive()) this.open();
    });
  }

  isAlive() {
    return this.source?.readyState === EventSource.OPEN && Date.now() - this.heardAt < SILENT;
  }

  async open() {
    this.turn += 1;
    const { turn } = this;
    clearTimeout(this.retry);
    try {
      await this.renew();
    } catch {
      if (turn === this.turn) this.down();
      return;
    }
    if (turn !== this.turn) return;
    this.former?.close();
    this.former = this.source;
    this.source = new EventSource(this.pass.url);
    this.listen(this.source);
    this.expect(GREETED_WITHIN);
    // The stream ends with its token; a new one is there before that, so nobody notices.
    clearTimeout(this.renewal);
    this.renewal = setTimeout(() => this.open(), this.pass.endsAt - Date.now());
  }

  listen(source) {
    const on = (kind, act) =>
      source.addEventListener(kind, (event) => {
        this.heardAt = Date.now();
        if (source === this.source && kind !== "error") this.expect(SILENT);
        act(event);
      });
    on("hello", () => {
      if (source === this.source) this.greet();
    });
    on("ping", () => {});
    on("message", (event) => this.onNews(JSON.parse(event.data)));
    on("lost", () => {
      if (source === this.source) this.lost();
    });
    on("error", () => {
      if (source !== this.source) return;
      // The token may have been refused or grown old: never try again with the same one.
      this.pass = null;
      this.down();
    });
  }

  greet() {
    this.former?.close();
    this.former = null;
    this.pause = FIRST_PAUSE;
    clearTimeout(this.retry);
    this.onLine(true);
    this.onCatchUp();
  }

  /** The stream is there and its news are not: look by the API until it says hello again. */
  lost() {
    this.onLine(false);
    this.again(() => this.lost());
  }

  /** Nothing is there: look by the API meanwhile, since only the push process may be away. */
  down() {
    this.turn += 1;
    this.former?.close();
    this.source?.close();
    this.former = this.source = null;
    clearTimeout(this.renewal);
    clearTimeout(this.silence);
    this.onLine(false);
    this.again(() => this.open());
  }

  /** Wait longer each time, and not all browsers equally long. */
  again(act) {
    clearTimeout(this.retry);
    this.retry = setTimeout(() => {
      this.onCatchUp();
      act();
    }, this.pause * (0.5 + Math.random()));
    this.pause = Math.min(this.pause * 2, LONGEST_PAUSE);
  }

  expect(within) {
    clearTimeout(this.silence);
    this.silence = setTimeout(() => this.down(), within);
  }

  async renew() {
    if (this.pass && Date.now() < this.pass.endsAt) return;
    const pass = await get("events");
    this.pass = { url: pass.url, endsAt: Date.now() + (pass.expires_in - RENEW_BEFORE) * 1000 };
  }
}
