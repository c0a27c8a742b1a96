/* One intention to send is one key, also over a lost connection or a reload of the page. */

const slot = (place) => `intent:${place}`;

/* crypto.randomUUID exists only in secure contexts, and a PBX may be reached by plain http. */
function newKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Return the key of this text in this place: the old one while its fate is not known. */
export function keyFor(place, body) {
  const wanted = JSON.stringify(body);
  const kept = read(place);
  if (kept?.body === wanted) return kept.key;
  const key = newKey();
  sessionStorage.setItem(slot(place), JSON.stringify({ key, body: wanted }));
  return key;
}

/** The answer came: the next press is a new intention. */
export const settled = (place) => sessionStorage.removeItem(slot(place));

/** Return the text whose answer never came, to be shown again after a reload. */
export const unsettledText = (place) => {
  const kept = read(place);
  return kept ? (JSON.parse(kept.body).text ?? "") : "";
};

function read(place) {
  const kept = sessionStorage.getItem(slot(place));
  return kept ? JSON.parse(kept) : null;
}
