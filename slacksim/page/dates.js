// Times as people read them: <!date^…> tokens, message clocks and day dividers.

const day = 86_400_000;
const format = (date, options) => new Intl.DateTimeFormat('en-GB', options).format(date);

/** clock is a message's time of day. */
export const clock = (date) => format(date, { hour: '2-digit', minute: '2-digit' });

/** tsDate reads a Slack ts ("1700000000.000100") as a Date. */
export const tsDate = (ts) => new Date(Number(ts) * 1000);

/** full is the exact time, for a tooltip. */
export const full = (date) => format(date, { weekday: 'long', day: 'numeric', month: 'long', year: 'numeric', hour: '2-digit', minute: '2-digit', second: '2-digit' });

/** dayName is "Today", "Yesterday" or the date. */
export function dayName(date, now) {
  return pretty(date, now) ?? format(date, { weekday: 'long', day: 'numeric', month: 'long' });
}

/** ago is the distance from then to now in words. */
export function ago(date, now) {
  const seconds = Math.round((now - date) / 1000);
  if (Math.abs(seconds) < 60) return seconds < 0 ? 'in a moment' : 'just now';
  const [n, unit] = Math.abs(seconds) < 3600 ? [Math.round(seconds / 60), 'minute'] : Math.abs(seconds) < 86_400 ? [Math.round(seconds / 3600), 'hour'] : [Math.round(seconds / 86_400), 'day'];
  const words = `${Math.abs(n)} ${unit}${Math.abs(n) === 1 ? '' : 's'}`;
  return n < 0 ? `in ${words}` : `${words} ago`;
}

function pretty(date, now) {
  const start = (d) => new Date(d.getFullYear(), d.getMonth(), d.getDate()).getTime();
  const days = Math.round((start(date) - start(now)) / day);
  return { '-1': 'Yesterday', 0: 'Today', 1: 'Tomorrow' }[days];
}

const tokens = {
  date_num: (d) => format(d, { year: 'numeric', month: '2-digit', day: '2-digit' }).split('/').reverse().join('-'),
  date_slash: (d) => format(d, { year: 'numeric', month: '2-digit', day: '2-digit' }),
  date: (d) => format(d, { day: 'numeric', month: 'long', year: 'numeric' }),
  date_short: (d) => format(d, { day: 'numeric', month: 'short', year: 'numeric' }),
  date_long: (d) => format(d, { weekday: 'long', day: 'numeric', month: 'long', year: 'numeric' }),
  day_divider_pretty: (d, now) => dayName(d, now),
  time: (d) => clock(d),
  time_secs: (d) => format(d, { hour: '2-digit', minute: '2-digit', second: '2-digit' }),
  ago: (d, now) => ago(d, now),
};
for (const name of ['date', 'date_short', 'date_long']) {
  tokens[`${name}_pretty`] = (d, now) => pretty(d, now)?.toLowerCase() ?? tokens[name](d);
}

/** formatDate fills a <!date> template; null when the timestamp or a placeholder is not one Slack knows. */
export function formatDate(seconds, template, now) {
  const date = new Date(seconds * 1000);
  if (!Number.isFinite(seconds) || Number.isNaN(date.getTime()) || !template) return null;
  let known = true;
  const text = template.replace(/\{(\w+)\}/g, (_, name) => (Object.hasOwn(tokens, name) ? tokens[name](date, now) : ((known = false), '')));
  return known ? text : null;
}
