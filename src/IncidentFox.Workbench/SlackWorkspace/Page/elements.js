// Buttons, selects and inputs. What was chosen is read from the controls when it is needed, by their data-key.
import { h, link } from './dom.js';
import { mrkdwn } from './mrkdwn.js';
import { withEmoji } from './emoji.js';
import { people, channels } from './directory.js';

export const textOf = text => text?.type === 'mrkdwn' ? mrkdwn(text.text) : withEmoji(text?.text ?? '');

/** @param use called with (element, block, value) when an element outside an input block is used */
export function element(el, block, use, isInput) {
  const key = `${block.block_id}/${el.action_id}`;
  const chosen = value => { if (!isInput || block.dispatch_action) use(el, block, value); };
  const common = { data: { key }, 'data-testid': `action-${el.action_id}`, placeholder: el.placeholder?.text, 'aria-label': isInput ? undefined : el.placeholder?.text ?? el.action_id };
  const onChange = { change: event => chosen(event.target.value) };
  switch (el.type) {
    case 'button': return button(el, block, use);
    case 'overflow': return overflow(el, block, use);
    case 'static_select': return select(common, options(el), el.initial_option?.value, onChange);
    case 'users_select': return select(common, people().map(p => [p.id, p.name]), el.initial_user, onChange);
    case 'channels_select': return select(common, channels().map(c => [c.id, `#${c.name}`]), el.initial_channel, onChange);
    case 'conversations_select': return select(common, channels().map(c => [c.id, `#${c.name}`]), el.initial_conversation, onChange);
    case 'multi_static_select': return choices(common, 'checkbox', el, groupOptions(el), chosen);
    case 'multi_users_select': return choices(common, 'checkbox', el, people().map(p => ({ value: p.id, text: { type: 'plain_text', text: p.name } })), chosen);
    case 'checkboxes': return choices(common, 'checkbox', el, el.options, chosen);
    case 'radio_buttons': return choices(common, 'radio', el, el.options, chosen);
    case 'datepicker': return h('input', { ...common, type: 'date', value: el.initial_date, on: onChange });
    case 'timepicker': return h('input', { ...common, type: 'time', value: el.initial_time, on: onChange });
    case 'image': return image(el);
    default: return text(el, common, chosen);
  }
}

function button(el, block, use) {
  const node = h('button', {
    type: 'button', class: `button ${el.style ?? ''}`, 'data-testid': `action-${el.action_id}`, 'aria-label': el.accessibility_label,
    on: { click: () => use(el, block, el.value, node) },
  }, textOf(el.text), el.url ? ' ↗' : null);
  return node;
}

function overflow(el, block, use) {
  const menu = h('details', { class: 'menu' },
    h('summary', { class: 'button', 'aria-label': 'More actions', 'data-testid': `action-${el.action_id}` }, '⋯'),
    h('div', { class: 'menu-items' }, el.options.map(option => option.url
      ? link(option.url, textOf(option.text))
      : h('button', { type: 'button', on: { click: () => { menu.open = false; use(el, block, option.value); } } }, textOf(option.text)))));
  return menu;
}

const groupOptions = el => el.options ?? (el.option_groups ?? []).flatMap(group => group.options);
const options = el => groupOptions(el).map(option => [option.value, option.text.text]);

const select = (common, list, initial, on) => h('select', { ...common, on },
  h('option', { value: '' }, common.placeholder ?? 'Choose…'),
  list.map(([value, label]) => h('option', { value, selected: value === initial ? true : undefined }, withEmoji(label))));

function choices(common, type, el, list, chosen) {
  const initial = [el.initial_option, ...(el.initial_options ?? [])].filter(Boolean).map(option => option.value);
  const name = `${common.data.key}-${Math.random()}`;
  const group = h('div', { ...common, class: 'choices', role: type === 'radio' ? 'radiogroup' : 'group', on: { change: () => chosen(valueOf(group)) } },
    list.map(option => h('label', { class: 'choice' },
      h('input', { type, name, value: option.value, checked: initial.includes(option.value) }),
      h('span', {}, textOf(option.text), option.description ? h('span', { class: 'muted' }, ' ', textOf(option.description)) : null))));
  return group;
}

function text(el, common, chosen) {
  const types = { number_input: 'number', email_text_input: 'email', url_text_input: 'url' };
  const limits = { minlength: el.min_length && String(el.min_length), maxlength: String(el.max_length ?? 3000) };
  const enter = { keydown: event => { if (event.key === 'Enter' && !el.multiline && !event.isComposing) chosen(event.target.value); } };
  const node = el.multiline
    ? h('textarea', { ...common, rows: '4', maxlength: limits.maxlength })
    : h('input', { ...common, type: types[el.type] ?? 'text', maxlength: limits.maxlength, on: enter });
  node.value = el.initial_value ?? '';
  return node;
}

/** Pictures would be requests to elsewhere: only their description is shown. */
export const image = el => h('span', { class: 'picture', title: el.image_url ?? '' }, `[picture: ${el.alt_text || 'no description'}]`);

/** A control's value as the control API takes it: choices one per line. */
export const valueOf = control => control.classList.contains('choices')
  ? [...control.querySelectorAll('input:checked')].map(input => input.value).join('\n')
  : control.value;

export const valuesIn = root => Object.fromEntries([...root.querySelectorAll('[data-key]')].map(control => [control.dataset.key, valueOf(control)]));
