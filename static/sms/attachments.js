/* The files that wait to go with the next text: checked and made to fit when they are chosen, and
   again when the sender changes; each is uploaded at once. */

import { upload } from "./api.js";
import { arrange, byId, element, say } from "./dom.js";
import { weight } from "./media.js";
import { shrink } from "./shrink.js";

const OURS = { mms: true, types: [], max_files: 20, max_file_bytes: 10 * 1024 * 1024, max_total_bytes: 0 };
const SMALLEST = 20_000; // bytes below which a picture is not worth sending

/* A file is `{ place, file, sent, id, share, problem, error, thumb, stop }`: `file` as it was chosen,
   `sent` as it goes out, `share` what is uploaded of it. */
export class Attachments {
  constructor(onChange) {
    this.onChange = onChange;
    this.root = byId("attachments");
    this.input = byId("composer-file");
    this.place = null;
    this.limits = OURS;
    this.all = []; // of every place
    this.input.addEventListener("change", () => {
      this.take(this.input.files);
      this.input.value = "";
    });
  }

  get files() {
    return this.all.filter((one) => one.place === this.place);
  }

  get isBusy() {
    return this.files.some((one) => !one.id);
  }

  get hasProblem() {
    return this.files.some((one) => one.problem);
  }

  get ids() {
    return this.files.map((one) => one.id).filter(Boolean);
  }

  /** Show the files of this place, checked against what its sender takes; null is a colleague. */
  show(place, limits) {
    this.limits = limits ?? OURS;
    const known = JSON.stringify([place, this.limits]);
    if (known === this.known) return;
    this.known = known;
    this.place = place;
    this.draw();
    this.check();
  }

  take(files) {
    for (const file of files) {
      const thumb = /^image\/(jpeg|png|gif|webp)$/.test(file.type) ? URL.createObjectURL(file) : "";
      this.all.push({ place: this.place, file, sent: null, id: null, share: 0, problem: "", error: "", thumb, stop: null });
    }
    this.draw();
    this.check();
  }

  /** Take files back whose text was refused. */
  restore(files) {
    this.all.push(...files.map((one) => ({ ...one, place: this.place })));
    this.draw();
  }

  /** Bring every file in line with the limits, one after the other: they share what is allowed. */
  async check() {
    const turn = (this.turn = Symbol("check"));
    for (const [at, one] of this.files.entries()) {
      const before = this.files.slice(0, at).reduce((sum, other) => sum + (other.sent?.size ?? 0), 0);
      const { file, problem } = await fitting(one.file, this.limits, before, at);
      if (turn !== this.turn) return;
      if (!this.all.includes(one)) continue;
      one.problem = problem;
      if (file && !alike(file, one.sent)) this.send(one, file);
      this.draw();
    }
  }

  async send(one, file) {
    one.stop?.abort();
    const stop = new AbortController();
    Object.assign(one, { sent: file, id: null, share: 0, error: "", stop });
    const onShare = (share) => {
      one.share = share;
      this.draw();
    };
    try {
      const { id } = await upload(file, onShare, stop.signal);
      if (one.stop === stop) one.id = id;
    } catch (error) {
      if (one.stop === stop) one.error = error.message;
    }
    this.draw();
  }

  remove(one) {
    one.stop?.abort();
    this.forget([one]);
    this.check(); // what it took is free for the others
  }

  /** Hand the files over to whoever sends them. */
  clear() {
    const files = this.files;
    this.forget(files, true);
    return files;
  }

  forget(files, isKept = false) {
    this.all = this.all.filter((one) => !files.includes(one));
    if (!isKept) for (const one of files) URL.revokeObjectURL(one.thumb);
    this.draw();
  }

  draw() {
    arrange(this.root, this.files.map((one) => this.chip(one)));
    this.onChange();
  }

  /** Return the file's item, the same one while only more of it was uploaded. */
  chip(one) {
    const { file, sent, thumb, problem, error } = one;
    const drawn = JSON.stringify([one.id, sent?.size, problem, error]);
    if (one.drawn === drawn) {
      const bar = one.node.querySelector("progress");
      if (bar) bar.value = one.share;
      return one.node;
    }
    one.drawn = drawn;
    const isWaiting = !one.id && !problem && !error;
    const button = (attributes, work) => {
      const made = element("button", { type: "button", ...attributes });
      made.addEventListener("click", work);
      return made;
    };
    // The same one for good: a press that has begun ends on it, whatever is drawn meanwhile.
    one.drop ??= button({ class: "drop", "aria-label": interpolate(gettext("Remove %s"), [file.name]), text: "×" }, () => this.remove(one));
    one.node = element("li", { class: `attachment${problem || error ? " is-bad" : ""}`, data: { testid: "attachment" } },
      thumb
        ? element("img", { class: "thumb", src: thumb, alt: "" })
        : element("span", { class: "thumb is-file", "aria-hidden": "true", text: (file.name.split(".").at(-1) || "?").slice(0, 4) }),
      element("span", { class: "attachment-body" },
        element("span", { class: "attachment-name", text: file.name }),
        element("span", { class: "hint", role: "status", data: { testid: "attachment-state" }, text: problem || error || stateOf(one) }),
        isWaiting && sent ? element("progress", { max: 1, value: one.share, "aria-label": gettext("Uploaded") }) : null),
      error && sent ? button({ class: "button small", text: gettext("Try again"), data: { testid: "attachment-again" } }, () => this.send(one, sent)) : null,
      one.drop);
    return one.node;
  }
}

function stateOf({ file, sent, id }) {
  if (!sent) return gettext("checking…");
  const size = sent.size === file.size
    ? weight(file.size)
    : interpolate(gettext("made smaller: %s → %s"), [weight(file.size), weight(sent.size)]);
  return id ? size : `${size} · ${gettext("uploading…")}`;
}

/* A picture made from the same file to the same size is the same picture. */
const alike = (one, other) => one === other || (other && one.size === other.size && one.name === other.name && one.type === other.type);

/** Return a file as it can be sent, or the problem in words that name the limit. */
async function fitting(file, limits, before, at) {
  if (!limits.mms) return { problem: gettext("This sender cannot send files: choose another or remove it.") };
  if (limits.max_files && at >= limits.max_files) {
    const words = ngettext("At most %s file goes into one message.", "At most %s files go into one message.", limits.max_files);
    return { problem: interpolate(words, [limits.max_files]) };
  }
  const left = limits.max_total_bytes ? limits.max_total_bytes - before : Infinity;
  const most = Math.min(limits.max_file_bytes || Infinity, left);
  if (file.size <= most && takes(limits, file.type)) return { file, problem: "" };
  const canShrink = most >= SMALLEST && file.type.startsWith("image/") && file.type !== "image/gif" && takes(limits, "image/jpeg");
  const smaller = canShrink ? await shrink(file, most) : null;
  if (smaller) return { file: smaller, problem: "" };
  return { problem: whyNot(file, limits, left) };
}

function whyNot(file, limits, left) {
  if (!takes(limits, file.type)) {
    return interpolate(gettext("Files of type %s cannot be sent from here."), [file.type || gettext("unknown")]);
  }
  if (limits.max_file_bytes && file.size > limits.max_file_bytes) {
    return interpolate(gettext("It has %s; %s is the most for one file."), [weight(file.size), weight(limits.max_file_bytes)]);
  }
  return interpolate(gettext("The files are larger than %s together; %s is left."), [weight(limits.max_total_bytes), weight(Math.max(0, left))]);
}

const takes = ({ types }, type) =>
  !types.length || types.some((one) => (one.endsWith("/") ? type.startsWith(one) : type === one));

/** Take files that are dropped anywhere on the thread, or pasted into the text. */
export function welcome(attachments, { canAttach }) {
  const pane = byId("thread-pane");
  const zone = element("div", { class: "drop-zone", hidden: true, data: { testid: "drop-zone" } }, element("p"));
  pane.append(zone);
  const isFiles = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
  document.addEventListener("dragover", (event) => {
    if (!isFiles(event)) return;
    event.preventDefault(); // else the browser would leave the page for the file
    const inside = pane.contains(event.target) && !byId("thread").hidden;
    zone.hidden = !inside;
    event.dataTransfer.dropEffect = inside && canAttach() ? "copy" : "none";
    say(zone.firstChild, canAttach() ? gettext("Drop files here to add them") : gettext("Files cannot be sent from here"));
  });
  document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget || !pane.contains(event.relatedTarget)) zone.hidden = true;
  });
  document.addEventListener("drop", (event) => {
    if (!isFiles(event)) return;
    event.preventDefault();
    if (!zone.hidden && canAttach()) attachments.take(event.dataTransfer.files);
    zone.hidden = true;
  });
  byId("composer-text").addEventListener("paste", (event) => {
    const { files } = event.clipboardData;
    // Office programs put a picture of the text beside the text.
    if (!files.length || event.clipboardData.getData("text/plain") || !canAttach()) return;
    event.preventDefault();
    attachments.take(files);
  });
}
