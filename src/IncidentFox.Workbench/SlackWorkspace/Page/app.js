// The page: loads what the workspace holds, draws it, and hands on what the person does.
import { h, fill, toast } from './dom.js';
import * as server from './server.js';
import { learn, person, channel } from './directory.js';
import { state, remember, markSeen, followAddress } from './state.js';
import { list, reset } from './messages.js';
import { composer } from './composer.js';
import { sidebar } from './sidebar.js';
import { ask, showViews } from './windows.js';
import { blocks } from './blocks.js';
import { valuesIn } from './elements.js';

const $ = id => document.getElementById(id);
const tryThis = '/incidentfox investigate checkout is returning 5xx';
let mainComposer;
let started = false;

async function refresh(change) {
  if (!change || ['channels', 'app', 'message'].includes(change.kind)) {
    const overview = await server.overview();
    if (overview.problem) return toast(overview.problem);
    state.overview = overview;
    learn(overview);
    if (!started) followAddress(overview);
  }
  const jobs = [];
  if (state.channel !== 'home' && (!change || change.channel === state.channel)) jobs.push(loadMessages());
  if (!change || change.kind === 'views') jobs.push(server.views(state.me).then(views => { if (Array.isArray(views)) state.views = views; }));
  if (state.channel === 'home' && (!change || change.kind === 'home')) jobs.push(server.home(state.me).then(view => { state.home = view?.id ? view : null; }));
  await Promise.all(jobs);
  markSeen();
  remember();
  render(!started);
  started = true;
}

async function loadMessages() {
  const asked = state.channel;
  const messages = await server.messages(asked, state.me);
  if (Array.isArray(messages) && asked === state.channel) state.messages = messages;
}

// Changes that arrive together are looked at together.
let pending = [];
let busy = false;

async function onChange(change) {
  if (change?.person && change.person !== state.me && change.kind !== 'message') return;
  pending.push(change);
  if (busy) return;
  busy = true;
  while (pending.length) {
    const batch = pending;
    pending = [];
    if (batch.includes(null)) await refresh(null);
    else for (const one of new Map(batch.map(c => [`${c.kind} ${c.channel}`, c])).values()) await refresh(one);
  }
  busy = false;
}

function render(toEnd) {
  const isHome = state.channel === 'home';
  sidebar($('sidebar'), { go, become });
  $('app').classList.toggle('with-thread', !!state.thread && !isHome);
  $('app').classList.toggle('menu-open', state.menuOpen);
  topic(isHome);
  hint();
  if (isHome) home();
  else list($('messages'), state.messages.filter(m => !m.isReply), actions, { highlight: state.highlight, toEnd });
  $('composer').hidden = isHome;
  if (state.messages.length === 0 && !isHome) empty();
  thread(toEnd);
  showViews(state.views, viewActions);
}

function topic(isHome) {
  const here = channel(state.channel);
  fill($('topic'),
    h('button', { type: 'button', class: 'menu-button', 'aria-label': 'Channels and people', 'aria-expanded': String(state.menuOpen), on: { click: () => { state.menuOpen = !state.menuOpen; render(); } } }, '☰'),
    isHome ? h('h1', {}, 'IncidentFox') : h('h1', {}, `# ${here.name}`),
    h('span', { class: 'muted topic-text' }, isHome ? `App Home, as ${person(state.me).name} sees it` : here.hasBot ? here.topic : `${here.topic}. The app is not here: /invite @incidentfox`),
    !isHome && here.isExternallyShared ? h('span', { class: 'app-tag outside' }, 'SHARED WITH NORTHWIND') : null,
    h('span', { class: 'as' }, `as ${person(state.me).name.split(' ')[0]}`));
}

/** What to try first; once the app has said something, only what comes next. */
function hint() {
  const begun = state.overview.channels.some(c => c.hasBot && c.latest);
  const shape = state.hintClosed ? 'closed' : begun ? 'next' : 'first';
  if ($('hint').dataset.shape === shape) return;
  $('hint').dataset.shape = shape;
  if (shape === 'closed') return fill($('hint'));
  const approve = ['approve it as ', h('b', {}, 'Ada'), ' in ', h('b', {}, '#sre-approvals'), '. Omar can’t approve what he asked for, and Xeno can do nothing at all.'];
  const put = h('button', { type: 'button', class: 'button small', 'data-testid': 'hint-fill', on: { click: async () => { await go('C0INCIDENT'); mainComposer.fill(tryThis); } } }, 'Put it in the box');
  fill($('hint'), h('section', { class: 'hint', 'aria-label': 'What to try', 'data-testid': 'hint' },
    shape === 'first'
      ? [h('div', {}, h('strong', {}, 'New here? '), 'Be ', h('b', {}, 'Omar'), ' and try:'), h('ol', {}, h('li', {}, h('code', {}, tryThis), ' ', put), h('li', {}, 'then ', approve))]
      : h('div', {}, h('strong', {}, 'Next: '), 'when the app asks, ', approve),
    h('button', { type: 'button', class: 'quiet close', 'aria-label': 'Close this hint', on: { click: () => { state.hintClosed = true; remember(); render(); } } }, '✕')));
}

function empty() {
  if (!$('messages').querySelector('.empty')) $('messages').append(h('p', { class: 'empty muted' }, 'Nothing here yet. Type a message, or a command that starts with /.'));
}

function home() {
  const container = $('messages');
  container.drawn = new Map();
  fill(container, h('div', { class: 'home', 'data-testid': 'home' }, state.home
    ? blocks(state.home.blocks, (el, block, value, node) => viewActions.use(state.home, el, block, value, node, container))
    : h('p', { class: 'muted' }, 'The app has not published a home for this person yet.')));
}

function thread(toEnd) {
  const pane = $('thread');
  const root = state.messages.find(m => m.ts === state.thread);
  pane.hidden = !state.thread || state.channel === 'home';
  if (pane.hidden || !root) return;
  if (pane.dataset.ts !== `${state.me} ${state.thread}`) {
    pane.dataset.ts = `${state.me} ${state.thread}`;
    fill(pane,
      h('header', { class: 'topic' }, h('h1', {}, 'Thread'), h('button', { type: 'button', class: 'quiet', 'aria-label': 'Close thread', 'data-testid': 'close-thread', on: { click: () => { state.thread = null; render(); } } }, '✕')),
      h('section', { class: 'messages', 'data-testid': 'thread-messages', role: 'log', 'aria-label': 'Replies', tabindex: '0' }),
      composer({ label: 'Reply…', testid: 'thread-composer', commands: [], inThread: true, send: text => say(text, state.thread) }));
  }
  const replies = state.messages.filter(m => m.isReply && m.threadTs === root.ts);
  list(pane.querySelector('.messages'), [root, ...replies], actions, { inThread: true, highlight: state.highlight, toEnd });
}

async function say(text, threadTs) {
  if (threadTs && text.startsWith('/')) return 'Slash commands don’t work in threads.';
  const body = { user: state.me, channel: state.channel, text };
  const result = text.startsWith('/') ? await server.act('command', body) : await server.act('say', { ...body, threadTs });
  return result.isShown ? null : result.problem;
}

async function guarded(el, node, run) {
  if (el.confirm && !await ask(el.confirm)) return;
  if (el.url) window.open(el.url, '_blank', 'noopener,noreferrer');
  if (node) node.disabled = true;
  node?.classList.add('waiting');
  const result = await run();
  if (node) node.disabled = false;
  node?.classList.remove('waiting');
  if (result.problem) toast(result.problem);
}

const actions = {
  get shortcuts() { return state.overview.shortcuts; },
  use: (message, el, block, value, node, article) => guarded(el, node, () => server.act('click', {
    user: state.me, channel: message.channel, ts: message.ts, actionId: el.action_id, blockId: block.block_id, value,
    values: valuesIn(article),
  })),
  openThread: ts => { state.thread = ts; render(true); document.querySelector('[data-testid="thread-composer"]')?.focus(); },
  dismiss: message => server.act('dismiss', { user: state.me, channel: message.channel, ts: message.ts }),
  runShortcut: async (message, callbackId) => {
    const result = await server.act('shortcut', { user: state.me, channel: message.channel, ts: message.ts, callbackId });
    if (result.problem) toast(result.problem);
  },
};

const viewActions = {
  use: (view, el, block, value, node, root) => guarded(el, node, () => server.act('click', { user: state.me, viewId: view.id, actionId: el.action_id, blockId: block.block_id, value, values: valuesIn(root) })),
  submit: (view, values) => server.act('submit', { user: state.me, viewId: view.id, values }),
  close: view => server.act('close-view', { user: state.me, viewId: view.id }),
};

async function go(where) {
  Object.assign(state, { channel: where, thread: null, highlight: null, messages: [], menuOpen: false });
  reset($('messages'));
  setUpComposer();
  if (where === 'home') {
    state.home = null;
    server.act('open-home', { user: state.me });
  }
  started = false;
  await onChange(null);
}

async function become(who) {
  state.me = who;
  state.views = [];
  const here = channel(state.channel);
  const allowed = state.channel === 'home' || here.members.includes(who);
  const { thread: openThread } = state;
  await go(allowed ? state.channel : state.overview.channels.find(c => c.members.includes(who)).id);
  if (allowed && openThread) actions.openThread(openThread);
}

function setUpComposer() {
  const name = state.channel === 'home' ? '' : `#${channel(state.channel).name}`;
  mainComposer = composer({ label: `Message ${name}, or / for a command`, testid: 'composer', commands: state.overview.commands, inThread: false, send: text => say(text, null) });
  fill($('composer'), mainComposer);
}

async function start() {
  const still = new URLSearchParams(location.search).has('still'); // for screenshots by a browser that waits until nothing is open
  const overview = await server.overview();
  if (overview.problem) return toast(overview.problem);
  state.overview = overview;
  learn(overview);
  followAddress(overview);
  setUpComposer();
  if (state.channel === 'home') server.act('open-home', { user: state.me });
  await onChange(null);
  if (state.highlight) document.querySelector('.highlight')?.scrollIntoView({ block: 'center' });
  if (!still) server.listen(onChange);
  if (matchMedia('(min-width: 720px)').matches) document.querySelector('[data-testid="composer"]')?.focus();
}

start();
