/* The texts of the open thread that wait for their time, below its messages. */

import { get, patch, post, Refusal, remove } from "./api.js";
import { byId, element, say } from "./dom.js";
import { timeField, timeOf, when } from "./later.js";

const MOST = 200; // that are read at once

export class Scheduled {
  constructor() {
    this.conversation = null;
    this.rows = [];
    this.editing = null; // id of the text that is being changed
    this.root = element("ul", { class: "scheduled", "aria-label": gettext("Scheduled"), hidden: true, data: { testid: "scheduled" } });
    byId("messages").after(this.root);
    this.told = element("a", { class: "note bad later-told", hidden: true, data: { testid: "later-told" } });
    byId("line-state").after(this.told);
  }

  /** Show those of a thread; null is a new message, which has none. */
  show(conversation) {
    if (conversation === this.conversation) return;
    this.conversation = conversation;
    this.editing = null;
    this.draw();
  }

  /** Read all of the reader again: they are few, and one may have been refused in any thread. */
  async load() {
    const page = await get("later", { page_size: MOST });
    const before = this.here.length;
    this.rows = page.results;
    this.tell();
    if (!this.here.some((row) => row.id === this.editing)) this.editing = null;
    if (this.editing === null) this.draw();
    if (this.here.length > before) this.root.lastElementChild.scrollIntoView({ block: "nearest" });
  }

  get here() {
    return this.rows.filter((row) => row.conversation === this.conversation);
  }

  /** Tell of the texts that were refused when their time had come, wherever the reader is. */
  tell() {
    const refused = this.rows.filter((row) => row.state === "refused");
    const words = ngettext("%s scheduled text was not sent. See why.", "%s scheduled texts were not sent. See why.", refused.length);
    say(this.told, refused.length ? interpolate(words, [refused.length]) : "");
    if (refused.length) this.told.href = `#c${refused[0].conversation}`;
  }

  draw() {
    this.root.hidden = !this.here.length;
    this.root.replaceChildren(...this.here.map((row) => (row.id === this.editing ? this.editor(row) : this.card(row))));
  }

  card(row) {
    const refused = row.state === "refused";
    const moment = new Date(row.at);
    const head = refused
      ? gettext("Not sent")
      : interpolate(gettext("Scheduled for %s"), [when(moment)]);
    const item = element("li", { class: `scheduled-card${refused ? " is-refused" : ""}`, data: { testid: "later-card", state: row.state } },
      element("p", { class: "scheduled-head" },
        element("span", { "aria-hidden": "true", text: refused ? "✕" : "◷" }),
        element("time", { datetime: row.at, title: moment.toLocaleString(), text: head })),
      row.text ? element("p", { class: "text", dir: "auto", text: row.text }) : null,
      row.media.length ? element("p", { class: "hint", text: row.media.map((one) => one.name).join(", ") }) : null,
      refused ? element("p", { class: "trouble", text: row.error }) : null,
      element("p", { class: "note bad", role: "alert", hidden: true, data: { role: "wrong" } }));
    item.append(element("p", { class: "scheduled-choices" },
      this.button(gettext("Edit"), "later-edit", () => this.edit(row)),
      this.button(refused ? gettext("Try again now") : gettext("Send now"), "later-now", () => this.act(item, () => post(`later/${row.id}/send`))),
      this.button(refused ? gettext("Dismiss") : gettext("Cancel"), "later-cancel", () => this.act(item, () => remove(`later/${row.id}`)))));
    return item;
  }

  editor(row) {
    const soon = new Date(Math.max(new Date(row.at), Date.now() + 3600 * 1000));
    const text = element("textarea", { class: "input", rows: "3", maxlength: "1600", "aria-label": gettext("Text"), data: { testid: "later-text" } });
    text.value = row.text;
    const time = timeField(gettext("To be sent"), soon, "later-edit-time");
    const item = element("li", { class: "scheduled-card is-edited", data: { testid: "later-editor" } },
      text, time, element("p", { class: "note bad", role: "alert", hidden: true, data: { role: "wrong" } }));
    const save = () => {
      const { moment, words } = timeOf(time);
      say(item.querySelector("[data-role=wrong]"), words);
      if (moment) this.act(item, () => patch(`later/${row.id}`, { text: text.value, at: moment.toISOString() }));
    };
    item.append(element("p", { class: "scheduled-choices" },
      this.button(gettext("Keep as it was"), "later-undo", () => this.edit(null)),
      this.button(gettext("Save"), "later-save", save, " primary")));
    item.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      event.preventDefault(); // the page would take it for "back"
      this.edit(null);
    });
    return item;
  }

  button(text, testid, work, look = "") {
    const made = element("button", { type: "button", class: `button small${look}`, text, data: { testid } });
    made.addEventListener("click", work);
    return made;
  }

  edit(row) {
    this.editing = row?.id ?? null;
    this.draw();
    if (row) this.root.querySelector("textarea").focus();
    else this.root.querySelector("button")?.focus();
  }

  /** Do it once, and show what the server says of it. */
  async act(item, work) {
    for (const one of item.querySelectorAll("button")) one.disabled = true;
    try {
      await work();
      this.editing = null;
      await this.load();
      byId("composer-text").focus();
    } catch (error) {
      for (const one of item.querySelectorAll("button")) one.disabled = false;
      say(item.querySelector("[data-role=wrong]"), error.message);
      if (error instanceof Refusal && error.status === 409) await this.load();
    }
  }
}
