/* The dialog in which the agent hands a thread to another member. */

import { post } from "./api.js";
import { byId, say } from "./dom.js";
import { othersIn, PeopleList } from "./people.js";

export class Transfer {
  /** `onRow(conversation)` gets the thread as it is after it was handed on. */
  constructor(me, onRow) {
    this.me = me;
    this.onRow = onRow;
    this.conversation = null;
    this.people = [];
    this.dialog = byId("transfer");
    this.input = byId("transfer-search");
    this.list = new PeopleList(this.input, byId("transfer-people"), () => this.update());
    this.input.addEventListener("input", () => this.draw());
    this.dialog.addEventListener("keydown", (event) => this.key(event));
    byId("transfer-cancel").addEventListener("click", () => this.dialog.close());
    byId("transfer-form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.hand();
    });
  }

  async open(conversation) {
    this.conversation = conversation;
    this.people = [];
    this.input.value = "";
    say(byId("transfer-error"), "");
    say(byId("transfer-empty"), "");
    this.draw();
    this.dialog.showModal();
    this.input.focus();
    try {
      this.people = await othersIn(conversation, this.me);
      this.draw();
      if (!this.people.length) say(byId("transfer-empty"), gettext("Nobody else is a member of this group."));
    } catch (error) {
      say(byId("transfer-error"), error.message);
    }
  }

  draw() {
    this.list.show(this.people, this.input.value, this.input.value ? 0 : -1);
    this.update();
    const typed = this.input.value.trim();
    say(byId("transfer-empty"), typed && !this.list.people.length ? gettext("No member is called that.") : "");
  }

  update() {
    const { chosen } = this.list;
    const button = byId("transfer-go");
    button.disabled = !chosen;
    button.textContent = chosen
      ? interpolate(gettext("Transfer to %s"), [chosen.name || chosen.number])
      : gettext("Transfer");
  }

  key(event) {
    if (event.target === this.input && this.list.step(event.key)) this.update();
    else if (event.key === "Escape") this.dialog.close(); // and not the thread behind it
    else return;
    event.preventDefault();
  }

  async hand() {
    const { chosen } = this.list;
    if (!chosen) return;
    byId("transfer-go").disabled = true;
    try {
      this.onRow(await post(`conversations/${this.conversation.id}/transfer`, { to: chosen.number }));
      this.dialog.close();
    } catch (error) {
      say(byId("transfer-error"), error.message);
    } finally {
      this.update();
    }
  }
}
