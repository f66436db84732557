// The workspace's control API: the page knows nothing that this does not tell it.

async function call(path, body) {
  const options = body === undefined ? {} : { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
  let response;
  try {
    response = await fetch(`/_workspace/${path}`, options);
  } catch {
    return { outcome: 'unreachable', problem: 'The workspace does not answer. Is it still running?' };
  }
  if (!response.ok) return { outcome: 'refused', problem: `The workspace answered with status ${response.status}.` };
  const text = await response.text();
  return text ? JSON.parse(text) : {};
}

export const overview = () => call('state');
export const messages = (channel, user) => call(`channels/${channel}/messages?user=${user}`);
export const views = user => call(`people/${user}/views`);
export const home = user => call(`people/${user}/home`);
export const act = (name, body) => call(`act/${name}`, body);

/** Calls back with every change, and once with nothing whenever the connection is new, because changes may have been missed. */
export function listen(onChange) {
  const source = new EventSource('/_workspace/changes');
  source.onopen = () => onChange(null);
  source.onmessage = event => onChange(JSON.parse(event.data));
}
