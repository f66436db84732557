// What the page shows and for whom. One object; app.js renders it after every change.

const stored = (key, otherwise) => {
  try {
    return JSON.parse(localStorage.getItem(key)) ?? otherwise;
  } catch {
    return otherwise;
  }
};

export const state = {
  overview: null,
  me: stored('me', null),
  channel: stored('channel', null), // a channel id, or 'home'
  thread: null,
  highlight: null,
  messages: [],
  views: [],
  home: null,
  seen: stored('seen', {}),
  hintClosed: stored('hintClosed', false),
  menuOpen: false,
};

export function remember() {
  for (const key of ['me', 'channel', 'seen', 'hintClosed']) localStorage.setItem(key, JSON.stringify(state[key]));
}

export const markSeen = () => {
  const latest = state.overview?.channels.find(c => c.id === state.channel)?.latest;
  if (latest) (state.seen[state.me] ??= {})[state.channel] = latest;
};

export const isUnread = channel => channel.latest && channel.id !== state.channel && (state.seen[state.me]?.[channel.id] ?? '') < channel.latest;

/** Deep links: /?as=ada&channel=sre-approvals&thread=ts, and the permalinks that the app's messages carry. */
export function followAddress(overview) {
  const query = new URLSearchParams(location.search);
  const byName = name => overview.channels.find(c => c.id === name || c.name === name)?.id;
  const who = overview.people.find(p => !p.isBot && (p.id === query.get('as') || p.handle === query.get('as')));
  if (who) state.me = who.id;
  if (query.get('channel')) state.channel = query.get('channel') === 'home' ? 'home' : byName(query.get('channel')) ?? state.channel;
  if (query.get('thread')) state.thread = query.get('thread');
  const permalink = /^\/archives\/([A-Z0-9]+)\/p(\d+)(\d{6})$/.exec(location.pathname);
  if (permalink) {
    state.channel = byName(permalink[1]) ?? state.channel;
    state.highlight = `${permalink[2]}.${permalink[3]}`;
    if (query.get('thread_ts')) state.thread = query.get('thread_ts');
  }
  if (!overview.people.some(p => p.id === state.me && !p.isBot)) state.me = overview.people[0].id;
  const mine = overview.channels.filter(c => c.members.includes(state.me));
  if (state.channel !== 'home' && !mine.some(c => c.id === state.channel)) state.channel = mine[0].id;
  if (location.pathname !== '/' || location.search) history.replaceState(null, '', '/');
}
