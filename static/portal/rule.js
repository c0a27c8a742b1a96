// Says under each field of a rule what the server makes of it, while somebody types.

const PAUSE = 300; // milliseconds without a keystroke

const list = document.querySelector("[data-read]");
const form = list.closest("form");
const lines = new Map();
let waiting = 0;
let asking = new AbortController();

function lineOf(name) {
  const input = form.elements.namedItem(name);
  if (!lines.has(name) && input) {
    const line = document.createElement("p");
    line.id = `${input.id}_read`;
    line.className = "mt-2 text-xs";
    line.setAttribute("role", "status");
    input.setAttribute("aria-describedby", `${input.getAttribute("aria-describedby") ?? ""} ${line.id}`.trim());
    input.after(line);
    lines.set(name, line);
  }
  return lines.get(name);
}

function show(fields) {
  for (const name of [...lines.keys(), ...Object.keys(fields)]) {
    const line = lineOf(name);
    if (!line) continue;
    const found = fields[name] ?? { words: "", wrong: false };
    // Only what is new is read out to those who listen.
    if (line.textContent !== found.words) line.textContent = found.words;
    line.classList.toggle("text-red-600", found.wrong);
    line.classList.toggle("dark:text-red-500", found.wrong);
    line.classList.toggle("text-green-700", !found.wrong);
    line.classList.toggle("dark:text-green-400", !found.wrong);
  }
}

async function read() {
  asking.abort();
  asking = new AbortController();
  try {
    const answer = await fetch(list.dataset.read, {
      method: "POST",
      body: new FormData(form),
      signal: asking.signal,
    });
    if (answer.ok) show((await answer.json()).fields);
  } catch (error) {
    // Overtaken by the next keystroke, or no network: the form itself still says it when saved.
    if (!(error instanceof DOMException || error instanceof TypeError)) throw error;
  }
}

function soon() {
  clearTimeout(waiting);
  waiting = setTimeout(read, PAUSE);
}

form.addEventListener("input", soon);
form.addEventListener("change", soon);
read();
