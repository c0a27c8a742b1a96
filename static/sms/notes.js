/* A note in the thread: what the team tells each other, and why the thread changed hands. */

import { byId, element } from "./dom.js";
import { clock, exact } from "./times.js";

const CALL = /(?<![\w@])@([0-9]{2,10})\b/g;
let open = null; // the conversation that is open

window.addEventListener("thread", ({ detail }) => {
  open = detail;
  byId("messages").querySelectorAll(".mention").forEach(dress);
});

/** Return the note's list item; `linked(text)` makes links of addresses. */
export function note(message, context, linked) {
  const quiet = message.extension === null;
  const when = new Date(message.created_at);
  const time = element("time", { class: "hint", datetime: message.created_at, title: exact(when), text: clock(when) });
  const text = element("p", { class: "text", dir: "auto" }, ...called(message, context, linked));
  const mine = message.extension === context.me;
  return element(
    "li",
    {
      class: `message ${quiet ? "is-told" : `is-note ${mine ? "is-mine" : "is-theirs"}`}`,
      data: { testid: "message", id: message.id, state: message.state, direction: message.direction },
    },
    quiet ? null : head(message, mine),
    quiet ? text : element("div", { class: "bubble", data: { testid: "note" } }, text),
    quiet ? time : element("div", { class: "meta" }, time),
  );
}

function head(message, mine) {
  const named = message.author?.name || interpolate(gettext("Extension %s"), [message.extension]);
  const who = mine ? gettext("Your note") : interpolate(gettext("Note by %s"), [named]);
  return element("p", { class: "note-head" },
    element("strong", { text: who }),
    element("span", { text: ` · ${seenBy(open)}` }));
}

/** Say who sees the notes of a conversation. */
export const seenBy = (conversation) =>
  conversation?.group ? gettext("Only your team sees this") : gettext("Nobody outside sees this");

/* "@1002" becomes "@Name" for whom the note really calls; any other stays as it was written. */
function called(message, { me }, linked) {
  const people = new Map(message.mentions.map((one) => [one.number, one]));
  const parts = [];
  let at = 0;
  for (const found of message.text.matchAll(CALL)) {
    const person = people.get(found[1]);
    if (!person) continue;
    parts.push(...linked(message.text.slice(at, found.index)), mention(person, me));
    at = found.index + found[0].length;
  }
  return [...parts, ...linked(message.text.slice(at))];
}

function mention({ number, name, assigned }, me) {
  const made = element("span",
    { class: number === me ? "mention is-me" : "mention", data: { number, assigned, testid: "mention" } },
    element("span", { text: `@${name || number}` }),
    element("span", { class: "visually-hidden" }));
  dress(made);
  return made;
}

/* Whether somebody was asked to answer or only called is said in words too, not by colour alone. */
function dress(node) {
  const asked = node.dataset.assigned === "true" || node.dataset.number === open?.assignee?.number;
  const meaning = asked ? gettext("was asked to answer") : gettext("mentioned");
  node.classList.toggle("is-asked", asked);
  node.title = meaning;
  node.lastChild.textContent = ` (${meaning})`;
}
