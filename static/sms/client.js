/* Puts the messaging client together: which conversation is open, and what news does to it. */

import { get, post } from "./api.js";
import { showUnread } from "./badge.js";
import { Composer } from "./composer.js";
import { Contacts, offerContact } from "./contacts.js";
import { byId, dressAvatar, settle } from "./dom.js";
import { Hands } from "./hands.js";
import "./install.js";
import { showLine } from "./line.js";
import { ConversationList } from "./list.js";
import { Live } from "./live.js";
import { Notifier } from "./notify.js";
import { hear, lookAgain } from "./presence.js";
import { reaching } from "./reach.js";
import { numbersOf, Recipient } from "./recipient.js";
import { offerResend } from "./resend.js";
import { Scheduled } from "./scheduled.js";
import { Thread } from "./thread.js";

const page = byId("client");
const me = page.dataset.extension;
const MANY = 8; // single look-ups at once; more news than this is read by the page

const list = new ConversationList(() => showUnread(list.unread, page.dataset.title));
const notifier = new Notifier(me);
const thread = new Thread(me, settle(markRead, 150));
new Hands(me, { onRow: takeOver, onNote });
const scheduled = new Scheduled();
const composer = new Composer({ onSent, onKept });
const recipient = new Recipient(writeTo, () => composer.focus());
const contacts = new Contacts(onContacts);
let callerIds = [];
offerResend({ maySend: () => !obstacleTo({}), send: (message, copies) => composer.sendAgain(message, copies) });

/* --- Where we are: #, #new, #new=+12025550123, #c12, #c12/345 at a message, or contacts.js's -------- */

async function go() {
  const place = location.hash.slice(1);
  const [, id, message] = (/^c(\d+)(?:\/(\d+))?$/.exec(place) ?? [null, null]).map((part) => part && Number(part));
  const isNew = /^new(=|$)/.test(place);
  const isContacts = contacts.show(place);
  page.classList.toggle("is-open", isNew || id !== null || contacts.isOpen);
  byId("nothing-open").hidden = isNew || id !== null || isContacts;
  byId("thread").hidden = !isNew && id === null;
  byId("recipient").hidden = !isNew;
  list.mark(id);
  if (isNew) startNew(decodeURIComponent(place.slice(4)));
  else if (id !== null && (id !== thread.id || message)) await open(id, message);
  else if (id === null) thread.reset();
}

async function open(id, message) {
  const conversation = list.get(id) ?? (await list.touch(id));
  if (!conversation) {
    location.hash = "";
    return;
  }
  const opened = message ? thread.openAt(conversation, message) : thread.open(conversation);
  composer.show(placeOf(conversation));
  scheduled.show(id);
  offerContact(conversation);
  if (matchMedia("(min-width: 761px)").matches) composer.focus();
  // Beside the messages, not after them: a choice that comes late moves what is being pressed.
  await Promise.all([opened, offerSenders(conversation).then(() => offerNumbers(conversation))]);
}

function startNew(number = "") {
  thread.reset();
  offerContact(null);
  byId("thread-title").textContent = gettext("New message");
  byId("thread-subtitle").textContent = "";
  byId("toggle-closed").hidden = true;
  dressAvatar(byId("thread-avatar"), "+");
  scheduled.show(null);
  recipient.start();
  if (number) recipient.begin(number);
}

/* --- What can be written from and to ------------------------------------------------------------- */

const asOption = (one) => ({
  value: one.from,
  label: one.description ? `${one.pretty} (${one.description})` : one.pretty,
  limits: one.limits,
  word: one.kind === "word",
});

function obstacleTo({ internal, answerable = true }) {
  if (page.dataset.inService !== "yes") return gettext("Messaging is switched off for your tenant.");
  if (internal) return "";
  if (page.dataset.maySend !== "yes") {
    return gettext("Your extension may not send texts; a tenant administrator can allow it.");
  }
  return answerable ? "" : gettext("This sender is a word, not a number: it cannot be answered.");
}

function placeOf(conversation, senders = callerIds) {
  const { id, kind, remotes, our_number, our_pretty, group, answerable } = conversation;
  const internal = kind === "internal";
  const from = internal ? [] : senders.map(asOption);
  const shared = from.find((one) => group && one.value === our_number);
  if (shared) shared.label = `${our_pretty} (${group.name})`;
  else if (group) from.unshift({ value: our_number, label: `${our_pretty} (${group.name})` });
  const own = from.some((one) => one.value === our_number) ? our_number : (from[0]?.value ?? "");
  const to = [{ value: remotes.map((one) => one.number).join(";"), label: remotes.map((one) => one.pretty).join(", ") }];
  return reaching(conversation, { id: `c${id}`, conversation: id, to, from, ours: our_number, chosenFrom: own, internal, obstacle: obstacleTo({ internal, answerable }) });
}

/** A group's thread is answered from the group's number, whose trunk may take other files. */
async function offerSenders({ id, group }) {
  if (!group) return;
  const senders = await get("caller-ids", { conversation: id });
  if (thread.id === id) composer.show(placeOf(thread.conversation, senders));
}

/** A contact may have other numbers: offer them beside the one that is used here. */
async function offerNumbers(conversation) {
  const [party] = conversation.remotes;
  if (conversation.kind === "internal" || conversation.remotes.length !== 1 || !party.name) return;
  const found = await get("contacts", { number: party.number, page_size: 1 });
  if (thread.id !== conversation.id || !found.results.length) return;
  const { place } = composer;
  const others = numbersOf(found.results[0]).filter((one) => one.value !== party.number);
  if (others.length) composer.show({ ...place, to: [place.to[0], ...others] });
}

function writeTo(options, isColleague) {
  const from = isColleague ? [] : callerIds.map(asOption);
  const obstacle = options.length ? obstacleTo({ internal: isColleague }) : "";
  composer.show({ id: "new", conversation: null, to: options, from, chosenFrom: from[0]?.value, internal: Boolean(isColleague), obstacle });
}

/* --- What happened ------------------------------------------------------------------------------- */

async function onSent(message, place) {
  if (place.id === `c${message.conversation}` && thread.id === message.conversation) {
    thread.pinned = true;
    thread.put(message);
  } else if (composer.place?.id === place.id) {
    location.hash = `c${message.conversation}`;
  }
  await list.touch(message.conversation);
}

function onNote(message) {
  if (thread.id === message.conversation) thread.pinned = true;
  thread.put(message);
}

function takeOver(row) {
  list.put(row);
  if (thread.id === row.id) thread.update(row);
}

/** A text waits for its time: in its thread, which may be a new one. */
async function onKept(row, place) {
  await Promise.all([list.touch(row.conversation), scheduled.load()]);
  if (thread.id !== row.conversation && composer.place.id === place.id) location.hash = `c${row.conversation}`;
}

const due = { conversations: new Set(), messages: new Set() };

function onNews(news) {
  if (news.type === "presence") {
    hear(news);
    return;
  }
  if (news.type === "later") quietly(scheduled.load());
  if (news.type !== "state") due.conversations.add(news.conversation);
  if (news.message && news.conversation === thread.id) due.messages.add(news.message);
  quietly(notifier.hear(news));
  flush();
}

const flush = settle(async () => {
  const conversations = [...due.conversations];
  const messages = [...due.messages];
  due.conversations.clear();
  due.messages.clear();
  await quietly(Promise.all([
    conversations.length > MANY ? list.refresh() : Promise.all(conversations.map(refreshOne)),
    messages.length > MANY ? thread.load() : Promise.all(messages.map((id) => thread.touch(id))),
  ]));
  if (messages.length) markRead();
}, 60);

async function refreshOne(id) {
  const before = list.get(id)?.unread ?? 0;
  const row = await list.touch(id);
  if (!row) return;
  if (row.id === thread.id) thread.update(row);
  if (row.id === thread.id && row.reach) composer.show(placeOf(row));
  if (row.unread > before) announce(row);
  if (!row.unread) quietly(notifier.forget(row.id));
}

/** Names changed, of these numbers or of any: read again where they are shown. */
async function onContacts(numbers) {
  const shown = [...list.rows.values()].filter((row) => row.remotes.some((party) => numbers?.includes(party.number)));
  await quietly(!numbers || shown.length > MANY ? list.refresh() : Promise.all(shown.map((row) => list.touch(row.id))));
}

/** After a gap: the first page of the list, and the end of the open thread. */
async function catchUp() {
  lookAgain();
  await quietly(Promise.all([
    list.refresh().then(() => composer.outbox.nudge()),
    thread.id === null ? null : thread.load(),
    scheduled.load(),
  ]));
}

/* What could not be read now is read at the next news or hello; the line's state is shown. */
const quietly = (work) => work.catch((error) => console.warn(error.message));

async function markRead() {
  const row = list.get(thread.id);
  if (!row?.unread || document.visibilityState !== "visible") return;
  const last = Math.max(...thread.rows.keys());
  await quietly(post(`conversations/${row.id}/read`, { up_to: last }).then((fresh) => list.put(fresh)));
}

function announce(row) {
  notifier.offer();
  byId("announcer").textContent = interpolate(gettext("New message from %s: %s"), [row.title, row.last_text]);
}

async function toggleClosed() {
  const act = thread.conversation.state === "closed" ? "reopen" : "close";
  const row = await post(`conversations/${thread.id}/${act}`);
  takeOver(row);
}

/* --- Begin --------------------------------------------------------------------------------------- */

byId("toggle-closed").addEventListener("click", () => quietly(toggleClosed()));
byId("back").addEventListener("click", (event) => {
  event.preventDefault();
  const from = thread.id;
  history.replaceState(null, "", location.pathname);
  go();
  byId("conversation-list").querySelector(`[data-id="${from}"]`)?.focus();
});
document.addEventListener("visibilitychange", markRead);
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && page.classList.contains("is-open") && !event.defaultPrevented) byId("back").click();
});

await quietly(Promise.all([
  get("caller-ids").then((found) => (callerIds = found)),
  list.refresh(),
]));
// Not before: what is known of senders by now decides what a place offers.
window.addEventListener("hashchange", () => quietly(go()));
await quietly(go());
new Live({ onNews, onCatchUp: catchUp, onLine: showLine }).open();
setInterval(() => list.draw(), 60000); // "10:41" becomes "Yesterday" at midnight
