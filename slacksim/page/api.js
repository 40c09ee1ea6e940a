// Talking to the workspace: requests, and the stream of what happens.

/** get asks for JSON; the error's message is fit to be read by a person. */
export async function get(path, query) {
  return answer(fetch(`/api/${path}?${new URLSearchParams(Object.entries(query).filter(([, v]) => v != null))}`));
}

/** act does something as a person: body.user. A refusal rejects, too. */
export async function act(what, body) {
  return answer(fetch(`/api/act/${what}`, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) }));
}

async function answer(request) {
  let response;
  try {
    response = await request;
  } catch {
    throw new Error('The workspace does not answer. Nothing was sent; try again when it is back.');
  }
  const text = await response.text();
  let body;
  try {
    body = text ? JSON.parse(text) : {};
  } catch {
    throw new Error(`The workspace answered ${response.status}: ${text.slice(0, 200).trim()}`);
  }
  if (!response.ok || body.ok === false) throw new Error(body.error || `The workspace answered ${response.status}.`);
  return body;
}

const kinds = ['message', 'message_changed', 'message_deleted', 'channel', 'view', 'home', 'notice', 'presence'];

/**
 * stream calls onEvent(kind, data) for everything user sees, and onState('live' | 'lost').
 * Every 'live' after the first means that events were missed: the caller loads anew.
 * It returns a function that ends the stream.
 */
export function stream(user, onEvent, onState) {
  let source;
  let timer;
  let wait = 500;
  const open = () => {
    source = new EventSource(`/api/events?user=${encodeURIComponent(user)}`);
    source.onopen = () => { wait = 500; onState('live'); };
    source.onerror = () => {
      // The browser's own retry gives up on some answers and hammers on others.
      source.close();
      onState('lost');
      timer = setTimeout(open, wait);
      wait = Math.min(wait * 2, 8000);
    };
    for (const kind of kinds) source.addEventListener(kind, (event) => onEvent(kind, JSON.parse(event.data)));
  };
  open();
  return () => { clearTimeout(timer); source.close(); };
}
