/* Address books in and out: a file is looked at first, then taken over as far as it can be. */

import { postForm } from "./api.js";
import { byId, element } from "./dom.js";

const MOST_BYTES = 5_000_000;
const WORDS = { new: gettext("New"), update: gettext("Changed"), same: gettext("Known") };

export class ContactImport {
  /** `onDone()` when contacts were added or changed. */
  constructor(onDone) {
    this.onDone = onDone;
    this.body = byId("contact-body");
    this.mayShare = byId("contact-pane").dataset.mayShare === "yes";
    this.file = null;
    this.shared = false;
  }

  show() {
    byId("contact-heading").textContent = gettext("Import and export");
    byId("contact-acts").replaceChildren();
    this.root = element("div", { class: "contact-import" });
    this.body.replaceChildren(this.root, outgoing());
    this.choose();
  }

  /** The first step: which file, and whose contacts they become. */
  choose(complaint = "") {
    const input = element("input", { class: "visually-hidden", type: "file", accept: ".vcf,.csv,text/vcard,text/csv,text/x-vcard,text/tab-separated-values", data: { testid: "import-file" } });
    const drop = element("label", { class: "import-drop" },
      element("span", { class: "button primary", text: gettext("Choose a file") }),
      element("span", { text: gettext("or drop it here") }),
      element("span", { class: "hint", text: gettext("vCard (.vcf) from a phone, or CSV from a spreadsheet or mail program; up to 5,000 contacts and 5 MB. You see what it would do before anything changes.") }),
      input);
    input.addEventListener("change", () => input.files.length && this.look(input.files[0]));
    drop.addEventListener("dragover", (event) => {
      event.preventDefault();
      drop.classList.add("is-over");
    });
    drop.addEventListener("dragleave", () => drop.classList.remove("is-over"));
    drop.addEventListener("drop", (event) => {
      event.preventDefault();
      if (event.dataTransfer.files.length) this.look(event.dataTransfer.files[0]);
    });
    this.root.replaceChildren(
      element("h3", { text: gettext("Import") }),
      complaint ? element("p", { class: "note bad", role: "alert", text: complaint, data: { testid: "import-error" } }) : "",
      this.mayShare ? this.whose() : "",
      drop);
  }

  whose() {
    const box = element("input", { type: "checkbox", data: { testid: "import-shared" } });
    box.checked = this.shared;
    box.addEventListener("change", () => (this.shared = box.checked));
    return element("label", { class: "contact-share" }, box, element("span", { text: gettext("Share them with everybody in your company") }));
  }

  async look(file) {
    this.file = file;
    if (file.size > MOST_BYTES) {
      this.choose(gettext("The file is larger than 5 MB. Import it in parts."));
      return;
    }
    await this.send(false, interpolate(gettext("Reading %s…"), [file.name]));
  }

  async send(apply, words) {
    const { file } = this;
    const form = new FormData();
    form.append("file", file);
    form.append("apply", apply);
    form.append("shared", this.shared);
    this.root.replaceChildren(element("div", { class: "import-busy", role: "status" }, element("p", { text: words }), element("progress", { "aria-label": words })));
    try {
      const outcome = await postForm("contacts/import", form);
      if (this.file !== file) return;
      if (apply) this.onDone();
      this.draw(outcome);
    } catch (error) {
      this.choose(error.message);
    }
  }

  /** The second step, what the file would do; or after it, what it did. */
  draw(outcome) {
    const { applied } = outcome;
    const count = outcome.new + outcome.update;
    const heading = element("h3", { tabindex: -1, text: applied ? gettext("Import finished") : interpolate(gettext("What %s would do"), [this.file.name]) });
    this.root.replaceChildren(
      heading,
      this.sums(outcome),
      outcome.unused.length ? element("p", { class: "hint", text: interpolate(gettext("Not used: %s"), [outcome.unused.join(", ")]) }) : "",
      this.buttons(outcome, count),
      ...troubles(outcome),
      ...(applied ? [] : steps(outcome)));
    heading.focus();
  }

  sums({ applied, ...outcome }) {
    const said = [
      [outcome.new, applied ? ngettext("%s added", "%s added", outcome.new) : ngettext("%s new", "%s new", outcome.new), "is-new"],
      [outcome.update, applied ? ngettext("%s changed", "%s changed", outcome.update) : ngettext("%s to change", "%s to change", outcome.update), "is-update"],
      [outcome.same, ngettext("%s known already", "%s known already", outcome.same), ""],
      [outcome.faulty, ngettext("%s problem", "%s problems", outcome.faulty), "is-faulty"],
    ];
    return element("ul", { class: "import-sums", role: applied ? "status" : null, data: { testid: "import-sums" } },
      ...said.filter(([count]) => count).map(([count, words, kind]) => element("li", { class: `chip ${kind}`, text: interpolate(words, [count]) })));
  }

  buttons(outcome, count) {
    const root = element("div", { class: "contact-buttons" });
    if (!outcome.applied && count) {
      const words = interpolate(ngettext("Import %s contact", "Import %s contacts", count), [count]);
      const go = element("button", { class: "button primary", type: "button", text: words, data: { testid: "import-go" } });
      go.addEventListener("click", () => this.send(true, interpolate(ngettext("Importing %s contact…", "Importing %s contacts…", count), [count])));
      root.append(go);
    }
    if (outcome.applied) root.append(element("a", { class: "button primary", href: "#contacts", text: gettext("Show the contacts") }));
    const other = element("button", { class: "button", type: "button", text: gettext("Choose another file") });
    other.addEventListener("click", () => this.choose());
    root.append(other);
    return root;
  }
}

/** Each line that is not taken over, why, and all of them as a file to repair. */
function troubles({ faults, faulty, faults_csv: table }) {
  if (!faulty) return [];
  const url = URL.createObjectURL(new Blob([table], { type: "text/csv" }));
  return [
    element("h4", { text: gettext("Not taken over") }),
    element("p", { class: "hint" },
      gettext("Repair these lines in a spreadsheet and import that file: what is known already stays as it is."), " ",
      element("a", { href: url, download: "contacts-to-repair.csv", text: gettext("Download these lines"), data: { testid: "import-faults" } })),
    element("ul", { class: "import-lines", data: { testid: "import-troubles" } },
      ...faults.map(({ line, name, why }) => element("li", {},
        element("span", { class: "hint", text: interpolate(gettext("Line %s"), [line]) }),
        element("span", {}, name ? element("strong", { text: `${name}: ` }) : "", why)))),
    rest(faulty - faults.length),
  ];
}

function steps({ steps: all, new: fresh, update, same }) {
  if (!all.length) return [];
  return [
    element("h4", { text: gettext("Contacts in the file") }),
    element("ul", { class: "import-lines", data: { testid: "import-steps" } },
      ...all.map(({ what, name, numbers, changes }) => element("li", {},
        element("span", { class: `chip is-${what}`, text: WORDS[what] }),
        element("span", {},
          element("strong", { text: name }), " ",
          element("span", { class: "hint", text: (what === "update" ? changes : numbers).join(", ") }))))),
    rest(fresh + update + same - all.length),
  ];
}

const rest = (count) =>
  count > 0 ? element("p", { class: "hint", text: interpolate(ngettext("and %s more", "and %s more", count), [count]) }) : "";

function outgoing() {
  const link = (type, scope, text) =>
    element("a", { class: "button small", href: `/api/v1/contacts/export?type=${type}&scope=${scope}`, download: "", text, data: { testid: `export-${type}-${scope}` } });
  const line = (words, scope) =>
    element("li", {}, element("span", { text: words }), link("vcard", scope, gettext("vCard")), link("csv", scope, gettext("CSV")));
  return element("div", { class: "contact-export" },
    element("h3", { text: gettext("Export") }),
    element("p", { class: "hint", text: gettext("vCard for phones, CSV for spreadsheets.") }),
    element("ul", {},
      line(gettext("My own contacts"), "own"),
      line(gettext("Shared contacts"), "shared"),
      line(gettext("All contacts"), "all")));
}
