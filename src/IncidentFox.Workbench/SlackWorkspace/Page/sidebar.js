// Channels, App Home, who one is, and where the estate can be seen.
import { h, fill, link } from './dom.js';
import { avatar, badge, people, person } from './directory.js';
import { state, isUnread } from './state.js';

/** @param actions { go(channel), become(person) } */
export function sidebar(container, actions) {
  const { overview, me } = state;
  const mine = overview.channels.filter(c => c.members.includes(me));
  fill(container,
    h('div', { class: 'brand' }, h('img', { src: '/page/fox.svg', alt: '' }), h('div', {}, h('strong', {}, overview.team.name), h('div', { class: 'muted' }, 'on this machine'))),
    h('nav', { 'aria-label': 'Channels' },
      h('h2', {}, 'Channels'),
      mine.map(c => item(c.id, h('span', { class: 'hash', 'aria-hidden': 'true' }, '#'), c.name, `channel-${c.name}`, isUnread(c), actions)),
      overview.hasHome ? h('h2', {}, 'App') : null,
      overview.hasHome && item('home', h('img', { class: 'tiny', src: '/page/fox.svg', alt: '' }), 'IncidentFox', 'app-home', false, actions)),
    switcher(me, actions),
    overview.links.length ? h('nav', { 'aria-label': 'The estate', class: 'links' }, h('h2', {}, 'The estate'), overview.links.map(l => link(l.url, l.label))) : null,
    connection(overview.app));
}

function item(id, icon, label, testid, unread, actions) {
  return h('button', {
    type: 'button', class: `channel ${unread ? 'unread' : ''}`, 'aria-current': state.channel === id ? 'page' : undefined,
    'data-testid': testid, on: { click: () => actions.go(id) },
  }, icon, h('span', { class: 'channel-name' }, label), unread ? h('span', { class: 'dot', role: 'img', 'aria-label': 'unread' }) : null);
}

function switcher(me, actions) {
  const who = person(me);
  return h('div', { class: 'switcher' },
    h('h2', { id: 'you-are' }, 'You are'),
    h('div', { role: 'radiogroup', 'aria-labelledby': 'you-are' }, people().map(p => h('label', { class: `who ${p.id === me ? 'chosen' : ''}`, 'data-testid': `person-${p.handle}` },
      h('input', { type: 'radio', name: 'who', value: p.id, checked: p.id === me, on: { change: () => actions.become(p.id) } }),
      avatar(p.id, 'small'), h('span', { class: 'who-name' }, p.name.split(' ')[0]), badge(p)))),
    h('p', { class: 'about' }, h('strong', {}, who.title), h('br'), who.about));
}

function connection(app) {
  const how = app.sockets > 0 ? `connected (Socket Mode, ${app.sockets})` : app.url ? 'connected over HTTP' : 'no app connected yet';
  return h('div', { class: `connection ${app.sockets > 0 || app.url ? 'up' : 'down'}`, 'data-testid': 'connection' }, h('span', { class: 'lamp', 'aria-hidden': 'true' }), `App: ${how}`);
}
