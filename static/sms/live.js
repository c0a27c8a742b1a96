/* Keeps the push stream open: news as it happens, and a call to catch up after every gap. */

import { get } from "./api.js";

const FIRST_PAUSE = 1000;
const LONGEST_PAUSE = 15000;
const RENEW_BEFORE = 60; // seconds before a token's end at which a new one is asked for

export class Live {
  /** `onNews(news)`, `onCatchUp()` when something may have been missed, `onLine(isUp)`. */
  constructor({ onNews, onCatchUp, onLine }) {
    this.onNews = onNews;
    this.onCatchUp = onCatchUp;
    this.onLine = onLine;
    this.pause = FIRST_PAUSE;
    this.source = null;
    this.pass = null;
    this.timer = 0;
    window.addEventListener("online", () => this.open());
    window.addEventListener("offline", () => this.down());
    document.addEventListener("visibilitychange", () => {
      // A phone that slept may hold a dead connection that nobody has noticed yet.
      if (document.visibilityState === "visible" && !this.isOpen()) this.open();
    });
  }

  isOpen() {
    return this.source !== null && this.source.readyState === EventSource.OPEN;
  }

  async open() {
    clearTimeout(this.timer);
    this.source?.close();
    try {
      await this.renew();
    } catch {
      this.down();
      return;
    }
    const source = new EventSource(this.pass.url);
    this.source = source;
    // The stream ends with its token; a new one is there before that, so nobody notices.
    this.timer = setTimeout(() => this.open(), this.pass.endsAt - Date.now());
    source.addEventListener("hello", () => {
      this.pause = FIRST_PAUSE;
      this.onLine(true);
      this.onCatchUp();
    });
    source.addEventListener("lost", () => this.onLine(false));
    source.addEventListener("message", (event) => this.onNews(JSON.parse(event.data)));
    source.addEventListener("error", () => {
      if (source !== this.source) return;
      // The token may have been refused or grown old: never try again with the same one.
      this.pass = null;
      this.down();
    });
  }

  /** Wait longer each time, and look by the API meanwhile: only the push process may be away. */
  down() {
    this.source?.close();
    this.source = null;
    this.onLine(false);
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      this.onCatchUp();
      this.open();
    }, this.pause);
    this.pause = Math.min(this.pause * 2, LONGEST_PAUSE);
  }

  async renew() {
    if (this.pass && Date.now() < this.pass.endsAt) return;
    const pass = await get("events");
    this.pass = { url: pass.url, endsAt: Date.now() + (pass.expires_in - RENEW_BEFORE) * 1000 };
  }
}
