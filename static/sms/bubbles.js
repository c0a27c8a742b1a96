/* One message as a bubble: its text, files, time and what became of it, in words. */

import { actionsFor } from "./actions.js";
import { element } from "./dom.js";
import { note } from "./notes.js";
import { clock, exact } from "./times.js";

const INLINE_IMAGE = /^image\/(jpeg|png|gif|webp)$/;
const LINK = /https?:\/\/[^\s<>"]+[^\s<>".,;:!?)\]}']/g;

/* Each state in words, and a symbol beside them that never stands alone. */
const states = {
  queued: () => ["◷", gettext("Queued")],
  sending: () => ["◷", gettext("Sending")],
  accepted: () => ["✓", gettext("Accepted")],
  sent: () => ["✓", gettext("Sent")],
  delivered: () => ["✓✓", gettext("Delivered")],
  undelivered: () => ["✕", gettext("Not delivered")],
  failed: () => ["✕", gettext("Failed")],
  unconfirmed: () => ["?", gettext("May have been sent")],
  held: () => ["‖", gettext("Held")],
  cancelled: () => ["✕", gettext("Cancelled")],
};

const isOurs = (message, me) =>
  message.direction === "outbound" || (message.direction === "internal" && message.extension === me);

/** Return the message's list item; `context` knows `me` and `nameOf(number)`. */
export function bubble(message, context) {
  if (message.direction === "note") return note(message, context, linked);
  const ours = isOurs(message, context.me);
  const pictures = message.media.map(attachment);
  const files = pictures.length ? element("div", { class: "files" }, ...pictures) : null;
  const text = message.text ? element("p", { class: "text" }, ...linked(message.text)) : null;
  return element(
    "li",
    {
      class: `message ${ours ? "is-ours" : "is-theirs"} is-${message.state}`,
      data: { testid: "message", id: message.id, state: message.state, direction: message.direction },
    },
    author(message, ours, context),
    element("div", { class: "bubble" }, files, text),
    meta(message, ours),
    trouble(message),
  );
}

export const sideOf = (message, me) =>
  message.direction === "note" ? `note ${message.extension}` : isOurs(message, me) ? `ours ${message.extension ?? ""}` : `theirs ${message.sender ?? message.from}`;

function author(message, ours, { me, isGroup, nameOf }) {
  let name = "";
  if (ours && message.extension === null) name = gettext("Automatic reply");
  else if (ours && message.extension !== me) name = interpolate(gettext("Extension %s"), [message.extension]);
  else if (!ours && isGroup) name = nameOf(message.from);
  return name ? element("span", { class: "author", text: name }) : null;
}

function meta(message, ours) {
  const when = new Date(message.created_at);
  const line = element("div", { class: "meta" },
    element("time", { datetime: message.created_at, title: exact(when), text: clock(when) }));
  const state = message.direction === "outbound" && ours ? states[message.state]?.() : null;
  if (state) {
    line.append(
      element("span", { class: "state", data: { testid: "message-state" } },
        element("span", { text: state[1] }),
        element("span", { class: "tick", "aria-hidden": "true", text: state[0] })),
    );
  }
  return line;
}

function trouble(message) {
  const troubled = ["undelivered", "failed", "unconfirmed", "held", "cancelled"].includes(message.state);
  if (!troubled) return null;
  const code = message.error_code && !message.error.includes(message.error_code) ? ` (${message.error_code})` : "";
  const buttons = actionsFor(message).map(({ label, run }) => {
    const made = element("button", { type: "button", class: "button small", text: label });
    made.addEventListener("click", () => run(message));
    return made;
  });
  const reason = message.error ? element("p", { data: { testid: "message-error" }, text: message.error + code }) : null;
  return reason || buttons.length ? element("div", { class: "trouble" }, reason, ...buttons) : null;
}

function attachment(media) {
  const name = media.name || gettext("Attachment");
  if (media.state === "waiting") return element("span", { class: "file", text: gettext("Fetching the attachment…") });
  if (media.state === "failed") {
    return element("span", { class: "file is-bad", text: gettext("The attachment could not be fetched.") });
  }
  const link = element("a", { href: media.url, target: "_blank", rel: "noopener" });
  if (INLINE_IMAGE.test(media.content_type)) {
    link.append(element("img", { src: media.url, alt: name, loading: "lazy", data: { testid: "picture" } }));
    return link;
  }
  if (media.content_type.startsWith("audio/")) return element("audio", { src: media.url, controls: true, preload: "none" });
  if (media.content_type.startsWith("video/")) return element("video", { src: media.url, controls: true, preload: "metadata" });
  link.className = "file";
  link.setAttribute("download", "");
  link.append(element("span", { text: name }), element("span", { class: "hint", text: weight(media.size) }));
  return link;
}

export function weight(bytes) {
  const kilo = bytes / 1024;
  return kilo < 1000 ? `${Math.max(1, Math.round(kilo))} kB` : `${(kilo / 1024).toFixed(1)} MB`;
}

/* Addresses become links; only http and https can match. */
function linked(text) {
  const parts = [];
  let at = 0;
  for (const found of text.matchAll(LINK)) {
    parts.push(text.slice(at, found.index));
    parts.push(element("a", { href: found[0], target: "_blank", rel: "noopener noreferrer", text: found[0] }));
    at = found.index + found[0].length;
  }
  parts.push(text.slice(at));
  return parts;
}
