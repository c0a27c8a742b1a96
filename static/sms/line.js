/* Says that the connection is lost, once that is more than a hiccup. */

import { byId, say } from "./dom.js";

const HICCUP = 1500;
let timer = null;

export function showLine(isUp) {
  if (isUp) {
    clearTimeout(timer);
    timer = null;
    say(byId("line-state"), "");
  } else {
    timer ??= setTimeout(tell, HICCUP);
  }
}

function tell() {
  say(byId("line-state"), navigator.onLine ? gettext("Connection lost. Reconnecting…") : gettext("You are offline."));
}

for (const change of ["online", "offline"]) {
  window.addEventListener(change, () => byId("line-state").hidden || tell());
}
