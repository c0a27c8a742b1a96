// Puts a copy button behind everything that is marked with data-copy.

async function copy(source, button) {
  // Browsers offer the clipboard on secure pages only; elsewhere the text is selected for the user.
  if (navigator.clipboard) {
    await navigator.clipboard.writeText(source.textContent.trim());
    button.textContent = "Copied";
  } else {
    getSelection().selectAllChildren(source);
    button.textContent = "Selected";
  }
}

for (const source of document.querySelectorAll("[data-copy]")) {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = "Copy";
  button.className =
    "border border-base-200 cursor-pointer font-medium ml-2 px-2 py-1 rounded-default dark:border-base-700";
  button.addEventListener("click", () => copy(source, button));
  source.after(button);
}
