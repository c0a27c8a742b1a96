/* Foreign text as nodes: addresses become links, everything else stays text. */

import { element } from "./dom.js";

// Marks that turn the direction of writing would let an address look like another one.
const ADDRESS = /https?:\/\/[^\s<>"\u200e\u200f\u202a-\u202e\u2066-\u2069]+/gi;
const EMOJI = String.raw`(?:\p{RI}{2}|[0-9#*]\uFE0F?\u20E3|(?:\p{Emoji_Presentation}|\p{Extended_Pictographic}[\uFE0F\p{Emoji_Modifier}])(?:[\uFE0F\p{Emoji_Modifier}\u{E0020}-\u{E007F}]|\u200D\p{Extended_Pictographic})*)`;
const FEW_EMOJI = new RegExp(String.raw`^\s*(?:${EMOJI}\s*){1,3}$`, "u");

export const isFewEmoji = (text) => text.length < 80 && FEW_EMOJI.test(text);

/** Return the nodes of a text. */
export function linked(text) {
  const parts = [];
  let at = 0;
  for (const found of text.matchAll(ADDRESS)) {
    const shown = trimmed(found[0]);
    const target = targetOf(shown);
    if (!target) continue;
    parts.push(text.slice(at, found.index));
    parts.push(
      element("a", { href: target.href, title: target.href, target: "_blank", rel: "noopener noreferrer", text: shown }),
    );
    at = found.index + shown.length;
  }
  parts.push(text.slice(at));
  return parts;
}

/* What ends a sentence does not end an address, nor does a bracket that it did not open. */
function trimmed(address) {
  let shown = address.replace(/[.,;:!?'’”*_]+$/u, "");
  for (const [opening, closing] of ["()", "[]", "{}"]) {
    const count = (sign) => shown.split(sign).length;
    while (shown.endsWith(closing) && count(closing) > count(opening)) {
      shown = shown.slice(0, -1).replace(/[.,;:!?'’”*_]+$/u, "");
    }
  }
  return shown;
}

/* An address with a name before its host only pretends to lead there: it stays text. */
function targetOf(address) {
  let target;
  try {
    target = new URL(address);
  } catch {
    return null;
  }
  return /^https?:$/.test(target.protocol) && !target.username && !target.password ? target : null;
}
