// The phone: shows its texts, and posts what its carrier owes to our real webhook.

const page = document.getElementById("handset");
const $ = (id) => document.getElementById(id);
const LOOK_EVERY = 1000;
const BACKOFF = [2000, 4000, 8000, 16000, 30000];

const shown = new Map(); // message id -> its element
const done = new Set(); // posts that our webhook accepted, as "id:step"
const busy = new Set(); // posts under way
const failed = new Map(); // post -> {tries, at}
let accepted = []; // accepted posts that the server has not been told yet
let files = []; // {key, url, isImage} to go with the next text
let wake = () => {}; // looks again at once

function start() {
  $("number").value = localStorage.getItem("handset-number") || $("number").value;
  const did = localStorage.getItem("handset-did");
  if ([...$("did").options].some((option) => option.value === did)) $("did").value = did;
  $("number").addEventListener("change", beSomebodyElse);
  $("group").value = localStorage.getItem("handset-group") ?? "";
  $("group").addEventListener("change", () => localStorage.setItem("handset-group", $("group").value));
  $("did").addEventListener("change", () => {
    localStorage.setItem("handset-did", $("did").value);
    for (const item of shown.values()) label(item);
  });
  $("trouble").addEventListener("change", () => ask("trouble", { trunk: trunk(), trouble: $("trouble").value }));
  $("trunk")?.addEventListener("change", () => location.assign(`?trunk=${$("trunk").value}`));
  $("write").addEventListener("submit", send);
  $("text").addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) send(event);
  });
  $("attach").addEventListener("click", () => $("file").click());
  $("file").addEventListener("change", upload);
  watch();
}

const trunk = () => Number(page.dataset.trunk);
const keyOf = (post) => `${post.id}:${post.step}`;

async function ask(what, data) {
  const isForm = data instanceof FormData;
  const headers = { "X-CSRFToken": page.querySelector("[name=csrfmiddlewaretoken]").value };
  if (!isForm) headers["Content-Type"] = "application/json";
  try {
    const answer = await fetch(`/handset/${what}`, { method: "POST", headers, body: isForm ? data : JSON.stringify(data) });
    const said = await answer.json().catch(() => ({}));
    if (!answer.ok) throw new Error(said.detail || gettext("The server refused it."));
    if (!failed.size) say("");
    return said;
  } catch (error) {
    say(error instanceof TypeError ? gettext("The server cannot be reached; trying again.") : error.message);
    return null;
  }
}

function say(problem) {
  if ($("problem").textContent !== problem) $("problem").textContent = problem;
  $("problem").hidden = !problem;
}

async function watch() {
  for (;;) {
    $("clock").textContent = new Date().toLocaleTimeString([], { hour: "numeric", minute: "2-digit" });
    const woken = new Promise((resolve) => (wake = resolve));
    await look();
    await Promise.race([woken, new Promise((resolve) => setTimeout(resolve, LOOK_EVERY))]);
  }
}

async function look() {
  const number = $("number").value;
  const posted = accepted;
  accepted = [];
  const screen = await ask("look", { trunk: trunk(), number, posted });
  if (!screen) {
    accepted = [...posted, ...accepted];
    return;
  }
  if (number !== $("number").value) return;
  screen.messages.forEach(show);
  screen.posts.forEach(post);
}

// The browser is the provider here: this request is the real webhook.
async function post(owed) {
  const key = keyOf(owed);
  const wait = failed.get(key);
  if (done.has(key) || busy.has(key) || (wait && wait.at > Date.now())) return;
  busy.add(key);
  const once = () => fetch(owed.path, { method: "POST", headers: owed.headers, body: owed.body, credentials: "omit" });
  try {
    const answers = await Promise.all(Array.from({ length: owed.copies }, once));
    const refused = answers.find((answer) => !answer.ok);
    if (refused) throw new Error(`${refused.status} ${await refused.text()}`);
    done.add(key);
    failed.delete(key);
    accepted.push({ id: owed.id, step: owed.step });
    wake();
  } catch (error) {
    const tries = (wait?.tries ?? 0) + 1;
    failed.set(key, { tries, at: Date.now() + BACKOFF[Math.min(tries, BACKOFF.length) - 1] });
    say(`${gettext("The webhook did not take it; trying again.")} ${error.message.slice(0, 200)}`);
  } finally {
    busy.delete(key);
  }
}

async function send(event) {
  event.preventDefault();
  const text = $("text").value;
  const going = files;
  if (!text.trim() && !going.length) return;
  $("text").value = "";
  files = [];
  showFiles();
  const group = $("group").value.split(/[,;]/).map((number) => number.trim()).filter(Boolean);
  const data = { trunk: trunk(), number: $("number").value, did: $("did").value, group, text, media: going.map((file) => file.key) };
  const sent = await ask("texts", data);
  if (!sent) {
    if (!$("text").value) $("text").value = text;
    files = [...going, ...files];
    showFiles();
    return;
  }
  show(sent.message);
  sent.posts.forEach(post);
}

async function upload() {
  const file = $("file").files[0];
  $("file").value = "";
  if (!file) return;
  const data = new FormData();
  data.append("trunk", trunk());
  data.append("file", file);
  const kept = await ask("files", data);
  if (!kept) return;
  files.push({ key: kept.key, name: file.name, isImage: file.type.startsWith("image/"), url: URL.createObjectURL(file) });
  showFiles();
}

function showFiles() {
  $("files").hidden = !files.length;
  $("files").replaceChildren(
    ...files.map((file) => {
      const button = document.createElement("button");
      button.type = "button";
      button.setAttribute("aria-label", gettext("Remove"));
      const face = document.createElement(file.isImage ? "img" : "span");
      if (file.isImage) Object.assign(face, { src: file.url, alt: file.name });
      else face.textContent = file.name.split(".").pop().toUpperCase();
      button.append(face);
      button.addEventListener("click", () => {
        files = files.filter((one) => one !== file);
        showFiles();
      });
      return button;
    }),
  );
}

function beSomebodyElse() {
  localStorage.setItem("handset-number", $("number").value);
  shown.clear();
  $("messages").replaceChildren();
  $("empty").hidden = false;
  wake();
}

function show(message) {
  let item = shown.get(message.id);
  if (!item) {
    const stays = $("thread").scrollHeight - $("thread").scrollTop - $("thread").clientHeight > 80;
    item = draw(message);
    shown.set(message.id, item);
    place(item);
    $("empty").hidden = true;
    if (!stays) $("thread").scrollTop = $("thread").scrollHeight;
  }
  if (item.dataset.receipt !== message.receipt) {
    item.dataset.receipt = message.receipt;
    tick(item);
  }
}

// A slow text shows up after later ones were drawn; it stands where it arrived.
function place(item) {
  const after = [...$("messages").children].find((other) => other.dataset.at > item.dataset.at);
  $("messages").insertBefore(item, after ?? null);
}

function draw(message) {
  const item = document.createElement("li");
  item.className = "text";
  Object.assign(item.dataset, {
    testid: "handset-message",
    direction: message.direction,
    receipt: message.receipt,
    at: message.at,
    our: message.our_number,
    pretty: message.our_number_pretty,
    others: message.others,
  });
  for (const url of message.media) item.append(picture(url));
  if (message.text) {
    const bubble = document.createElement("div");
    bubble.className = "bubble";
    bubble.textContent = message.text;
    item.append(bubble);
  }
  const below = document.createElement("div");
  below.className = "below";
  below.append(...["span", "time", "span"].map((name) => document.createElement(name)));
  const time = below.children[1];
  time.dateTime = message.at;
  time.textContent = new Date(message.at).toLocaleTimeString([], { hour: "numeric", minute: "2-digit" });
  below.children[2].className = "ticks";
  item.append(below);
  label(item);
  tick(item);
  return item;
}

// Which number a text belongs to is said where it is not the one chosen above, and who else has it.
function label(item) {
  const { our, direction, pretty, others } = item.dataset;
  const words = direction === "inbound" ? gettext("to %s") : gettext("from %s");
  const parts = our === $("did").value ? [] : [interpolate(words, [pretty])];
  if (others) parts.push(interpolate(gettext("with %s"), [others]));
  item.querySelector(".below span").textContent = parts.join(" · ");
}

function tick(item) {
  const ticks = item.querySelector(".ticks");
  const receipt = item.dataset.receipt;
  ticks.textContent = { message: "✓", sent: "✓", delivered: "✓✓" }[receipt] ?? "";
  ticks.classList.toggle("done", receipt === "delivered");
  const words = {
    message: gettext("the webhook took it"),
    sent: gettext("receipt posted: sent"),
    delivered: gettext("receipt posted: delivered"),
  };
  ticks.title = words[receipt] ?? "";
}

function picture(url) {
  const link = document.createElement("a");
  link.target = "_blank";
  link.rel = "noopener";
  if (/^(https?:|\/)/.test(url)) link.href = url;
  const image = document.createElement("img");
  image.alt = gettext("Attachment");
  image.addEventListener("error", () => {
    link.className = "bubble";
    link.textContent = gettext("Attachment");
  });
  image.addEventListener("load", () => ($("thread").scrollTop = $("thread").scrollHeight));
  image.src = link.href;
  link.append(image);
  return link;
}

if (page) start();
