// Who is who, and how they look.
import { h } from './dom.js';

let known = { people: [], channels: [], groups: [] };

export const learn = overview => { known = overview; };
export const person = id => known.people.find(p => p.id === id);
export const channel = id => known.channels.find(c => c.id === id);
export const people = () => known.people.filter(p => !p.isBot);
export const channels = () => known.channels;

export const userMention = id => h('span', { class: 'mention' }, `@${person(id)?.handle ?? id}`);
export const channelMention = (id, label) => h('span', { class: 'mention' }, `#${channel(id)?.name ?? label ?? id}`);
export const groupMention = id => h('span', { class: 'mention' }, `@${known.groups.find(g => g.id === id)?.handle ?? id}`);

export function avatar(id, size = 'normal') {
  const who = person(id);
  if (who?.isBot) return h('img', { class: `avatar ${size}`, src: '/page/fox.svg', alt: '' });
  const initials = (who?.name ?? '?').split(' ').map(word => word[0]).join('').slice(0, 2);
  return h('span', { class: `avatar ${size}`, color: who?.color ?? '#888', 'aria-hidden': 'true' }, initials);
}

export const badge = who => h('span', { class: `badge ${who.standing}` }, who.standing);
