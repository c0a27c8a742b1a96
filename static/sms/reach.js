/* Threads with several people: whom an answer reaches, said before it is written. */

import { byId, element, say } from "./dom.js";

const root = element("div", { class: "reach" });
const line = element("p", { class: "reach-line", id: "reach-line", role: "status", data: { testid: "reach" } });
const ways = element("div", { class: "reach-ways", role: "group", "aria-label": gettext("Write to one of them") });
root.append(line, ways);
byId("composer-note").after(root);

/** Return the place of a conversation with what is known of its reach. */
export function reaching({ reach, remotes, our_number }, place) {
  if (!reach) return place;
  // Another number would begin another group.
  const from = place.from.filter((one) => one.value === our_number);
  return { ...place, from, reach, remotes, obstacle: reach.why };
}

/** Say above the composer whom an answer reaches, or offer to write to each of them alone. */
export function showReach({ reach, remotes }) {
  say(line, reach?.possible ? goesTo(reach.people) : "");
  const offered = !reach || reach.possible ? [] : remotes.filter(({ number }) => reach.alone.includes(number));
  ways.replaceChildren(...offered.map(way));
  ways.hidden = !offered.length;
}

const goesTo = (people) =>
  people.length > 2
    ? interpolate(gettext("Goes to all %s: %s, as a group MMS"), [people.length, people.join(", ")])
    : interpolate(gettext("Goes to both: %s, as a group MMS"), [people.join(", ")]);

const way = ({ number, name, pretty }) =>
  element("a", {
    class: "button small",
    href: `#new=${encodeURIComponent(number)}`,
    data: { testid: "reach-one" },
    text: interpolate(gettext("Write to %s"), [name || pretty]),
  });
