/* How many billed parts a text makes; counts exactly as the server's sms/segments.py does. */

const BASIC = new Set(
  "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?" +
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà",
);
const EXTENDED = new Set("\f^{}\\[~]|€");

/** Return encoding, segments, units, units left, and the first character that GSM-7 lacks. */
export function measure(text) {
  const chars = [...text]; // by character, not by 16-bit unit
  const culprit = chars.find((char) => !BASIC.has(char) && !EXTENDED.has(char)) ?? "";
  if (culprit) return packed("UCS-2", chars.map((char) => char.length), 70, 67, culprit);
  return packed("GSM-7", chars.map((char) => (EXTENDED.has(char) ? 2 : 1)), 160, 153, "");
}

function packed(encoding, widths, single, part, culprit) {
  const units = widths.reduce((sum, width) => sum + width, 0);
  if (units <= single) return { encoding, segments: units ? 1 : 0, units, left: single - units, culprit };
  let segments = 1;
  let used = 0;
  for (const width of widths) {
    // A character of two units is never cut in half: it moves to the next segment whole.
    if (used + width > part) {
      segments += 1;
      used = 0;
    }
    used += width;
  }
  return { encoding, segments, units, left: part - used, culprit };
}

const isPlain = (text) => [...text].every((char) => BASIC.has(char) || EXTENDED.has(char));
const letters = typeof Intl.Segmenter === "function" ? new Intl.Segmenter(undefined, { granularity: "grapheme" }) : null;

/** Return what forces Unicode, each once and as people see it: an emoji of several parts is one. */
export function culprits(text) {
  const seen = letters ? [...letters.segment(text)].map(({ segment }) => segment) : [...text];
  return [...new Set(seen.filter((one) => !isPlain(one)))];
}

/* What word processors put in by themselves, and what stands on a keyboard for it. */
const TYPED = [
  [/[\u201c\u201d\u201e\u201f\u00ab\u00bb\u2033]/g, '"'],
  [/[\u2018\u2019\u201a\u201b\u2039\u203a\u2032\u00b4]/g, "'"],
  [/[\u2010-\u2015\u2212]/g, "-"],
  [/\u2026/g, "..."],
  [/[\u00a0\u2000-\u200a\u202f\u205f\u3000]/g, " "],
  [/\u2022/g, "*"],
  [/[\u200b\u2060\ufeff\u00ad]/g, ""],
];

/** Return the text with typographic marks written as they are typed. */
export const plain = (text) => TYPED.reduce((sum, [marks, typed]) => sum.replace(marks, typed), text);
