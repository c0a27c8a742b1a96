/* Chooses a time for a text: a few that people mean, or any other, in the reader's own zone. */

import { byId, element, say } from "./dom.js";
import { Popup } from "./popup.js";

const HOUR = 3600 * 1000;
const DAY = 24 * HOUR;
const MOST_DAYS = 365;
const near = new Intl.DateTimeFormat(undefined, { weekday: "short", hour: "numeric", minute: "2-digit" });
const far = new Intl.DateTimeFormat(undefined, { weekday: "short", month: "short", day: "numeric", hour: "numeric", minute: "2-digit" });
const distant = new Intl.DateTimeFormat(undefined, { year: "numeric", month: "short", day: "numeric", hour: "numeric", minute: "2-digit" });

/** Write a moment to come: the weekday while that is clear, else the date. */
export function when(moment) {
  const ahead = moment - Date.now();
  if (ahead < 6 * DAY) return near.format(moment);
  return (ahead < 180 * DAY ? far : distant).format(moment);
}

/** Return a moment as a field of type datetime-local writes it. */
export function asField(moment) {
  const local = new Date(moment.getTime() - moment.getTimezoneOffset() * 60000);
  return local.toISOString().slice(0, 16);
}

/** Make a field for a time; `timeOf(field)` reads it, or says there what is wrong. */
export function timeField(label, moment, testid) {
  const now = new Date();
  return element("input", {
    class: "input", type: "datetime-local", "aria-label": label, value: asField(moment), required: true,
    min: asField(now), max: asField(new Date(now.getTime() + MOST_DAYS * DAY)), data: { testid },
  });
}

export function timeOf(field) {
  const moment = field.value ? new Date(field.value) : null;
  let words = "";
  if (!moment) words = gettext("Choose a day and a time.");
  else if (moment <= Date.now()) words = gettext("This time is past; choose a later one.");
  else if (moment > Date.now() + MOST_DAYS * DAY) words = gettext("A text can wait for a year at most.");
  return { moment: words ? null : moment, words };
}

/* Nine o'clock so many days from today; by the calendar, because days may have 23 or 25 hours. */
function nine(days) {
  const now = new Date();
  return new Date(now.getFullYear(), now.getMonth(), now.getDate() + days, 9);
}

function presets() {
  const toMonday = (8 - new Date().getDay()) % 7 || 7;
  const found = [
    [gettext("In 1 hour"), new Date(Math.ceil((Date.now() + HOUR) / 60000) * 60000)],
    [gettext("Tomorrow morning"), nine(1)],
  ];
  if (toMonday > 1) found.push([gettext("Monday morning"), nine(toMonday)]);
  return found;
}

export class LaterMenu {
  /** `onChoose(moment)` gets the time that was chosen. */
  constructor(onChoose) {
    this.onChoose = onChoose;
    this.panel = byId("later-panel");
    this.popup = new Popup(byId("later-open"), this.panel, () => this.start());
  }

  start() {
    const choices = presets().map(([label, moment]) => {
      const made = element("button", { type: "button", class: "later-preset", data: { testid: "later-preset" } },
        element("span", { text: label }), element("span", { class: "hint", text: when(moment) }));
      made.addEventListener("click", () => this.choose(moment));
      return made;
    });
    const soon = new Date(Math.ceil((Date.now() + 2 * HOUR) / HOUR) * HOUR);
    const field = timeField(gettext("Another time"), soon, "later-time");
    const wrong = element("p", { class: "note bad", role: "alert", hidden: true });
    const go = element("button", { type: "button", class: "button primary", text: gettext("Schedule"), data: { testid: "later-go" } });
    const take = () => {
      const { moment, words } = timeOf(field);
      say(wrong, words);
      if (moment) this.choose(moment);
    };
    go.addEventListener("click", take);
    field.addEventListener("keydown", (event) => {
      if (event.key !== "Enter") return;
      event.preventDefault(); // it stands in the composer's form
      take();
    });
    this.panel.replaceChildren(
      element("h3", { text: gettext("Send later") }),
      ...choices,
      element("div", { class: "later-other" }, field, go),
      wrong);
    choices[0].focus();
  }

  choose(moment) {
    this.popup.close(false);
    this.onChoose(moment);
  }
}
