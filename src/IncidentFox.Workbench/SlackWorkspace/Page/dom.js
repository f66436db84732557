// Elements from data. Text is only ever set as text: nothing on this page turns a string into markup.

export function h(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === undefined || value === null || value === false) continue;
    if (name === 'class') element.className = value;
    else if (name === 'on') for (const [event, handler] of Object.entries(value)) element.addEventListener(event, handler);
    else if (name === 'data') Object.assign(element.dataset, value);
    else if (name === 'color') element.style.setProperty('--color', value);
    else if (name in element && typeof value !== 'string') element[name] = value;
    else element.setAttribute(name, value === true ? '' : value);
  }
  append(element, children);
  return element;
}

export function append(element, children) {
  for (const child of children.flat(Infinity)) {
    if (child !== undefined && child !== null && child !== false) element.append(child);
  }
}

export function fill(element, ...children) {
  element.replaceChildren();
  append(element, children);
}

const safeSchemes = new Set(['http:', 'https:', 'mailto:']);

/** A link that can only lead to the web or to mail; anything else stays text. */
export function link(url, label) {
  let parsed;
  try {
    parsed = new URL(url);
  } catch {
    return h('span', {}, label);
  }
  if (!safeSchemes.has(parsed.protocol)) return h('span', {}, label);
  return h('a', { href: parsed.href, target: '_blank', rel: 'noopener noreferrer', title: parsed.href }, label);
}

let toastTimer;

export function toast(message) {
  const element = document.getElementById('toast');
  element.textContent = message;
  element.classList.add('shown');
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => element.classList.remove('shown'), 7000);
}
