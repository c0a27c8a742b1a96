/* Shows how much is unread where the page itself is not seen: its title, its icon, the app's badge. */

const icon = document.querySelector("link[rel=icon]");
const plain = icon.getAttribute("href");

export function showUnread(count, title) {
  document.title = count ? `(${count > 99 ? "99+" : count}) ${title}` : title;
  const wanted = count ? icon.dataset.unread : plain;
  if (icon.getAttribute("href") !== wanted) icon.setAttribute("href", wanted);
  // An installed app; without the permission to notify there is no badge either.
  const badged = count ? navigator.setAppBadge?.(count) : navigator.clearAppBadge?.();
  badged?.catch(() => {});
}
