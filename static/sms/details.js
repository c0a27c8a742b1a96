/* Everything that is known of one message, in a small panel: its numbers, and each state with its time. */

import { get } from "./api.js";
import { byId, element } from "./dom.js";
import { wordOf } from "./ticks.js";
import { exact } from "./times.js";

/** Open the panel; the focus goes back to where it was on closing. */
export async function openDetails(id) {
  const message = await get(`messages/${id}`);
  const close = element("button", { class: "button small", type: "button", text: gettext("Close") });
  const panel = element("dialog", { class: "details", "aria-labelledby": "details-title", data: { testid: "details" } },
    element("h2", { id: "details-title", text: gettext("Details of the message") }),
    facts(message),
    element("h3", { text: gettext("What happened") }),
    element("ol", { class: "details-history" }, ...message.history.map(step)),
    element("div", { class: "details-foot" }, close));
  close.addEventListener("click", () => panel.close());
  panel.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    event.preventDefault(); // the page would take it for "back"
    panel.close();
  });
  panel.addEventListener("click", (event) => event.target === panel && panel.close());
  panel.addEventListener("close", () => panel.remove());
  byId("client").append(panel);
  panel.showModal();
}

function facts(message) {
  const { author, automatic, segments, encoding } = message;
  const known = [
    [gettext("From"), message.from],
    [gettext("To"), message.to.split(";").join(", ")],
    [gettext("Written by"), author ? `${author.name} · ${author.number}` : automatic ? gettext("Automatic reply") : ""],
    [gettext("Time"), exact(new Date(message.created_at))],
    [gettext("Size"), segments ? `${interpolate(ngettext("%s segment", "%s segments", segments), [segments])} · ${encoding}` : ""],
    [gettext("Reason"), message.error],
    [gettext("Provider's code"), message.error_code],
    [gettext("Next step"), message.advice],
    [gettext("Provider's id"), message.provider_id],
  ];
  return element("dl", {}, ...known.filter(([, value]) => value).flatMap(([name, value]) => [
    element("dt", { text: name }),
    element("dd", { text: value }),
  ]));
}

const step = ({ state, at, note }) =>
  element("li", {},
    element("strong", { text: wordOf(state) }),
    element("time", { datetime: at, text: exact(new Date(at)) }),
    note ? element("span", { text: note }) : null);
