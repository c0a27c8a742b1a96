/* Keeps what somebody began to write: by reader and place, over a reload, until they sign out.

   A place is `c12` (conversation 12) or `new`. Whoever shows drafts listens to "drafts" on window. */

const page = document.getElementById("client");
const prefix = `draft:${page?.dataset.reader}:`;

/** Return the text that was begun in a place, empty for none. */
export const read = (place) => localStorage.getItem(prefix + place) ?? "";

/** Keep the text of a place; an empty one is forgotten. */
export function write(place, text) {
  if (text === read(place)) return;
  try {
    if (text.trim()) localStorage.setItem(prefix + place, text);
    else localStorage.removeItem(prefix + place);
  } catch (error) {
    console.warn(error.message); // the browser's store is full: the text is still in its field
  }
  tell();
}

/** Return every draft of the reader, by place. */
export const all = () =>
  new Map(kept(prefix).map((key) => [key.slice(prefix.length), localStorage.getItem(key)]));

/** Forget the drafts of everybody who wrote in this browser. */
export function clear() {
  for (const key of kept("draft:")) localStorage.removeItem(key);
  tell();
}

const kept = (start) => Object.keys(localStorage).filter((key) => key.startsWith(start));
const tell = () => window.dispatchEvent(new Event("drafts"));

// Another tab of the same reader wrote.
window.addEventListener("storage", (event) => event.key?.startsWith(prefix) && tell());
