/* Builds elements out of data. Foreign text only ever becomes text nodes. */

export const byId = (id) => document.getElementById(id);

/** Make an element; `attributes` may hold `class`, `text`, `data` (an object) and any attribute. */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "text") made.textContent = value;
    else if (name === "data") Object.assign(made.dataset, value);
    else made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

/** Make the children of `parent` exactly `nodes`, moving as little as possible. */
export function arrange(parent, nodes) {
  let next = parent.firstChild;
  for (const node of nodes) {
    if (node === next) next = next.nextSibling;
    else parent.insertBefore(node, next);
  }
  while (next) {
    const surplus = next;
    next = next.nextSibling;
    surplus.remove();
  }
}

/** Show a text in a line that is hidden while there is none. */
export function say(line, text) {
  line.textContent = text;
  line.hidden = !text;
}

/** Dress an avatar: initials of a name, else a plain figure, in a colour of its own. */
export function dressAvatar(avatar, title) {
  const words = title.match(/\p{L}[\p{L}\p{N}]*/gu) ?? [];
  const initials = words.length ? words[0][0] + (words.length > 1 ? words.at(-1)[0] : "") : "#";
  let sum = 0;
  for (const char of title) sum = (sum * 31 + char.codePointAt(0)) % 9973;
  avatar.textContent = initials.toUpperCase();
  avatar.className = `avatar hue-${sum % 6}`;
}

/** Run `work` once after `pause` milliseconds in which it was not asked for again. */
export function settle(work, pause) {
  let timer = 0;
  return (...args) => {
    clearTimeout(timer);
    timer = setTimeout(() => work(...args), pause);
  };
}

export const wait = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
