// The message list. A message is drawn again only when it changed, so that menus and half-filled inputs stay.
import { h, fill } from './dom.js';
import { avatar, person } from './directory.js';
import { blocks } from './blocks.js';
import { mrkdwn } from './mrkdwn.js';
import { clock, fullTime, dayName } from './dates.js';

/** @param actions { use(message, element, block, value, node, article), openThread(ts), dismiss(message), shortcuts, runShortcut(message, id) } */
export function list(container, messages, actions, options = {}) {
  const drawn = container.drawn ??= new Map();
  const atEnd = container.scrollHeight - container.scrollTop - container.clientHeight < 80;
  const wanted = [];
  let day = '';
  for (const message of messages) {
    const name = dayName(message.ts);
    if (name !== day && !options.inThread) wanted.push(keep(drawn, `day ${name}`, name, () => h('div', { class: 'day' }, h('span', {}, name))));
    day = name;
    wanted.push(keep(drawn, message.ts, JSON.stringify([message, options.highlight === message.ts]), () => draw(message, actions, options)));
  }
  const keys = new Set(wanted.map(entry => entry.key));
  for (const [key, entry] of drawn) {
    if (keys.has(key)) continue;
    entry.node.remove();
    drawn.delete(key);
  }
  wanted.forEach((entry, i) => {
    if (container.children[i] !== entry.node) container.insertBefore(entry.node, container.children[i] ?? null);
  });
  if (atEnd || options.toEnd) container.scrollTop = container.scrollHeight;
}

function keep(drawn, key, shape, make) {
  const old = drawn.get(key);
  if (old?.shape === shape) return old;
  const entry = { key, shape, node: make() };
  old?.node.replaceWith(entry.node);
  drawn.set(key, entry);
  return entry;
}

export function reset(container) {
  container.drawn = new Map();
  fill(container);
}

function draw(message, actions, options) {
  const who = person(message.author);
  const isOnlyMine = message.visibleOnlyTo !== null;
  const name = message.isNotice ? 'Workspace' : who?.name ?? message.author;
  let article;
  const use = (el, block, value, node) => actions.use(message, el, block, value, node, article);
  const replies = !options.inThread && message.replyCount > 0;
  article = h('article', {
    class: `message ${isOnlyMine ? 'only-mine' : ''} ${message.isNotice ? 'notice' : ''} ${options.highlight === message.ts ? 'highlight' : ''}`,
    'data-testid': 'message', data: { ts: message.ts, author: message.author }, 'aria-label': `${name} at ${clock(message.ts)}`,
  },
    message.isNotice ? h('span', { class: 'avatar normal notice-avatar', 'aria-hidden': 'true' }, '!') : avatar(message.author),
    h('div', { class: 'message-body' },
      isOnlyMine ? h('div', { class: 'only-you' }, h('span', { class: 'eye', 'aria-hidden': 'true' }), 'Only visible to you',
        h('button', { type: 'button', class: 'quiet', on: { click: () => actions.dismiss(message) } }, 'Dismiss')) : null,
      h('div', { class: 'byline' },
        h('span', { class: 'author' }, name),
        who?.isBot && !message.isNotice ? h('span', { class: 'app-tag' }, 'APP') : null,
        who?.isStranger ? h('span', { class: 'app-tag outside' }, 'NORTHWIND') : null,
        h('time', { class: 'muted', title: fullTime(message.ts) }, clock(message.ts)),
        message.editedTs ? h('span', { class: 'muted edited', title: fullTime(message.editedTs) }, '(edited)') : null),
      h('div', { class: 'content' }, message.blocks?.length ? blocks(message.blocks, use) : h('div', { class: 'text' }, mrkdwn(message.text))),
      replies ? h('button', { type: 'button', class: 'replies', 'data-testid': 'open-thread', on: { click: () => actions.openThread(message.ts) } },
        `${message.replyCount} ${message.replyCount === 1 ? 'reply' : 'replies'}`, h('span', { class: 'muted' }, ` last at ${clock(message.latestReply)}`)) : null),
    isOnlyMine || message.isNotice ? null : h('div', { class: 'tools' },
      options.inThread ? null : h('button', { type: 'button', 'data-testid': 'reply', on: { click: () => actions.openThread(message.ts) } }, 'Reply'),
      actions.shortcuts.map(shortcut => h('button', { type: 'button', 'data-testid': `shortcut-${shortcut.callbackId}`, on: { click: () => actions.runShortcut(message, shortcut.callbackId) } }, shortcut.name))));
  return article;
}
