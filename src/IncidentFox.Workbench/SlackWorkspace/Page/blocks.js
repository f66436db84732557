// Block Kit as DOM nodes.
import { h, link } from './dom.js';
import { mrkdwn } from './mrkdwn.js';
import { markdown } from './markdown.js';
import { richText } from './richtext.js';
import { element, image, textOf } from './elements.js';

/** @param use what happens when an element is used: (element, block, value, node) */
export const blocks = (list, use, errors = {}) => (list ?? []).map(block => h('div', { class: `block ${block.type}`, data: { block: block.block_id } }, ...[render(block, use, errors)].flat()));

function render(block, use, errors) {
  switch (block.type) {
    case 'header': return h(`h${Math.min(4, (block.level ?? 1) + 2)}`, { class: 'block-header' }, textOf(block.text));
    case 'section': return section(block, use);
    case 'context': return (block.elements ?? []).map(e => e.type === 'image' ? image(e) : h('span', { class: 'context-item' }, textOf(e)));
    case 'actions': return (block.elements ?? []).map(e => element(e, block, use, false));
    case 'divider': return h('hr');
    case 'image': return [block.title ? h('div', { class: 'muted' }, textOf(block.title)) : null, image(block)];
    case 'markdown': return markdown(block.text);
    case 'rich_text': return richText(block);
    case 'table': return table(block);
    case 'plan': return plan(block);
    case 'task_card': return task(block);
    case 'input': return input(block, use, errors[block.block_id]);
    default: return h('span', { class: 'muted' }, `[${block.type}]`);
  }
}

const section = (block, use) => [
  h('div', { class: 'section-body' },
    block.text ? h('div', { class: 'section-text' }, textOf(block.text)) : null,
    block.fields ? h('div', { class: 'fields' }, block.fields.map(field => h('div', { class: 'field' }, textOf(field)))) : null),
  block.accessory ? h('div', { class: 'accessory' }, element(block.accessory, block, use, false)) : null,
];

function input(block, use, error) {
  const control = element(block.element, block, use, true);
  const id = `input-${block.block_id}-${Math.random().toString(36).slice(2)}`;
  control.id = id;
  const label = textOf(block.label);
  if (control.classList.contains('choices')) control.setAttribute('aria-label', block.label.text);
  if (error) {
    control.setAttribute('aria-invalid', 'true');
    control.setAttribute('aria-describedby', `${id}-error`);
  }
  return [
    h('label', { class: 'input-label', for: id }, label, block.optional ? h('span', { class: 'muted' }, ' (optional)') : null),
    control,
    error ? h('div', { class: 'input-error', id: `${id}-error`, role: 'alert', 'data-testid': `error-${block.block_id}` }, error) : null,
    block.hint ? h('div', { class: 'muted hint-text' }, textOf(block.hint)) : null,
  ];
}

function table(block) {
  const [head, ...body] = block.rows;
  const cell = (tag, value, column) => {
    const setting = block.column_settings?.[column] ?? {};
    return h(tag, { class: `${setting.align ?? 'left'} ${setting.is_wrapped ? 'wrapped' : ''}` }, value.type === 'rich_text' ? richText(value) : value.text);
  };
  return h('div', { class: 'table-scroll', tabindex: '0' }, h('table', { class: 'table' },
    h('thead', {}, h('tr', {}, head.map((value, i) => cell('th', value, i)))),
    h('tbody', {}, body.map(row => h('tr', {}, row.map((value, i) => cell('td', value, i)))))));
}

const plan = block => [
  h('div', { class: 'plan-title' }, block.title),
  h('ul', { class: 'tasks' }, (block.tasks ?? []).map(item => h('li', {}, task(item)))),
];

const states = { pending: 'to do', in_progress: 'in progress', complete: 'done', error: 'failed' };

const task = card => h('div', { class: `task ${card.status ?? 'pending'}` },
  h('span', { class: 'task-mark', role: 'img', 'aria-label': states[card.status ?? 'pending'] }),
  h('div', {},
    h('span', { class: 'task-title' }, card.title),
    card.details ? h('div', { class: 'task-details' }, richText(card.details)) : null,
    card.output ? h('div', { class: 'task-output' }, richText(card.output)) : null,
    card.sources?.length ? h('div', { class: 'muted' }, card.sources.map((source, i) => [i ? ', ' : 'Sources: ', link(source.url, source.text)])) : null));
