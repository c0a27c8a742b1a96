/* Leaves nothing of a reader in the browser when they sign out, on whichever page they do. */

import { clear } from "./draftbook.js";

document.getElementById("sign-out").addEventListener("submit", () => {
  clear();
  sessionStorage.clear(); // what was on its way
});
