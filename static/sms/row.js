/* Draws one conversation in the list: who, when, the last text or a draft, and what waits. */

import { dressAvatar, element } from "./dom.js";
import { chips } from "./hands.js";
import { dot } from "./presence.js";
import { marked } from "./search.js";
import { brief, clock, exact } from "./times.js";

/** Fill a link; `look` is `{ isOpen, draft, match, words }`, the last two for what was found. */
export function dressRow(link, row, look) {
  const { isOpen, match, words } = look;
  const when = new Date(match?.at ?? row.last_message_at);
  const avatar = element("span", { "aria-hidden": "true" });
  dressAvatar(avatar, row.title);
  link.replaceChildren(
    row.kind === "internal" ? element("span", { class: "avatar-box" }, avatar, dot(row.remotes[0].number)) : avatar,
    element("span", { class: "conversation-body" },
      element("span", { class: "conversation-top" },
        element("span", { class: "conversation-title" }, ...marked(row.title, match ? [] : words)),
        // Below the heading of a day the clock is enough.
        element("time", { class: "hint", datetime: when.toISOString(), title: exact(when), text: words.length ? brief(when) : clock(when) })),
      element("span", { class: "conversation-bottom" },
        lastWords(row, look), ...(match ? [] : chips(row)), badge(row))),
  );
  link.href = match ? `#c${row.id}/${match.message}` : `#c${row.id}`;
  link.dataset.testid = "conversation-item";
  link.dataset.id = row.id;
  link.classList.toggle("is-unread", row.unread > 0);
  link.classList.toggle("is-closed", row.state === "closed");
  link.classList.toggle("is-hit", Boolean(match));
  if (isOpen) link.setAttribute("aria-current", "true");
  else link.removeAttribute("aria-current");
}

function lastWords(row, { draft, match, words }) {
  if (match) return element("span", { class: "conversation-text" }, ...marked(match.text, words));
  if (!draft) return element("span", { class: "conversation-text", text: row.last_text || gettext("Attachment") });
  return element("span", { class: "conversation-text", data: { testid: "draft" } },
    element("span", { class: "draft-word", text: gettext("Draft:") }), ` ${draft}`);
}

function badge(row) {
  if (!row.unread) return null;
  return element("span", { class: "badge", data: { testid: "unread" } },
    element("span", { text: row.unread > 99 ? "99+" : row.unread }),
    element("span", { class: "visually-hidden", text: ` ${gettext("unread")}` }));
}
