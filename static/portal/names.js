// Gives choices that are searched while typing the name of their label; the widget itself has none.

function name(box) {
  const select = box.previousElementSibling;
  const shown = box.querySelector(".select2-selection__rendered");
  const said = select?.getAttribute("aria-label") ?? select?.labels?.[0]?.textContent.trim();
  if (shown && said && !shown.title) {
    shown.title = said;
  }
}

document.querySelectorAll(".select2-container").forEach(name);
// The widget comes after this script, and again with every row that is added.
new MutationObserver((changes) => {
  for (const node of changes.flatMap((change) => [...change.addedNodes])) {
    if (node.matches?.(".select2-container")) {
      name(node);
    }
  }
}).observe(document.body, { childList: true, subtree: true });
