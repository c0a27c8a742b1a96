/* Sends a text once more that failed or may have failed, after a look at the reason. */

import { post } from "./api.js";
import { addMessageAction } from "./actions.js";
import { byId, element, say } from "./dom.js";

const FAILED = ["failed", "undelivered", "cancelled"];

/** Offer "Send again" on messages; `send(message, media, data)` puts it on its way. */
export function offerResend({ maySend, send }) {
  const isFor = (message) =>
    maySend() && message.direction === "outbound" && message.extension !== null && [...FAILED, "unconfirmed"].includes(message.state);
  addMessageAction(gettext("Send again"), isFor, (message) => ask(message, send));
}

function ask(message, send) {
  const unsure = message.state === "unconfirmed";
  const go = element("button", { class: "button primary", type: "submit", text: gettext("Send again"), data: { testid: "again-go" } });
  const stop = element("button", { class: "button", type: "button", text: gettext("Cancel"), data: { testid: "again-stop" } });
  const wrong = element("p", { class: "note bad", role: "alert", hidden: true, data: { testid: "again-wrong" } });
  const reason = message.error || gettext("The provider gave no reason.");
  const why = unsure
    ? gettext("The first one may have arrived; the person may get it twice.")
    : interpolate(gettext("The first one was not delivered: %s"), [reason]);
  const form = element("form", {},
    element("h2", { id: "again-title", text: gettext("Send this again?") }),
    message.text ? element("blockquote", { class: "again-text", dir: "auto", text: message.text }) : null,
    message.media.length ? element("p", { class: "hint", text: message.media.map((one) => one.name || gettext("Attachment")).join(", ") }) : null,
    element("p", { class: unsure ? "note warn" : "note", data: { testid: "again-why" }, text: why }),
    wrong,
    element("div", { class: "again-acts" }, stop, go));
  const dialog = element("dialog", { class: "card again", "aria-labelledby": "again-title", data: { testid: "again" } }, form);
  byId("client").append(dialog);
  dialog.addEventListener("close", () => dialog.remove());
  // The page would take Escape for "back".
  dialog.addEventListener("keydown", (event) => event.key === "Escape" && event.stopPropagation());
  stop.addEventListener("click", () => dialog.close());
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (go.disabled) return; // one press is one message
    go.disabled = true;
    try {
      const copies = message.media.length ? await post(`messages/${message.id}/copies`) : [];
      dialog.close();
      send(message, copies);
    } catch (error) {
      go.disabled = false;
      say(wrong, error.message);
    }
  });
  dialog.showModal();
  go.focus();
}
