// Slack's mrkdwn as DOM nodes: bold, italic, strike, code, quotes, links, mentions, channels, dates.
import { h, link } from './dom.js';
import { userMention, channelMention, groupMention } from './directory.js';
import { formatDate } from './dates.js';
import { withEmoji } from './emoji.js';

const decode = text => text.replace(/&lt;/g, '<').replace(/&gt;/g, '>').replace(/&amp;/g, '&');
const words = text => withEmoji(decode(text));

export function mrkdwn(text) {
  const parts = text.split(/```([\s\S]*?)```/);
  return parts.map((part, i) => i % 2 === 1
    ? h('pre', {}, decode(part.replace(/^\n|\n$/g, '')))
    : lines(i > 0 ? part.replace(/^\n/, '') : part));
}

function lines(text) {
  const out = [];
  let quote = null;
  let first = true;
  for (const line of text.split('\n')) {
    const quoted = /^(?:&gt;|>) ?(.*)$/.exec(line);
    if (quoted) {
      if (quote) quote.append(h('br'));
      else out.push(quote = h('blockquote'));
      quote.append(...inline(quoted[1]));
    } else {
      if (!first && !quote) out.push(h('br'));
      quote = null;
      out.push(...inline(line));
    }
    first = false;
  }
  return out;
}

const marks = { '*': 'strong', _: 'em', '~': 's' };
const isWord = character => character !== undefined && /[\p{L}\p{N}]/u.test(character);

/** Where a mark that opens at `start` closes, or -1: as in Slack it opens before a word and closes after one. */
function closing(text, start) {
  const mark = text[start];
  if (isWord(text[start - 1]) || text[start + 1] === undefined || /\s/.test(text[start + 1]) || text[start + 1] === mark) return -1;
  for (let i = start + 2; i < text.length; i++) {
    if (text[i] === mark && !/\s/.test(text[i - 1]) && !isWord(text[i + 1])) return i;
  }
  return -1;
}

export function inline(text) {
  const out = [];
  let plain = 0;
  let i = 0;
  const flush = () => { if (i > plain) out.push(document.createTextNode(words(text.slice(plain, i)))); };
  const take = (node, end) => { flush(); out.push(node); i = plain = end; };
  while (i < text.length) {
    const c = text[i];
    const end = c === '`' ? text.indexOf('`', i + 1) : c === '<' ? text.indexOf('>', i + 1) : c in marks ? closing(text, i) : -1;
    if (end <= i + 1) i++;
    else if (c === '`') take(h('code', {}, decode(text.slice(i + 1, end))), end + 1);
    else if (c === '<') take(token(text.slice(i + 1, end)), end + 1);
    else take(h(marks[c], {}, ...inline(text.slice(i + 1, end))), end + 1);
  }
  flush();
  return out;
}

function token(body) {
  const bar = body.indexOf('|');
  const [target, label] = bar < 0 ? [body, undefined] : [body.slice(0, bar), decode(body.slice(bar + 1))];
  if (target.startsWith('@')) return userMention(target.slice(1));
  if (target.startsWith('#')) return channelMention(target.slice(1), label);
  if (target.startsWith('!subteam^')) return groupMention(target.slice(9));
  if (target.startsWith('!date^')) {
    const [, seconds, format, url] = target.split('^');
    const text = formatDate(seconds, format ?? '', label);
    const time = h('time', { title: new Date(Number(seconds) * 1000).toString() }, text);
    return url ? link(decode(url), time) : time;
  }
  if (target.startsWith('!')) return h('span', { class: 'mention broadcast' }, `@${label ?? target.slice(1)}`);
  return link(decode(target), label ?? decode(target));
}
