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
