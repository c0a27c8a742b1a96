/* Where an own message stands: one quiet set of symbols, and each state in words. */

import { element } from "./dom.js";

const SVG = "http://www.w3.org/2000/svg";
const drawings = {
  clock: ["0 0 16 16", "M8 2.500a5.5 5.500 0 1 0 0 11a5.500 5.500 0 0 0 0-11zM8 5v3.200l2 1.300"],
  tick: ["0 0 16 16", "M3.500 8.500l3 3l6-7"],
  ticks: ["0 0 20 16", "M2.500 8.500l3 3l6-7M8.500 10.500l1 1l6-7"],
  warning: ["0 0 16 16", "M8 2.200l6.300 11.300h-12.600zM8 6.500v3.200M8 11.600v.1"],
  pause: ["0 0 16 16", "M5.500 4v8M10.500 4v8"],
};
const states = {
  queued: ["clock", () => gettext("Queued")],
  sending: ["clock", () => gettext("Sending")],
  accepted: ["tick", () => gettext("Accepted")],
  sent: ["tick", () => gettext("Sent")],
  delivered: ["ticks", () => gettext("Delivered")],
  undelivered: ["warning", () => gettext("Not delivered")],
  failed: ["warning", () => gettext("Failed")],
  unconfirmed: ["warning", () => gettext("May have been sent")],
  held: ["pause", () => gettext("Held")],
  cancelled: ["warning", () => gettext("Cancelled")],
  received: ["tick", () => gettext("Received")],
};

/** Return the name of the symbol for a state: states with one symbol look alike at a glance. */
export const symbolOf = (state) => states[state]?.[0] ?? "clock";

export const wordOf = (state) => states[state]?.[1]() ?? state;

export function drawing(name, className = "symbol") {
  const [box, path] = drawings[name];
  const svg = document.createElementNS(SVG, "svg");
  const line = document.createElementNS(SVG, "path");
  line.setAttribute("d", path);
  svg.setAttribute("viewBox", box);
  svg.setAttribute("aria-hidden", "true");
  svg.setAttribute("class", `${className} is-${name}`);
  svg.append(line);
  return svg;
}

/** The symbol with its words, which show by themselves only where something is wrong. */
export function ticks(state) {
  return element("span", { class: "state", data: { testid: "message-state" } },
    element("span", { class: "state-word", text: wordOf(state) }),
    drawing(symbolOf(state)));
}
