// The markdown block: a safe subset of standard Markdown as DOM nodes. Raw HTML is text, images are links.
import { h, link } from './dom.js';
import { withEmoji } from './emoji.js';

export function markdown(source) {
  const lines = source.replace(/\r\n?/g, '\n').split('\n');
  const out = [];
  let i = 0;
  while (i < lines.length) {
    const line = lines[i];
    const heading = /^(#{1,6})\s+(.*?)\s*#*$/.exec(line);
    if (!line.trim()) i++;
    else if (/^\s*```/.test(line)) i = fence(lines, i, out);
    else if (heading) {
      out.push(h(`h${Math.min(6, heading[1].length + 2)}`, { class: `md-h${heading[1].length}` }, ...inline(heading[2])));
      i++;
    } else if (/^\s*([-*_])(\s*\1){2,}\s*$/.test(line)) {
      out.push(h('hr'));
      i++;
    } else if (/^\s*>/.test(line)) i = quote(lines, i, out);
    else if (/^\s*([-*+]|\d+[.)])\s+/.test(line)) i = list(lines, i, out);
    else if (line.includes('|') && /^\s*\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?\s*$/.test(lines[i + 1] ?? '')) i = table(lines, i, out);
    else i = paragraph(lines, i, out);
  }
  return out;
}

function fence(lines, i, out) {
  const body = [];
  for (i++; i < lines.length && !/^\s*```/.test(lines[i]); i++) body.push(lines[i]);
  out.push(h('pre', {}, body.join('\n')));
  return i + 1;
}

function quote(lines, i, out) {
  const body = [];
  for (; i < lines.length && /^\s*>/.test(lines[i]); i++) body.push(lines[i].replace(/^\s*> ?/, ''));
  out.push(h('blockquote', {}, ...markdown(body.join('\n'))));
  return i;
}

/** A list; deeper lines belong to the item above them. */
function list(lines, i, out) {
  const pattern = /^(\s*)([-*+]|\d+[.)])\s+(.*)$/;
  const [, indent, marker] = pattern.exec(lines[i]);
  const ordered = /\d/.test(marker);
  const element = h(ordered ? 'ol' : 'ul', ordered ? { start: String(parseInt(marker, 10)) } : {});
  while (i < lines.length) {
    const item = pattern.exec(lines[i]);
    if (!item || item[1].length < indent.length || (item[1].length === indent.length && /\d/.test(item[2]) !== ordered)) break;
    const task = /^\[([ xX])\]\s+(.*)$/.exec(item[3]);
    const node = h('li', {}, task ? (task[1] === ' ' ? '☐ ' : '☑ ') : null, ...inline(task ? task[2] : item[3]));
    element.append(node);
    i++;
    const below = [];
    while (i < lines.length && lines[i].trim() && lines[i].search(/\S/) > indent.length) below.push(lines[i++]);
    const depth = Math.min(...below.map(line => line.search(/\S/)));
    if (below.length) node.append(...markdown(below.map(line => line.slice(depth)).join('\n')));
    while (i < lines.length - 1 && !lines[i].trim() && pattern.test(lines[i + 1])) i++;
  }
  out.push(element);
  return i;
}

function table(lines, i, out) {
  const cells = line => line.trim().replace(/^\||\|$/g, '').split('|').map(cell => cell.trim());
  const head = cells(lines[i]);
  const body = [];
  for (i += 2; i < lines.length && lines[i].includes('|'); i++) body.push(cells(lines[i]));
  out.push(h('div', { class: 'table-scroll' }, h('table', { class: 'table' },
    h('thead', {}, h('tr', {}, head.map(cell => h('th', {}, ...inline(cell))))),
    h('tbody', {}, body.map(row => h('tr', {}, row.map(cell => h('td', {}, ...inline(cell)))))))));
  return i;
}

function paragraph(lines, i, out) {
  const body = [];
  for (; i < lines.length && lines[i].trim() && (body.length === 0 || !/^\s*(```|#{1,6}\s|>|[-*+]\s|\d+[.)]\s)/.test(lines[i])); i++) body.push(lines[i].trim());
  out.push(h('p', {}, body.flatMap((line, n) => n ? [h('br'), ...inline(line)] : inline(line))));
  return i;
}

const patterns = [
  [/`([^`]+)`/, m => h('code', {}, m[1])],
  [/!?\[([^\]]*)\]\(([^()\s]+(?:\([^()\s]*\)[^()\s]*)?)(?:\s+"[^"]*")?\)/, m => link(m[2], m[1] || m[2])],
  [/<(https?:\/\/[^>\s]+)>/, m => link(m[1], m[1])],
  [/\*\*(?=\S)(.+?\S?)\*\*(?!\*)/, m => h('strong', {}, ...inline(m[1]))],
  [/__(?=\S)(.+?\S?)__/, m => h('strong', {}, ...inline(m[1]))],
  [/~~(?=\S)(.+?)~~/, m => h('s', {}, ...inline(m[1]))],
  [/\*(?=[^\s*])(.+?)\*(?!\*)/, m => h('em', {}, ...inline(m[1]))],
  [/(?<![\p{L}\p{N}])_(?=\S)(.+?)_(?![\p{L}\p{N}])/u, m => h('em', {}, ...inline(m[1]))],
  [/https?:\/\/[^\s<>()]+[^\s<>().,;:!?]/, m => link(m[0], m[0])],
];

function inline(text) {
  let best = null;
  for (const [pattern, make] of patterns) {
    const match = pattern.exec(text);
    if (match && (!best || match.index < best.match.index)) best = { match, make };
  }
  const plain = part => document.createTextNode(withEmoji(part.replace(/\\([\\`*_{}[\]()#+.!|>~-])/g, '$1')));
  if (!best) return [plain(text)];
  const { match, make } = best;
  return [plain(text.slice(0, match.index)), make(match), ...inline(text.slice(match.index + match[0].length))];
}
