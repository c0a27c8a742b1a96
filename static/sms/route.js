/* From what and to which number the next text goes, and what that means for its thread. */

import { byId, element, say } from "./dom.js";

const slot = (place) => `route:${byId("client").dataset.reader}:${place}`;

export class Route {
  constructor(onChange) {
    this.from = byId("from-select");
    this.to = byId("to-select");
    this.place = null;
    for (const select of [this.from, this.to]) {
      select.addEventListener("change", () => {
        if (this.place.conversation) this.remember();
        this.explain();
        onChange();
      });
    }
  }

  /** Offer what the place has; what was chosen here before is chosen again. */
  show(place, isOther) {
    this.place = place;
    const kept = place.conversation ? JSON.parse(localStorage.getItem(slot(place.id)) ?? "{}") : {};
    // What is known about a place may grow while somebody has chosen already.
    const from = isOther ? (kept.from ?? place.chosenFrom) : (this.from.value || kept.from);
    const to = isOther || !this.hasChosenTo ? (kept.to ?? place.to[0]?.value) : this.to.value;
    fill(this.from, place.from, [from, place.chosenFrom]);
    fill(this.to, place.to, [to]);
    byId("from-choice").hidden = place.from.length < (place.conversation ? 2 : 1);
    byId("to-choice").hidden = place.to.length < 2;
    this.explain();
  }

  /** Whether the person could choose a number: the first look at a thread knows one only. */
  get hasChosenTo() {
    return this.to.options.length > 1;
  }

  get sender() {
    return this.place?.from.find((one) => one.value === this.from.value);
  }

  get toLabel() {
    const chosen = this.place.to.find((one) => one.value === this.to.value);
    return chosen ? interpolate(gettext("To %s"), [chosen.label]) : "";
  }

  body() {
    const { place } = this;
    const data = {};
    if (this.from.value && !place.internal) data.from = this.from.value;
    // The conversation's own number answers there; another one starts or finds its own.
    if (place.conversation && this.to.value === place.to[0]?.value) data.conversation = place.conversation;
    else data.to = this.to.value;
    return data;
  }

  /** Keep the choice for this conversation on this device. */
  remember() {
    if (!this.place.conversation) return;
    const { chosenFrom, to } = this.place;
    const isUsual = this.from.value === chosenFrom && this.to.value === to[0]?.value;
    if (isUsual) localStorage.removeItem(slot(this.place.id));
    else localStorage.setItem(slot(this.place.id), JSON.stringify({ from: this.from.value, to: this.to.value }));
  }

  /** Say before the press what the choice means. */
  explain() {
    const { place, sender } = this;
    const parts = [];
    if (!place.internal && !place.obstacle && sender) {
      const elsewhere = place.conversation && (sender.value !== place.ours || this.to.value !== place.to[0]?.value);
      if (elsewhere) parts.push(gettext("This goes into another conversation, not into this one."));
      if (sender.word) parts.push(interpolate(gettext("%s is a name, not a number: it cannot be answered."), [sender.value]));
    }
    say(byId("route-note"), parts.join(" "));
  }
}

/* Fill a select and choose the first of the wanted values that is there. */
function fill(select, options, wanted) {
  select.replaceChildren(...options.map(({ value, label }) => element("option", { value, text: label })));
  const chosen = wanted.find((value) => options.some((one) => one.value === value));
  if (chosen !== undefined) select.value = chosen;
}
