/* Through the messages by keyboard: one of them is reached by Tab, arrow keys go on from there. */

const FLASH = 2000; // milliseconds

export class Walk {
  constructor(strip, place, menu) {
    this.strip = strip;
    this.place = place;
    this.menu = menu;
    this.aimed = null;
    strip.root.addEventListener("keydown", (event) => this.step(event));
  }

  /** Bring a message into view and let it flash. */
  show(id) {
    const node = this.strip.node(id);
    if (!node) return;
    this.place.toElement(node, 0.35);
    this.aim(node);
    node.classList.add("flashes");
    setTimeout(() => node.classList.remove("flashes"), FLASH);
  }

  aim(node) {
    this.aimed?.setAttribute("tabindex", "-1");
    node?.setAttribute("tabindex", "0");
    this.aimed = node;
  }

  /** Let Tab reach the last message, unless it leads to another one that is still there. */
  settle() {
    if (!this.aimed?.isConnected) this.aim(this.strip.node(this.strip.newest));
  }

  step(event) {
    const item = event.target;
    if (!item.matches(".message")) return;
    const at = this.strip.place(Number(item.dataset.id));
    const places = { ArrowUp: at - 1, ArrowDown: at + 1, Home: 0, End: this.strip.ids.length - 1 };
    if (["Enter", " ", "ContextMenu"].includes(event.key)) this.menu.open(item);
    else if (event.key in places) this.reach(this.strip.node(this.strip.ids[places[event.key]]));
    else return;
    event.preventDefault();
  }

  reach(node) {
    if (!node) return;
    this.aim(node);
    node.focus({ preventScroll: true });
    node.scrollIntoView({ block: "nearest" });
  }
}
