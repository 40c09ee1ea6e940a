// The stack of views that the app opened for the person.
import { h, realise, replace } from './dom.js';
import { blocks } from './blocks.js';
import { newForm } from './form.js';
import { plain } from './mrkdwn.js';

/**
 * newModals answers {take(event), load(view)}.
 * options: {env, post(view, op, state), current() → the view on top, as a promise, failed(problem)}.
 */
export function newModals({ env, post, current, failed }) {
  let stack = []; // {view, form, errors, busy}
  let el = null;
  const top = () => stack.at(-1);

  /** take follows a view event: {op: open|update|push|close|errors, view, errors}. */
  function take({ op, view, errors }) {
    const known = view && stack.find((l) => l.view.id === view.id);
    for (const l of stack) l.busy = false;
    if (op === 'open') stack = [layer(view)];
    else if (op === 'push') { if (!known) stack.push(layer(view)); }
    else if (op === 'update' && known) {
      Object.assign(known, { view, errors: null });
      // A view below the top changes by itself, or because the one above it is gone: the workspace knows.
      if (known !== top()) current().then(dropAbove, failed);
    }
    else if (op === 'update' && view) stack = [layer(view)];
    else if (op === 'close') stack = known ? stack.filter((l) => l !== known) : [];
    else if (op === 'errors' && (known ?? top())) (known ?? top()).errors = errors ?? {};
    draw();
  }

  function dropAbove(view) {
    const at = stack.findIndex((l) => l.view.id === view?.id);
    stack = view && at < 0 ? [layer(view)] : stack.slice(0, at + 1);
    draw();
  }

  const layer = (view) => ({ view, form: newForm(), errors: null, busy: false });

  function draw() {
    if (!stack.length) return unmount();
    if (!el) mount();
    const { view, form, errors, busy } = top();
    const focus = el.contains(document.activeElement) ? document.activeElement.dataset.actionId : null;
    const scroll = el.querySelector('.modal-body')?.scrollTop ?? 0;
    const bound = env.at({ view_id: view.id, form, view, errors: errors ?? {} });
    const loose = Object.entries(errors ?? {}).filter(([id]) => !view.blocks?.some((block) => block.block_id === id));
    replace(el, h('form', { class: 'modal-form', on: { submit: (event) => { event.preventDefault(); submit(); } } },
      h('header', { class: 'modal-head' },
        stack.length > 1 && h('button', { type: 'button', class: 'tool', 'aria-label': 'Back', data: { testid: 'modal-back' }, on: { click: close } }, '‹'),
        h('h2', { id: 'modal-title' }, plain(view.title?.text, view.title?.emoji)),
        h('button', { type: 'button', class: 'tool', 'aria-label': 'Close', data: { testid: 'modal-close' }, on: { click: close } }, '×')),
      h('div', { class: 'modal-body' }, loose.map(([, words]) => h('p', { class: 'input-error', role: 'alert' }, words)), blocks(view.blocks, bound)),
      h('footer', { class: 'dialog-buttons' },
        h('button', { type: 'button', class: 'btn', data: { testid: 'modal-cancel' }, on: { click: close } }, plain(view.close?.text ?? 'Close')),
        view.submit && h('button', { type: 'submit', class: 'btn primary', 'aria-busy': busy ? 'true' : null, data: { testid: 'modal-submit' } }, h('span', { class: 'btn-label' }, plain(view.submit.text))))));
    el.dataset.viewId = view.id;
    el.querySelector('.modal-body').scrollTop = scroll;
    const target = errors && el.querySelector('.has-error [data-action-id]');
    (target ?? (focus && el.querySelector(`[data-action-id="${CSS.escape(focus)}"]`)))?.focus();
  }

  function mount() {
    el = realise(h('dialog', { class: 'modal', 'aria-labelledby': 'modal-title', data: { testid: 'modal' } }));
    el.addEventListener('cancel', (event) => { event.preventDefault(); close(); });
    document.body.append(el);
    el.showModal();
    queueMicrotask(() => el?.querySelector('[autofocus], .modal-body input, .modal-body textarea, .modal-body select')?.focus());
  }

  function unmount() {
    el?.close();
    el?.remove();
    el = null;
  }

  async function submit() {
    const sent = top();
    if (sent.busy) return;
    const missing = required(sent);
    if (Object.keys(missing).length) { sent.errors = missing; return draw(); }
    Object.assign(sent, { busy: true, errors: null });
    draw();
    try {
      // The app's answer comes as a view event: until then the button stays busy.
      await post(sent.view, 'submit', { values: sent.form.state(sent.view.blocks) });
    } catch (problem) {
      failed(problem);
      sent.busy = false;
      draw();
    }
  }

  async function close() {
    const { view } = stack.pop();
    draw();
    await post(view, 'close').catch(failed);
  }

  return { take, load: (view) => { stack = view ? [layer(view)] : []; draw(); } };
}

function required({ view, form }) {
  const values = form.state(view.blocks);
  const empty = (value) => value == null || Object.entries(value).every(([key, part]) => key === 'type' || part == null || part === '' || part.length === 0);
  const missing = (view.blocks ?? []).filter((block) => block.type === 'input' && !block.optional && empty(values[block.block_id]?.[block.element?.action_id]));
  return Object.fromEntries(missing.map((block) => [block.block_id, 'Please fill this in.']));
}
