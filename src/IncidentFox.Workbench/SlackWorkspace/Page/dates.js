// <!date^seconds^format^link|fallback> in the reader's own time zone.

const pad = number => String(number).padStart(2, '0');
const months = ['January', 'February', 'March', 'April', 'May', 'June', 'July', 'August', 'September', 'October', 'November', 'December'];
const days = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];

const ordinal = day => `${day}${day % 100 > 10 && day % 100 < 14 ? 'th' : ['th', 'st', 'nd', 'rd'][day % 10] ?? 'th'}`;

function pretty(date, otherwise) {
  const dayOf = d => new Date(d.getFullYear(), d.getMonth(), d.getDate()).getTime();
  const apart = Math.round((dayOf(date) - dayOf(new Date())) / 86_400_000);
  return { '-1': 'yesterday', 0: 'today', 1: 'tomorrow' }[apart] ?? otherwise;
}

function ago(date) {
  const seconds = Math.max(0, Math.round((Date.now() - date.getTime()) / 1000));
  for (const [size, name] of [[86_400, 'day'], [3600, 'hour'], [60, 'minute']]) {
    const count = Math.floor(seconds / size);
    if (count > 0) return `${count} ${name}${count === 1 ? '' : 's'} ago`;
  }
  return 'just now';
}

const short = d => `${months[d.getMonth()].slice(0, 3)} ${d.getDate()}, ${d.getFullYear()}`;
const plain = d => `${months[d.getMonth()]} ${ordinal(d.getDate())}, ${d.getFullYear()}`;
const long = d => `${days[d.getDay()]}, ${plain(d)}`;

const formats = {
  date_num: d => `${d.getFullYear()}-${pad(d.getMonth() + 1)}-${pad(d.getDate())}`,
  date_slash: d => `${pad(d.getMonth() + 1)}/${pad(d.getDate())}/${d.getFullYear()}`,
  date: plain,
  date_short: short,
  date_long: long,
  date_pretty: d => pretty(d, plain(d)),
  date_short_pretty: d => pretty(d, short(d)),
  date_long_pretty: d => pretty(d, long(d)),
  time: d => `${pad(d.getHours())}:${pad(d.getMinutes())}`,
  time_secs: d => `${pad(d.getHours())}:${pad(d.getMinutes())}:${pad(d.getSeconds())}`,
  ago,
};

export function formatDate(seconds, format, fallback) {
  const date = new Date(Number(seconds) * 1000);
  if (Number.isNaN(date.getTime())) return fallback ?? '';
  return format.replace(/\{(\w+)\}/g, (whole, name) => formats[name]?.(date) ?? whole);
}

const dateOf = ts => new Date(Number(ts.split('.')[0]) * 1000);
export const clock = ts => formats.time(dateOf(ts));
export const fullTime = ts => `${long(dateOf(ts))} at ${formats.time_secs(dateOf(ts))}`;
export const dayName = ts => {
  const name = pretty(dateOf(ts), long(dateOf(ts)));
  return name[0].toUpperCase() + name.slice(1);
};
