/* One message as a bubble: who wrote it, its text and files, its time, and what became of it. */

import { actionsFor } from "./actions.js";
import { element } from "./dom.js";
import { files } from "./media.js";
import { note } from "./notes.js";
import { symbolOf, ticks } from "./ticks.js";
import { clock, exact } from "./times.js";
import { isFewEmoji, linked } from "./words.js";

export const isOurs = (message, me) =>
  message.direction === "outbound" || (message.direction === "internal" && message.extension === me);

/** Who speaks: messages of one side that follow each other stand as one block. */
export function sideOf(message, me) {
  if (message.direction === "note") return `note ${message.extension}`;
  return isOurs(message, me) ? `ours ${message.extension ?? message.automatic}` : `theirs ${message.from}`;
}

const isTroubled = (message) => Boolean(message.error || message.advice);

/** What has to look equal for one line below a block to speak for all of its messages. */
export const fateOf = (message) =>
  isTroubled(message) || message.direction === "note" ? message.id : symbolOf(message.state);

/** Return the message's list item; `context` knows `me`, `isGroup` and `nameOf(number)`. */
export function bubble(message, context) {
  if (message.direction === "note") return note(message, context, linked);
  const item = element("li", {}, author(message, context), body(message), element("div", { class: "foot" }));
  dress(item, message, context, message);
  return item;
}

/** Show in its item what became of a message; a player in it goes on playing. */
export function dress(item, message, context, before) {
  if (message.direction === "note") return; // it goes nowhere, so nothing becomes of it
  const ours = isOurs(message, context.me);
  const { id, state, direction } = message;
  for (const name of [...item.classList]) if (name.startsWith("is-")) item.classList.remove(name);
  item.classList.add("message", ours ? "is-ours" : "is-theirs", `is-${state}`);
  Object.assign(item.dataset, { testid: "message", id, state, direction });
  if (bodyOf(before) !== bodyOf(message)) item.querySelector(".bubble").replaceWith(body(message));
  item.querySelector(".foot").replaceChildren(meta(message, ours), ...trouble(message));
}

const bodyOf = ({ text, media }) => JSON.stringify([text, media]);

function body({ text, media }) {
  const shown = files(media);
  const large = !shown && isFewEmoji(text) ? " is-emoji" : "";
  return element("div", { class: `bubble${large}` }, shown, text ? element("p", { class: "text", dir: "auto" }, ...linked(text)) : null);
}

function author(message, { me, isGroup, nameOf }) {
  let name = "";
  if (!isOurs(message, me)) name = isGroup ? nameOf(message.from) : "";
  else if (message.automatic) name = gettext("Automatic reply");
  else if (!message.author) name = gettext("An extension that was deleted");
  else if (message.extension !== me) name = `${message.author.name} · ${message.author.number}`;
  return name ? element("span", { class: "author", data: { testid: "author" }, dir: "auto", text: name }) : null;
}

function meta(message, ours) {
  const when = new Date(message.created_at);
  return element("div", { class: "meta" },
    element("time", { datetime: message.created_at, title: exact(when), text: clock(when) }),
    ours && message.direction === "outbound" ? ticks(message.state) : null);
}

/* The reason in plain words, the provider's code, the next step and what can be done at once. */
function trouble(message) {
  if (!isTroubled(message)) return [];
  const { error, error_code: code, advice } = message;
  const reason = code && error && !error.includes(code) ? `${error} (${code})` : error;
  const buttons = actionsFor(message).map(({ label, run }) => {
    const made = element("button", { class: "button small", type: "button", text: label });
    made.addEventListener("click", () => run(message));
    return made;
  });
  return [
    element("div", { class: "trouble" },
      reason ? element("p", { data: { testid: "message-error" }, text: reason }) : null,
      advice ? element("p", { class: "advice", data: { testid: "message-advice" }, text: advice }) : null,
      ...buttons),
  ];
}
