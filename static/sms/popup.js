/* A panel that a button opens: closed by Escape, by a press elsewhere, and by the button again. */

export class Popup {
  constructor(button, panel, onOpen) {
    this.button = button;
    this.panel = panel;
    this.onOpen = onOpen;
    button.setAttribute("aria-expanded", "false");
    button.setAttribute("aria-controls", panel.id);
    button.addEventListener("click", () => (panel.hidden ? this.open() : this.close()));
    document.addEventListener("pointerdown", (event) => {
      if (!panel.hidden && !panel.contains(event.target) && !button.contains(event.target)) this.close(false);
    });
    for (const inside of [panel, button]) {
      inside.addEventListener("keydown", (event) => {
        if (event.key !== "Escape" || panel.hidden) return;
        event.preventDefault(); // the page would take it for "back"
        this.close();
      });
    }
    panel.addEventListener("focusout", (event) => {
      const to = event.relatedTarget;
      if (to && !panel.contains(to) && to !== button) this.close(false);
    });
  }

  open() {
    this.panel.hidden = false;
    this.button.setAttribute("aria-expanded", "true");
    this.onOpen();
  }

  close(giveBack = true) {
    if (this.panel.hidden) return;
    this.panel.hidden = true;
    this.button.setAttribute("aria-expanded", "false");
    if (giveBack) this.button.focus();
  }
}
