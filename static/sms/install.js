/* Lets the client be installed, and a notification open its conversation. */

navigator.serviceWorker?.addEventListener("message", ({ data }) => {
  location.hash = `c${data.conversation}`;
});
navigator.serviceWorker?.register("/worker.js").catch((error) => console.warn(error.message));

/* Where the keyboard of a phone covers the page instead of making it smaller, the page gives way. */
const seen = window.visualViewport;
seen?.addEventListener("resize", () => {
  const isCovered = seen.scale === 1 && window.innerHeight - seen.height > 100;
  document.documentElement.style.setProperty("--page-height", isCovered ? `${seen.height}px` : "100dvh");
  if (isCovered) window.scrollTo(0, 0);
});
