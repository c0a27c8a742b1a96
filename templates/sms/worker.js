{% load static %}/* Stands between the client and the network: says that there is none, and opens what was notified. */

const OFFLINE = "{% url 'offline' %}";
const SHELL = [OFFLINE, "{% static 'sms/base.css' %}", "{% static 'sms/icon.svg' %}"];

self.addEventListener("install", (event) => {
  // Without the cookie: what is kept is nobody's.
  const wanted = SHELL.map((address) => new Request(address, { credentials: "omit" }));
  event.waitUntil(caches.open("shell").then((cache) => cache.addAll(wanted)));
  self.skipWaiting();
});

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const kept = request.mode === "navigate" ? OFFLINE : new URL(request.url).pathname;
  if (request.method !== "GET" || !SHELL.includes(kept)) return;
  event.respondWith(fetch(request).catch(() => caches.match(kept)));
});

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(show(event.notification.data.conversation));
});

async function show(conversation) {
  const windows = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
  const open = windows.find((one) => new URL(one.url).pathname === "/");
  if (!open) {
    await self.clients.openWindow(`/#c${conversation}`);
    return;
  }
  open.postMessage({ conversation });
  await open.focus();
}
