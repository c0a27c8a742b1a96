/* The files of a message: pictures in a grid, players, and cards for what is only downloaded. */

import { element } from "./dom.js";
import { openLightbox } from "./lightbox.js";

const PICTURE = /^image\/(jpeg|png|gif|webp)$/;
const SHOWN = 4; // pictures in a grid; how many more there are stands on the last one
const kinds = {
  "application/pdf": () => "PDF",
  "text/plain": () => gettext("Text"),
  "text/vcard": () => gettext("Contact"),
  "text/x-vcard": () => gettext("Contact"),
  "text/directory": () => gettext("Contact"),
  "text/calendar": () => gettext("Calendar"),
};

export function weight(bytes) {
  const kilo = bytes / 1024;
  return kilo < 1000 ? `${Math.max(1, Math.round(kilo))} kB` : `${(kilo / 1024).toFixed(1)} MB`;
}

/** Return what shows the files, null where there are none. */
export function files(media) {
  if (!media.length) return null;
  const pictures = media.filter((one) => one.state === "ready" && PICTURE.test(one.content_type));
  const others = media.filter((one) => !pictures.includes(one));
  return element("div", { class: "files" }, grid(pictures), ...others.map(single));
}

function grid(pictures) {
  if (!pictures.length) return null;
  const made = element("div", { class: `pictures of-${Math.min(pictures.length, SHOWN)}` });
  pictures.slice(0, SHOWN).forEach((one, place) => {
    const label = interpolate(gettext("Open the picture %s"), [nameOf(one)]);
    const image = element("img", { src: one.url, alt: nameOf(one), loading: "lazy", width: 280, height: 210, data: { testid: "picture" } });
    const button = element("button", { class: "picture", type: "button", "aria-label": label }, image);
    const more = place === SHOWN - 1 ? pictures.length - SHOWN : 0;
    if (more) button.append(element("span", { class: "picture-more", text: `+${more}` }));
    button.addEventListener("click", () => openLightbox(pictures, place));
    image.addEventListener("error", () => button.replaceWith(card(one, gettext("This picture cannot be shown."))));
    made.append(button);
  });
  return made;
}

function single(one) {
  if (one.state === "waiting") return notice("", gettext("Fetching the attachment…"));
  if (one.state === "failed") {
    return notice("is-bad", gettext("The attachment could not be fetched. Ask for it to be sent again."));
  }
  const kind = one.content_type.split("/")[0];
  return kind === "audio" || kind === "video" ? player(kind, one) : card(one);
}

const notice = (className, text) =>
  element("span", { class: `file-notice ${className}`, data: { testid: "file-notice" }, text });

/* What this browser cannot play is a card like any other file. */
function player(kind, one) {
  const made = element(kind, { src: one.url, controls: true, preload: kind === "video" ? "metadata" : "none", "aria-label": nameOf(one), data: { testid: kind } });
  made.addEventListener("error", () => made.remove());
  return element("div", { class: `player is-${kind}` }, made, card(one));
}

function card(one, remark = "") {
  const facts = [kindOf(one), weight(one.size)].join(" · ");
  return element("a", { class: "file", href: one.url, download: nameOf(one), data: { testid: "file" } },
    element("span", { class: "file-kind", "aria-hidden": "true", text: kindOf(one).slice(0, 4) }),
    element("span", { class: "file-words" },
      element("span", { class: "file-name", text: nameOf(one) }),
      element("span", { class: "hint", text: remark ? `${remark} ${facts}` : facts })),
    element("span", { class: "visually-hidden", text: gettext("Download") }),
    element("span", { class: "file-arrow", "aria-hidden": "true", text: "↓" }));
}

export const nameOf = (one) => one.name || gettext("Attachment");

const kindOf = (one) => kinds[one.content_type]?.() ?? (one.content_type.split("/")[1] ?? "").replace(/^x-/, "").toUpperCase();
