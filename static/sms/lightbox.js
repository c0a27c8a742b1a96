/* Shows pictures large, one at a time, above the page. */

import { byId, element } from "./dom.js";

const SWIPE = 50; // pixels

/** Open the pictures at one of them; the focus goes back to where it was on closing. */
export function openLightbox(pictures, place) {
  const image = element("img", { class: "lightbox-picture", data: { testid: "lightbox-picture" } });
  const caption = element("p", { class: "lightbox-caption", role: "status" });
  const download = element("a", { class: "lightbox-button", text: "↓", title: gettext("Download"), "aria-label": gettext("Download") });
  const close = button("✕", gettext("Close"), () => dialog.close());
  const back = button("‹", gettext("The picture before"), () => show(at - 1));
  const on = button("›", gettext("The next picture"), () => show(at + 1));
  const dialog = element("dialog", { class: "lightbox", "aria-label": gettext("Picture"), data: { testid: "lightbox" } },
    element("div", { class: "lightbox-head" }, caption, download, close), image, back, on);
  let at = place;
  let touchedAt = null;

  function show(next) {
    if (!pictures[next]) return;
    at = next;
    const { url, name } = pictures[at];
    const title = name || gettext("Attachment");
    image.src = url;
    image.alt = title;
    download.href = url;
    download.download = title;
    caption.textContent =
      pictures.length > 1
        ? interpolate(gettext("%(name)s, %(place)s of %(count)s"), { name: title, place: at + 1, count: pictures.length }, true)
        : title;
    back.hidden = at === 0;
    on.hidden = at === pictures.length - 1;
    // A button that hid itself took the focus with it.
    if (document.activeElement === document.body) close.focus();
  }

  const keys = {
    ArrowLeft: () => show(at - 1),
    ArrowRight: () => show(at + 1),
    Home: () => show(0),
    End: () => show(pictures.length - 1),
    Escape: () => dialog.close(),
  };
  dialog.addEventListener("keydown", (event) => {
    if (!keys[event.key]) return;
    event.preventDefault(); // the page would take Escape for "back"
    keys[event.key]();
  });
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  dialog.addEventListener("touchstart", (event) => (touchedAt = event.changedTouches[0].clientX), { passive: true });
  dialog.addEventListener("touchend", (event) => {
    const moved = event.changedTouches[0].clientX - touchedAt;
    if (Math.abs(moved) > SWIPE) show(at + (moved < 0 ? 1 : -1));
  });
  dialog.addEventListener("close", () => dialog.remove());
  byId("client").append(dialog);
  show(place);
  dialog.showModal();
  close.focus();
}

function button(sign, label, work) {
  const made = element("button", { class: "lightbox-button", type: "button", title: label, "aria-label": label, text: sign });
  made.addEventListener("click", work);
  return made;
}
