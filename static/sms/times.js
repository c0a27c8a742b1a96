/* Writes moments the way the reader's own zone and language do. */

const clockFormat = new Intl.DateTimeFormat(undefined, { hour: "numeric", minute: "2-digit" });
const weekdayFormat = new Intl.DateTimeFormat(undefined, { weekday: "long" });
const shortWeekday = new Intl.DateTimeFormat(undefined, { weekday: "short" });
const dateFormat = new Intl.DateTimeFormat(undefined, { month: "short", day: "numeric" });
const fullFormat = new Intl.DateTimeFormat(undefined, { year: "numeric", month: "short", day: "numeric" });
const exactFormat = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "medium" });

const midnight = (date) => new Date(date.getFullYear(), date.getMonth(), date.getDate());
const daysAgo = (date) => Math.round((midnight(new Date()) - midnight(date)) / 86400000);

export const clock = (date) => clockFormat.format(date);
export const exact = (date) => exactFormat.format(date);
export const dayKey = (date) => midnight(date).getTime();

/** For the separator between two days. */
export function day(date) {
  const ago = daysAgo(date);
  if (ago === 0) return gettext("Today");
  if (ago === 1) return gettext("Yesterday");
  if (ago > 1 && ago < 7) return weekdayFormat.format(date);
  return date.getFullYear() === new Date().getFullYear() ? dateFormat.format(date) : fullFormat.format(date);
}

/** For the list: the clock today, then the day. */
export function brief(date) {
  const ago = daysAgo(date);
  if (ago <= 0) return clock(date);
  if (ago === 1) return gettext("Yesterday");
  if (ago < 7) return shortWeekday.format(date);
  return date.getFullYear() === new Date().getFullYear() ? dateFormat.format(date) : fullFormat.format(date);
}
