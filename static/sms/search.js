/* Finds conversations: the box above the list, what it led to, and the words shown in it. */

import { follow, get } from "./api.js";
import { byId, element, say, settle } from "./dom.js";

export class Search {
  /** `onChange()` when there is something else to show; `narrow()` gives the chosen filter. */
  constructor({ onChange, narrow }) {
    this.onChange = onChange;
    this.narrow = narrow;
    this.input = byId("search-input");
    this.state = byId("search-state");
    this.run = newRun("", null);
    const begin = settle(() => this.begin(), 200);
    this.input.addEventListener("input", () => {
      byId("search-clear").hidden = !this.input.value;
      begin();
    });
    this.input.addEventListener("keydown", (event) => this.key(event));
    byId("search-clear").addEventListener("click", () => this.clear());
    document.addEventListener("keydown", (event) => this.shortcut(event));
  }

  get isOn() {
    return this.run.typed !== "";
  }

  get words() {
    return wordsOf(this.run.typed);
  }

  get found() {
    return this.run.found;
  }

  clear() {
    this.input.value = "";
    byId("search-clear").hidden = true;
    this.begin();
    this.input.focus();
  }

  /** Look for what is typed; a single letter of an alphabet is no word yet. */
  begin() {
    const written = this.input.value.trim();
    const typed = written.length > 1 || written > "~" ? written : "";
    const asked = JSON.stringify([typed, this.narrow()]);
    if (asked === this.run.asked) return;
    this.run = newRun(typed, asked);
    this.onChange([]);
    say(this.state, "");
    if (this.isOn) this.read(() => get("conversations", { q: typed, scope: "own", ...this.narrow() }));
  }

  async more() {
    const { next } = this.run;
    if (next) await this.read(() => follow(next));
  }

  async read(ask) {
    const { run } = this;
    if (run.loading) return;
    run.loading = true;
    this.tell(run.next ? gettext("Searching older messages…") : gettext("Searching…"));
    const page = await ask().catch((error) => error);
    run.loading = false;
    if (run !== this.run) return; // something else is looked for by now
    if (page instanceof Error) {
      Object.assign(run, { next: null, asked: null }); // the same may be asked for again
      this.tell(page.message);
      return;
    }
    run.next = page.next;
    this.take(page.results);
    this.tell(run.next ? gettext("Searching older messages…") : this.summary());
  }

  take(results) {
    const { found } = this.run;
    for (const { match, id } of results) {
      // Of the texts of one conversation the newest is shown.
      if (!found.some((one) => one.id === id && Boolean(one.match) === Boolean(match))) found.push({ id, match });
    }
    this.onChange(results);
  }

  tell(words) {
    say(this.state, words);
  }

  summary() {
    if (!this.found.length) return interpolate(gettext("Nothing found for “%s”."), [this.run.typed]);
    return interpolate(ngettext("%s result", "%s results", this.found.length), [this.found.length]);
  }

  key(event) {
    const first = () => byId("conversation-list").querySelector("a");
    if (event.key === "Escape") {
      if (this.input.value) this.clear();
      else first()?.focus();
    } else if (event.key === "ArrowDown") {
      first()?.focus();
    } else if (event.key === "Enter") {
      if (this.isOn) first()?.click();
    } else {
      return;
    }
    event.preventDefault();
  }

  /* Ctrl+K or Cmd+K anywhere; a slash where nobody is typing. */
  shortcut(event) {
    const isChord = (event.ctrlKey || event.metaKey) && !event.shiftKey && event.key.toLowerCase() === "k";
    const isTyping = event.target.closest("input, textarea, select, [contenteditable]");
    const isSlash = event.key === "/" && !event.ctrlKey && !event.metaKey && !event.altKey && !isTyping;
    if (!(isChord || isSlash) || document.querySelector("dialog[open]")) return;
    event.preventDefault();
    if (!this.input.offsetParent) byId("back").click(); // on a phone the thread hides the list
    this.input.focus();
    this.input.select();
  }
}

/* One search: what was typed, what was found so far (`{ id, match }`), and where it goes on. */
const newRun = (typed, asked) => ({ typed, asked, found: [], next: null, loading: false });

/* The words of a search as the server takes them: signs count only where nothing else is. */
const wordsOf = (typed) => typed.match(/[\p{L}\p{N}\p{M}_]+/gu) ?? typed.split(/\s+/).filter(Boolean);

/** Return a text as nodes, with what was looked for in `<mark>`. */
export function marked(text, words) {
  if (!words.length) return [text];
  const parts = text.split(new RegExp(`(${words.map(pattern).join("|")})`, "giu"));
  return parts.map((part, at) => (at % 2 ? element("mark", { text: part }) : part));
}

/* From the beginning of a word, where its script has upper and lower case or it is a number. */
function pattern(word) {
  const plain = word.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&");
  const [first] = word;
  const fromStart = /\p{N}/u.test(first) || first.toLowerCase() !== first.toUpperCase();
  return (fromStart ? "(?<![\\p{L}\\p{N}_])" : "") + plain;
}
