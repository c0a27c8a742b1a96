// The week of office hours: seven text fields become an editor, and a picture follows them. What is
// saved is always the text of the fields, so without this script they are typed in directly.

const DAY = 24 * 60;
const WEEK = 7 * DAY;
const week = document.getElementById("week");
const fields = [...document.querySelectorAll("input[data-weekday]")];
const names = fields.map((field) => field.labels[0].textContent.trim());
const loadedAt = performance.now();

const minutes = (clock) => Number(clock.slice(0, 2)) * 60 + Number(clock.slice(3, 5));
const two = (number) => String(number).padStart(2, "0");
const clock = (minute) => `${two(Math.floor((minute % DAY) / 60))}:${two(minute % 60)}`;
const dayAndClock = (minute) => `${names[Math.floor(minute / DAY) % 7]} ${clock(minute)}`;

// The usual form of a range; what was typed otherwise is left to the server to read.
const RANGE = /^(\d\d:\d\d)-(\d\d:\d\d)$/;

function ranges(field) {
  const parts = field.value.split(",").map((part) => part.trim()).filter(Boolean);
  const found = parts.map((part) => RANGE.exec(part));
  return found.every(Boolean) ? found.map(([, opens, closes]) => [opens, closes]) : null;
}

function spans() {
  const found = fields.flatMap((field, day) =>
    (ranges(field) ?? []).map(([opens, closes]) => ({
      first: day * DAY + minutes(opens),
      length: (minutes(closes) - minutes(opens) + DAY) % DAY || DAY,
      label: `${names[day]} ${opens}-${closes}`,
    })),
  );
  return found.sort((one, other) => one.first - other.first);
}

function standing(found) {
  const now = (Number(week.dataset.minute) + Math.floor((performance.now() - loadedAt) / 60000)) % WEEK;
  const since = (minute, span) => (((minute - span.first) % WEEK) + WEEK) % WEEK;
  let end = now;
  for (let further = end; end < now + WEEK; end = further) {
    const open = found.filter((span) => since(end, span) < span.length);
    further = Math.max(end, ...open.map((span) => end + span.length - since(end, span)));
    if (further === end) break;
  }
  if (!found.length || end >= now + WEEK) return week.dataset.always;
  const wait = Math.min(...found.map((span) => (span.first - now + WEEK) % WEEK));
  const until = (end > now ? end : now + wait) % WEEK;
  const isToday = until > now && Math.floor(until / DAY) === Math.floor(now / DAY);
  const sentence = end > now ? week.dataset.open : week.dataset.closed;
  return sentence.replace("{then}", isToday ? clock(until) : dayAndClock(until));
}

function overlapping(found) {
  if (found.length < 2) return null;
  const following = [...found.slice(1), { ...found[0], first: found[0].first + WEEK }];
  const place = found.findIndex((span, n) => span.first + span.length > following[n].first);
  return place < 0 ? null : [found[place].label, following[place].label];
}

function bar(start, length) {
  const part = document.createElement("i");
  part.style.left = `${(start * 100) / DAY}%`;
  part.style.width = `${(length * 100) / DAY}%`;
  return part;
}

function draw() {
  const found = spans();
  week.querySelectorAll("[data-track]").forEach((track, day) => {
    const parts = found.flatMap((span) =>
      [span.first, span.first - WEEK].map((first) => {
        const begin = Math.max(first, day * DAY);
        return [begin - day * DAY, Math.min(first + span.length, (day + 1) * DAY) - begin];
      }),
    );
    track.replaceChildren(...parts.filter(([, length]) => length > 0).map((part) => bar(...part)));
  });
  if (!("onHoliday" in week.dataset)) {
    week.querySelector("[data-standing]").textContent = standing(found);
  }
  const warning = week.querySelector("[data-warning]");
  const both = overlapping(found);
  warning.hidden = !both;
  warning.textContent = both
    ? week.dataset.overlap.replace("{first}", both[0]).replace("{second}", both[1])
    : "";
}

function clone(id) {
  return document.getElementById(id).content.firstElementChild.cloneNode(true);
}

class Editor {
  constructor(field) {
    this.field = field;
    this.root = clone("day-editor");
    this.isOpen = this.root.querySelector("[data-is-open]");
    this.list = this.root.querySelector("[data-ranges]");
    this.add = this.root.querySelector("[data-add]");
    this.root.setAttribute("role", "group");
    this.root.setAttribute("aria-label", names[fields.indexOf(field)]);
    this.isOpen.addEventListener("change", () => this.toggle());
    this.add.addEventListener("click", () => this.append(["", ""]).focus());
    const copy = this.root.querySelector("[data-copy-week]");
    copy.hidden = field !== fields[0];
    copy.addEventListener("click", () => this.copy());
    field.after(this.root);
    field.type = "hidden";
    this.show();
  }

  // Lets the editor show what the field says.
  show() {
    const found = ranges(this.field);
    this.list.replaceChildren();
    found.forEach((range) => this.append(range));
    this.isOpen.checked = found.length > 0;
    this.add.hidden = !found.length;
  }

  append([opens, closes]) {
    const row = clone("day-range");
    const first = row.querySelector("[data-opens]");
    first.value = opens;
    row.querySelector("[data-closes]").value = closes === "24:00" ? "00:00" : closes;
    row.addEventListener("input", () => this.write());
    row.querySelector("[data-remove]").addEventListener("click", () => this.remove(row));
    this.list.append(row);
    return first;
  }

  remove(row) {
    row.remove();
    this.write();
    if (!this.list.children.length) this.show();
    (this.add.hidden ? this.isOpen : this.add).focus();
  }

  toggle() {
    if (this.isOpen.checked) this.append(["09:00", "17:00"]);
    else this.list.replaceChildren();
    this.add.hidden = !this.isOpen.checked;
    this.write();
  }

  write() {
    const rows = [...this.list.children].map((row) => [
      row.querySelector("[data-opens]").value,
      row.querySelector("[data-closes]").value,
    ]);
    // A half of a range stays, so that the server asks for the other half.
    this.field.value = rows
      .filter(([opens, closes]) => opens || closes)
      .map(([opens, closes]) => `${opens}-${closes === "00:00" ? "24:00" : closes}`)
      .join(", ");
    draw();
  }

  copy() {
    for (const editor of editors.slice(1, 5)) {
      editor.field.value = this.field.value;
      editor.show();
    }
    draw();
  }
}

// Either all days have an editor or none: a day that the server could not read stays as typed.
const editors = fields.every(ranges) ? fields.map((field) => new Editor(field)) : [];
fields.forEach((field) => field.addEventListener("input", draw));
draw();
