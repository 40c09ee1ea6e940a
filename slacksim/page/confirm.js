// The question before a click that matters, and the strip of short notices.
import { h, realise } from './dom.js';
import { plain } from './mrkdwn.js';
import { text } from './blocks.js';

/** askPerson shows a confirm object and answers true or false. Esc means no. */
export function askPerson(dialog, env) {
  return new Promise((resolve) => {
    const end = (yes) => { el.close(); el.remove(); resolve(yes); };
    const el = realise(h('dialog', { class: 'confirm', 'aria-labelledby': 'confirm-title', data: { testid: 'confirm' } },
      h('h2', { id: 'confirm-title' }, plain(dialog.title?.text ?? 'Are you sure?')),
      h('div', { class: 'confirm-text text' }, text(dialog.text, env)),
      h('div', { class: 'dialog-buttons' },
        h('button', { type: 'button', class: 'btn', data: { testid: 'confirm-cancel' }, on: { click: () => end(false) } }, plain(dialog.deny?.text ?? 'Cancel')),
        h('button', { type: 'button', class: `btn ${dialog.style === 'danger' ? 'danger' : 'primary'}`, autofocus: 'true', data: { testid: 'confirm-ok' }, on: { click: () => end(true) } }, plain(dialog.confirm?.text ?? 'Yes')))));
    el.addEventListener('cancel', (event) => { event.preventDefault(); end(false); });
    document.body.append(el);
    el.showModal();
  });
}

/** notify shows a short notice. action: {label, run, about}, about naming what it is of: the newest about it replaces the others. */
export function notify(words, action) {
  if (action?.about) settle(action.about);
  const strip = document.getElementById('notices');
  const el = realise(h('div', { class: 'notice', role: 'status', data: { testid: 'notice', about: action?.about } },
    h('span', { class: 'notice-text' }, words),
    action && h('button', { type: 'button', class: 'notice-act', on: { click: () => { el.remove(); action.run(); } } }, action.label),
    h('button', { type: 'button', class: 'notice-close', 'aria-label': 'Dismiss', on: { click: () => el.remove() } }, '×')));
  strip.append(el);
  while (strip.children.length > 3) strip.firstChild.remove();
  setTimeout(() => el.remove(), 8000);
}

/** settle takes away the notices about something that the person looks at now. */
export function settle(about) {
  for (const el of document.querySelectorAll(`#notices [data-about="${CSS.escape(about)}"]`)) el.remove();
}

/** announce tells people who listen instead of look. */
export function announce(words) {
  document.getElementById('announcer').textContent = words;
}
