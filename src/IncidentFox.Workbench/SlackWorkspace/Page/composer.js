// Where one types: messages, mentions, and slash commands with suggestions.
import { h, fill } from './dom.js';
import { people } from './directory.js';

/** @param options { label, testid, commands, inThread, send(text) -> problem? } */
export function composer(options) {
  const input = h('textarea', {
    rows: '1', 'aria-label': options.label, placeholder: options.label, 'data-testid': options.testid, role: 'combobox', 'aria-autocomplete': 'list',
    'aria-expanded': 'false', 'aria-controls': `${options.testid}-suggestions`, spellcheck: 'true', autocomplete: 'off',
  });
  const suggestions = h('ul', { class: 'suggestions', id: `${options.testid}-suggestions`, role: 'listbox', 'aria-label': 'Suggestions', hidden: true });
  const problem = h('div', { class: 'composer-problem', role: 'alert', 'data-testid': `${options.testid}-problem` });
  const send = h('button', { type: 'button', class: 'button primary send', 'data-testid': options.inThread ? 'send-reply' : 'send', on: { click: submit } }, 'Send');
  let offered = [];
  let chosen = -1;

  const suggest = () => {
    offered = offers(input.value.slice(0, input.selectionStart), options);
    chosen = -1;
    fill(suggestions, offered.map((offer, i) => h('li', {
      role: 'option', id: `${options.testid}-option-${i}`, 'aria-selected': 'false', on: { mousedown: event => { event.preventDefault(); accept(i); } },
    }, h('strong', {}, offer.label), offer.about ? h('span', { class: 'muted' }, ` ${offer.about}`) : null)));
    show(offered.length > 0);
  };

  const show = visible => {
    suggestions.hidden = !visible;
    input.setAttribute('aria-expanded', String(visible));
    if (!visible) input.removeAttribute('aria-activedescendant');
  };

  const choose = index => {
    chosen = (index + offered.length) % offered.length;
    [...suggestions.children].forEach((item, i) => item.setAttribute('aria-selected', String(i === chosen)));
    input.setAttribute('aria-activedescendant', `${options.testid}-option-${chosen}`);
  };

  const accept = index => {
    const before = input.value.slice(0, input.selectionStart);
    const offer = offered[index];
    const start = before.length - offer.replaces;
    input.setRangeText(`${offer.text} `, start, before.length, 'end');
    suggest();
    grow();
  };

  const grow = () => {
    input.style.height = 'auto';
    input.style.height = `${Math.min(input.scrollHeight, 180)}px`;
  };

  async function submit() {
    const text = input.value.trim();
    if (!text || send.disabled) return;
    show(false);
    problem.textContent = '';
    send.disabled = true;
    send.textContent = 'Sending…';
    input.value = '';
    grow();
    try {
      const wrong = await options.send(text);
      if (wrong) problem.textContent = wrong;
    } finally {
      send.disabled = false;
      send.textContent = 'Send';
      input.focus();
    }
  }

  input.addEventListener('input', () => { problem.textContent = ''; suggest(); grow(); });
  input.addEventListener('blur', () => show(false));
  input.addEventListener('keydown', event => {
    if (event.isComposing) return;
    const open = !suggestions.hidden;
    if (open && (event.key === 'ArrowDown' || event.key === 'ArrowUp')) {
      event.preventDefault();
      choose(chosen < 0 ? (event.key === 'ArrowDown' ? 0 : offered.length - 1) : chosen + (event.key === 'ArrowDown' ? 1 : -1));
    } else if (open && (event.key === 'Tab' || (event.key === 'Enter' && chosen >= 0)) && !event.shiftKey) {
      event.preventDefault();
      accept(Math.max(0, chosen));
    } else if (open && event.key === 'Escape') {
      event.stopPropagation();
      show(false);
    } else if (event.key === 'Enter' && !event.shiftKey) {
      event.preventDefault();
      submit();
    }
  });

  const node = h('div', { class: 'composer' }, suggestions, h('div', { class: 'composer-box' }, input, send), problem);
  node.fill = text => { input.value = text; input.focus(); grow(); };
  return node;
}

function offers(before, { commands, inThread }) {
  const mention = /(?:^|\s)@([a-z]*)$/i.exec(before);
  if (mention) {
    return [{ handle: 'incidentfox', name: 'the app' }, ...people()]
      .filter(p => p.handle.startsWith(mention[1].toLowerCase()))
      .map(p => ({ label: `@${p.handle}`, text: `@${p.handle}`, about: p.name, replaces: mention[1].length + 1 }));
  }
  if (inThread || !before.startsWith('/')) return [];
  const [name, word, ...rest] = before.split(' ');
  if (rest.length) return [];
  if (word === undefined) return commands.filter(c => c.name.startsWith(name)).map(c => ({ label: c.name, text: c.name, about: c.description, replaces: name.length }));
  const command = commands.find(c => c.name === name);
  return (command?.usageHint.split('|') ?? []).filter(w => w.startsWith(word) && w !== word).map(w => ({ label: `${name} ${w}`, text: w, replaces: word.length }));
}
