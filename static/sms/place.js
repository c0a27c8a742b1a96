/* Where the reader is in a thread: at its end, which is followed, or at a place that stays put. */

import { byId, element } from "./dom.js";

const NEAR_END = 120; // pixels from the end at which new messages still scroll into view
const AHEAD = "600px"; // how early further messages are loaded

export class Place {
  /** `onOlder()` and `onNewer()` load further messages, `onLatest()` goes to the end and `onEnd()` hears of it. */
  constructor(strip, { onOlder, onNewer, onLatest, onEnd }) {
    this.strip = strip;
    this.onEnd = onEnd;
    this.scroll = byId("scroll");
    this.pinned = true;
    this.top = 0;
    this.isWhole = true; // whether the last message of all is the last one shown
    this.count = element("span", { class: "badge", data: { testid: "latest-count" } });
    this.button = element("button", { class: "button latest", type: "button", hidden: true, data: { testid: "latest" } },
      element("span", { "aria-hidden": "true", text: "↓" }), this.count);
    this.newer = element("div", { class: "newer", "aria-hidden": "true" });
    this.scroll.append(this.newer, element("div", { class: "latest-place" }, this.button));
    this.button.addEventListener("click", onLatest);
    this.scroll.addEventListener("scroll", () => this.look(), { passive: true });
    const follow = new ResizeObserver(() => this.pinned && this.toEnd());
    for (const one of [this.scroll, ...this.scroll.children]) follow.observe(one);
    this.ends = [[byId("older"), onOlder], [this.newer, onNewer]].map(([end, load]) => {
      const seen = new IntersectionObserver((found) => found.at(-1).isIntersecting && load(), { root: this.scroll, rootMargin: AHEAD });
      seen.observe(end);
      return [seen, end];
    });
  }

  /** Look again whether an end of what is loaded is near; nobody tells when it stays near. */
  watch() {
    for (const [seen, end] of this.ends) {
      seen.unobserve(end);
      seen.observe(end);
    }
  }

  /** Who scrolls up leaves the end; what is added below does not push anybody away from it. */
  look() {
    const { scrollTop: top, scrollHeight, clientHeight } = this.scroll;
    const [was, isUp] = [this.pinned, top < this.top];
    this.top = top;
    this.pinned = this.isWhole && (scrollHeight - top - clientHeight < NEAR_END || (was && !isUp));
    if (this.pinned && !was) this.onEnd();
    this.button.hidden = this.pinned || !this.strip.ids.length;
  }

  /** Change what is shown; the end stays in view, or else what the reader looks at. */
  keep(work) {
    if (this.pinned) {
      work(); // the end is followed when the list has its new size
      return;
    }
    const anchor = this.strip.firstBelow(this.scroll.getBoundingClientRect().top);
    const top = anchor?.getBoundingClientRect().top;
    work();
    if (anchor?.isConnected) this.scroll.scrollTop += anchor.getBoundingClientRect().top - top;
    this.look();
  }

  toEnd() {
    this.scroll.scrollTop = this.scroll.scrollHeight;
    this.look();
  }

  /** Bring an element into view, at a share of the window's height from its top. */
  toElement(node, share) {
    const by = node.getBoundingClientRect().top - this.scroll.getBoundingClientRect().top;
    this.scroll.scrollTop += by - this.scroll.clientHeight * share;
    this.pinned = false;
    this.look();
  }

  /** Say on the button how many new messages are further down. */
  tell(count) {
    this.count.textContent = count > 99 ? "99+" : count;
    this.count.hidden = !count;
    const words = count
      ? interpolate(ngettext("To the latest message, %s new", "To the latest message, %s new", count), [count])
      : gettext("To the latest message");
    this.button.setAttribute("aria-label", words);
    this.button.title = words;
  }
}
