/* The files that wait to go with the next text; each is uploaded as soon as it is chosen. */

import { upload } from "./api.js";
import { weight } from "./bubbles.js";
import { arrange, byId, element } from "./dom.js";

export class Attachments {
  constructor(onChange, onError) {
    this.onChange = onChange;
    this.onError = onError;
    this.root = byId("attachments");
    this.files = [];
    this.input = byId("composer-file");
    this.input.addEventListener("change", () => {
      for (const file of this.input.files) this.add(file);
      this.input.value = "";
    });
  }

  get isBusy() {
    return this.files.some((one) => !one.id);
  }

  get ids() {
    return this.files.map((one) => one.id).filter(Boolean);
  }

  async add(file) {
    const one = { name: file.name, size: file.size, id: null };
    this.files.push(one);
    this.draw();
    try {
      one.id = (await upload(file)).id;
      this.draw();
    } catch (error) {
      this.remove(one);
      this.onError(`${file.name}: ${error.message}`);
    }
  }

  remove(one) {
    this.files = this.files.filter((other) => other !== one);
    this.draw();
  }

  clear() {
    this.files = [];
    this.draw();
  }

  draw() {
    arrange(this.root, this.files.map((one) => this.chip(one)));
    this.onChange();
  }

  chip(one) {
    const drop = element("button", {
      type: "button",
      class: "drop",
      "aria-label": interpolate(gettext("Remove %s"), [one.name]),
      text: "×",
    });
    drop.addEventListener("click", () => this.remove(one));
    return element("li", { class: one.id ? "" : "is-uploading", data: { testid: "attachment" } },
      element("span", { class: "attachment-name", text: one.name }),
      element("span", { class: "hint", text: one.id ? weight(one.size) : gettext("uploading…") }),
      drop);
  }
}
