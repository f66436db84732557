// The rich_text block.
import { h, link } from './dom.js';
import { userMention, channelMention, groupMention } from './directory.js';
import { formatDate } from './dates.js';
import { emoji } from './emoji.js';

export const richText = block => (block.elements ?? []).map(part);

function part(element) {
  const inlines = () => (element.elements ?? []).map(inline);
  switch (element.type) {
    case 'rich_text_section': return h('div', { class: 'rt-section' }, inlines());
    case 'rich_text_preformatted': return h('pre', {}, (element.elements ?? []).map(e => e.text ?? e.url ?? ''));
    case 'rich_text_quote': return h('blockquote', {}, inlines());
    case 'rich_text_list': return h(element.style === 'ordered' ? 'ol' : 'ul',
      { class: `indent-${element.indent ?? 0}`, start: element.offset ? String(element.offset + 1) : undefined },
      (element.elements ?? []).map(item => h('li', {}, (item.elements ?? []).map(inline))));
    default: return null;
  }
}

function inline(element) {
  switch (element.type) {
    case 'text': return styled(element.text, element.style);
    case 'link': return styled(link(element.url, element.text || element.url), element.style);
    case 'user': return userMention(element.user_id);
    case 'usergroup': return groupMention(element.usergroup_id);
    case 'channel': return channelMention(element.channel_id);
    case 'emoji': return emoji(element.name);
    case 'broadcast': return h('span', { class: 'mention broadcast' }, `@${element.range}`);
    case 'date': {
      const time = h('time', {}, formatDate(element.timestamp, element.format, element.fallback));
      return element.url ? link(element.url, time) : time;
    }
    default: return null;
  }
}

function styled(content, style = {}) {
  let node = typeof content === 'string' ? h('span', { class: 'rt-text' }, content) : content;
  for (const [name, tag] of [['code', 'code'], ['bold', 'strong'], ['italic', 'em'], ['strike', 's'], ['underline', 'u']]) {
    if (style[name]) node = h(tag, {}, node);
  }
  return node;
}
