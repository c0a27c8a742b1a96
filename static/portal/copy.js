// Puts a copy button behind everything that is marked with data-copy. What it says comes from the
// page where that has it (data-copy-label, data-copied, data-selected).

const SHOWN_MS = 2500;

async function copy(source) {
  // Browsers offer the clipboard on secure pages only; elsewhere the text is selected for the user.
  try {
    await navigator.clipboard.writeText(source.textContent.trim());
    return source.dataset.copied ?? "Copied";
  } catch {
    getSelection().selectAllChildren(source);
    return source.dataset.selected ?? "Selected: press Ctrl+C";
  }
}

for (const source of document.querySelectorAll("[data-copy]")) {
  const label = source.dataset.copyLabel ?? "Copy";
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = label;
  button.className =
    "border border-base-200 cursor-pointer font-medium ml-2 px-2 py-1 rounded-default dark:border-base-700";
  // The button keeps the focus and says what came of it; a screen reader reads it out.
  button.ariaLive = "polite";
  let fading;
  button.addEventListener("click", async () => {
    button.textContent = await copy(source);
    clearTimeout(fading);
    fading = setTimeout(() => { button.textContent = label; }, SHOWN_MS);
  });
  source.after(button);
}
