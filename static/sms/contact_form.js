/* The form of a contact: name, company, any number of numbers with labels, notes. */

import { patch, post, Refusal } from "./api.js";
import { byId, element } from "./dom.js";

const LABELS = [gettext("mobile"), gettext("work"), gettext("home"), gettext("main"), gettext("fax")];
const MOST = 20;

export class ContactForm {
  /** `onSaved(contact, before)`; before is null for one that is new. */
  constructor({ onSaved, onCancel }) {
    this.onSaved = onSaved;
    this.onCancel = onCancel;
    this.count = 0;
    this.form = null;
  }

  get isOpen() {
    return Boolean(this.form?.isConnected);
  }

  /** Whether something was typed that is not saved. */
  get isChanged() {
    return this.isOpen && this.form.dataset.changed === "yes";
  }

  /** Edit a contact; one without an id is new. */
  show(contact) {
    const isNew = contact.id === undefined;
    this.before = isNew ? null : contact;
    byId("contact-heading").textContent = isNew ? gettext("New contact") : gettext("Edit contact");
    byId("contact-acts").replaceChildren();
    this.error = element("p", { class: "note bad", role: "alert", data: { testid: "contact-error" }, hidden: true });
    this.name = element("input", { class: "input", id: "contact-name", maxlength: 100, required: true, autocomplete: "off", value: contact.name ?? "" });
    this.company = element("input", { class: "input", id: "contact-company", maxlength: 100, autocomplete: "off", value: contact.company ?? "" });
    this.notes = element("textarea", { class: "input", id: "contact-notes", rows: 4, maxlength: 10000, text: contact.notes ?? "" });
    this.numbers = element("div", { class: "contact-rows" });
    this.more = element("button", { class: "button quiet small", type: "button", text: gettext("Add a number"), data: { testid: "number-add" } });
    this.save = element("button", { class: "button primary", text: gettext("Save"), data: { testid: "contact-save" } });
    const cancel = element("button", { class: "button", type: "button", text: gettext("Cancel") });
    this.share = isNew ? share() : null;
    this.form = element("form", { class: "contact-form", autocomplete: "off", "aria-labelledby": "contact-heading" },
      this.error,
      field(gettext("Name"), this.name),
      field(gettext("Company"), this.company),
      element("fieldset", {}, element("legend", { class: "label", text: gettext("Numbers") }), this.numbers, this.more,
        element("datalist", { id: "number-labels" }, ...LABELS.map((value) => element("option", { value })))),
      field(gettext("Notes"), this.notes),
      this.share,
      element("div", { class: "contact-buttons" }, this.save, cancel));
    for (const one of contact.numbers) this.add(one.pretty ?? one.number, one.label);
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.send();
    });
    this.form.addEventListener("input", () => (this.form.dataset.changed = "yes"));
    this.more.addEventListener("click", () => this.add("", "").focus());
    cancel.addEventListener("click", () => this.onCancel());
    byId("contact-body").replaceChildren(this.form);
    this.name.focus();
  }

  /** Add a line for a number; return where it is typed. */
  add(number, label) {
    const nth = (this.count += 1);
    const input = element("input", { class: "input", type: "tel", maxlength: 40, autocomplete: "off", value: number, "aria-label": gettext("Number"), placeholder: "+1 617 555 0188", data: { testid: "number" } });
    const named = element("input", { class: "input", maxlength: 32, list: "number-labels", autocomplete: "off", value: label, "aria-label": gettext("Label"), placeholder: gettext("Label"), data: { testid: "label" } });
    const drop = element("button", { class: "drop", type: "button", text: "×", "aria-label": gettext("Remove the number"), title: gettext("Remove the number") });
    const why = element("p", { class: "field-error", id: `number-error-${nth}`, hidden: true });
    const row = element("div", { class: "contact-row" }, input, named, drop, why);
    drop.addEventListener("click", () => {
      row.remove();
      this.settleRows();
      this.more.focus();
    });
    this.numbers.append(row);
    this.settleRows();
    return input;
  }

  /** There is always one line to type into, and never more than the server takes. */
  settleRows() {
    if (!this.numbers.children.length) this.add("", "");
    this.more.hidden = this.numbers.children.length >= MOST;
  }

  /** The lines that hold something, with what they hold. */
  lines() {
    return [...this.numbers.children]
      .map((row) => ({ row, number: row.children[0].value.trim(), label: row.children[1].value.trim() }))
      .filter(({ number, label }) => number || label);
  }

  async send() {
    const lines = this.lines();
    this.clear();
    if (!lines.length) {
      this.mark(this.numbers.firstChild, gettext("A contact needs a number: type one."));
      return;
    }
    const data = {
      name: this.name.value,
      company: this.company.value,
      notes: this.notes.value,
      numbers: lines.map(({ number, label }) => ({ number, label })),
    };
    if (this.share?.querySelector("input").checked) data.shared = true;
    const { before, form } = this;
    this.save.disabled = true;
    try {
      const contact = before ? await patch(`contacts/${before.id}`, data) : await post("contacts", data);
      form.remove();
      await this.onSaved(contact, before);
    } catch (error) {
      this.complain(error, lines);
    } finally {
      this.save.disabled = false;
    }
  }

  clear() {
    this.error.hidden = true;
    for (const bad of this.form.querySelectorAll("[aria-invalid]")) bad.removeAttribute("aria-invalid");
    for (const why of this.form.querySelectorAll(".field-error")) why.hidden = true;
  }

  complain(error, lines) {
    const fields = error instanceof Refusal ? error.fields : {};
    const wrong = Array.isArray(fields.numbers) ? fields.numbers.map((one) => one.number?.[0]?.message) : [];
    // From the last to the first, which keeps the focus.
    for (let at = lines.length - 1; at >= 0; at -= 1) if (wrong[at]) this.mark(lines[at].row, wrong[at]);
    if (wrong.some(Boolean)) return;
    this.error.textContent = error.message;
    this.error.hidden = false;
    this.error.scrollIntoView({ block: "nearest" });
  }

  mark(row, words) {
    const [input, , , why] = row.children;
    why.textContent = words;
    why.hidden = false;
    input.setAttribute("aria-invalid", "true");
    input.setAttribute("aria-describedby", why.id);
    input.focus();
  }
}

function field(label, input) {
  return element("div", { class: "field" }, element("label", { for: input.id, text: label }), input);
}

/* Only who may add for everybody is asked. */
function share() {
  if (byId("contact-pane").dataset.mayShare !== "yes") return null;
  return element("label", { class: "contact-share" },
    element("input", { type: "checkbox", data: { testid: "contact-share" } }),
    element("span", { text: gettext("Share with everybody in your company") }));
}
