/* One intention is one key, also over a lost connection or a reload of the page. */

const slot = (place) => `intent:${place}`;

/** Return a new key.
 *
 * crypto.randomUUID exists only in secure contexts, and a PBX may be reached by plain http. */
export function newKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Return the key of this intention in this place: the old one while its fate is not known. */
export function keyFor(place, body) {
  const wanted = JSON.stringify(body);
  const kept = sessionStorage.getItem(slot(place));
  if (kept && JSON.parse(kept).body === wanted) return JSON.parse(kept).key;
  const key = newKey();
  sessionStorage.setItem(slot(place), JSON.stringify({ key, body: wanted }));
  return key;
}

/** The answer came: the next press is a new intention. */
export const settled = (place) => sessionStorage.removeItem(slot(place));
