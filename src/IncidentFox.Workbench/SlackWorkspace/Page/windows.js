// Modals that the app opens, and the questions that buttons ask before they act.
import { h, fill } from './dom.js';
import { blocks } from './blocks.js';
import { textOf, valuesIn } from './elements.js';

const host = () => document.getElementById('windows');

/** Asks what a button's confirm object says; resolves to true when the person goes ahead. */
export function ask(confirm) {
  return new Promise(resolve => {
    const dialog = h('dialog', { class: 'window small', 'aria-label': confirm.title.text, 'data-testid': 'confirm-dialog' },
      h('h2', {}, textOf(confirm.title)),
      h('div', { class: 'window-body' }, textOf(confirm.text)),
      h('div', { class: 'window-foot' },
        h('button', { type: 'button', class: 'button', 'data-testid': 'confirm-no', on: { click: () => dialog.close('no') } }, textOf(confirm.deny)),
        h('button', { type: 'button', class: `button ${confirm.style ?? 'primary'}`, 'data-testid': 'confirm-yes', on: { click: () => dialog.close('yes') } }, textOf(confirm.confirm))));
    dialog.addEventListener('close', () => {
      dialog.remove();
      resolve(dialog.returnValue === 'yes');
    });
    host().append(dialog);
    dialog.showModal();
  });
}

let open = null;

/** Shows the front one of a person's open views. @param actions { use(view, el, block, value, root), submit(view, values), close(view) } */
export function showViews(views, actions) {
  const view = views.at(-1);
  if (open && open.id === view?.id && open.hash === view.hash) return;
  const same = open && view && open.id === view.id;
  if (open && !same) {
    open.dialog.silent = true;
    open.dialog.close();
    open.dialog.remove();
    open = null;
  }
  if (!view) return;
  const dialog = same ? open.dialog : h('dialog', { class: 'window', 'data-testid': 'modal' });
  open = { id: view.id, hash: view.hash, dialog };
  draw(dialog, view, actions, {});
  if (same) return;
  dialog.addEventListener('close', () => { if (!dialog.silent) actions.close(view); });
  host().append(dialog);
  dialog.showModal();
  dialog.querySelector('.window-body :is(input, textarea, select)')?.focus();
}

function draw(dialog, view, actions, errors) {
  const use = (el, block, value, node) => actions.use(view, el, block, value, node, dialog);
  const problem = h('div', { class: 'input-error', role: 'alert', 'data-testid': 'modal-problem' });
  const submit = view.submit ? h('button', { type: 'submit', class: 'button primary', 'data-testid': 'modal-submit' }, textOf(view.submit)) : null;
  const form = h('form', { method: 'dialog', novalidate: true, on: { submit: send } },
    h('div', { class: 'window-head' },
      h('h2', {}, textOf(view.title)),
      h('button', { type: 'button', class: 'quiet', 'aria-label': 'Close', 'data-testid': 'modal-close', on: { click: () => dialog.close() } }, '✕')),
    h('div', { class: 'window-body' }, blocks(view.blocks, use, errors), problem),
    h('div', { class: 'window-foot' },
      h('button', { type: 'button', class: 'button', 'data-testid': 'modal-cancel', on: { click: () => dialog.close() } }, view.close ? textOf(view.close) : 'Cancel'), submit));
  dialog.setAttribute('aria-label', view.title.text);
  fill(dialog, form);

  async function send(event) {
    event.preventDefault();
    if (!submit || submit.disabled) return;
    const values = valuesIn(form);
    submit.disabled = true;
    const result = await actions.submit(view, values);
    submit.disabled = false;
    if (Object.keys(result.errors ?? {}).length > 0) {
      draw(dialog, view, actions, result.errors);
      restore(dialog, values);
      dialog.querySelector('[aria-invalid]')?.focus();
    } else if (result.problem) problem.textContent = result.problem;
  }
}

function restore(root, values) {
  for (const control of root.querySelectorAll('[data-key]')) {
    const value = values[control.dataset.key] ?? '';
    if (control.classList.contains('choices')) control.querySelectorAll('input').forEach(input => { input.checked = value.split('\n').includes(input.value); });
    else control.value = value;
  }
}
