/* Who is there: marks beside colleagues that change by themselves, and the reader's own choice. */

import { get, put } from "./api.js";
import { byId, element, say, settle } from "./dom.js";
import { Menu } from "./menu.js";

const words = {
  available: () => gettext("Available"),
  away: () => gettext("Away"),
  off: () => gettext("Off"),
};

const known = new Map(); // extension number -> presence, "" where nobody can tell
let own = "";

/** Return a dot that shows, and goes on showing, whether a colleague is there. */
export const dot = (number) => mark(number, { class: "dot", role: "img", data: { testid: "presence" } });

/** Return the same in a word. */
export const presenceWord = (number) => mark(number, { class: "presence-word", data: { testid: "presence-word" } });

function mark(number, attributes) {
  const made = element("span", attributes);
  made.dataset.presenceOf = number;
  dress(made);
  if (!known.has(number)) findOut();
  return made;
}

function dress(node) {
  const presence = known.get(node.dataset.presenceOf) ?? "";
  const word = words[presence]?.() ?? "";
  node.dataset.presence = presence;
  node.hidden = !word;
  if (node.getAttribute("role") === "img") {
    node.title = word;
    node.setAttribute("aria-label", word);
  } else {
    node.textContent = word;
  }
}

const marks = () => [...document.querySelectorAll("[data-presence-of]")];

/** Take over what an answer said about people: `[{ number, presence }]`. */
export function learn(people) {
  for (const { number, presence } of people) known.set(number, presence);
  marks().forEach(dress);
}

/* Colleagues come in one answer; only where there are more than it holds, one is asked for alone. */
const findOut = settle(async () => {
  try {
    learn(await get("colleagues"));
    for (const number of new Set(marks().map((node) => node.dataset.presenceOf))) {
      if (known.has(number)) continue;
      const found = await get("colleagues", { q: number });
      learn([{ number, presence: "" }, ...found]);
    }
  } catch (error) {
    console.warn(error.message); // the next news or gap asks again
  }
}, 50);

/** News of one colleague, or of the reader on another device. */
export function hear({ extension, presence }) {
  learn([{ number: extension, presence }]);
  if (extension === own) readOwn();
}

/** After a gap everything may have changed. */
export function lookAgain() {
  known.clear();
  findOut();
  readOwn();
}

/* --- The reader's own choice ---------------------------------------------------------------------- */

function show({ choice, presence }) {
  learn([{ number: own, presence }]);
  const button = byId("own-presence");
  button.hidden = false;
  button.querySelector(".dot").dataset.presence = choice;
  button.querySelector(".own-presence-word").textContent = words[choice]();
  for (const item of byId("presence-menu").querySelectorAll("[role=menuitemradio]")) {
    item.setAttribute("aria-checked", String(item.dataset.choice === choice));
  }
}

async function readOwn() {
  await get("presence").then(show).catch((error) => console.warn(error.message));
}

async function choose(choice) {
  try {
    show(await put("presence", { choice }));
    say(byId("presence-error"), "");
  } catch (error) {
    say(byId("presence-error"), interpolate(gettext("Your presence was not changed: %s"), [error.message]));
  }
}

/** Show the reader's choice at the top of the list, and let it be changed. */
export function startPresence(me) {
  own = me;
  const list = byId("presence-menu");
  new Menu(byId("own-presence"), list);
  list.addEventListener("click", ({ target }) => {
    const item = target.closest("[data-choice]");
    if (item) choose(item.dataset.choice);
  });
  readOwn();
}
