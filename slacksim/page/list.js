// A scrolling list of messages that stays at its end while new ones come in.
import { h, realise, syncList } from './dom.js';
import { dayName, tsDate } from './dates.js';
import { follows, message } from './message.js';
import { threadKey } from './store.js';

/** newList makes a list. view(): {store, env, place, room, pins, do}. It answers {el, draw(key, messages, empty)}; empty() is shown while there are none. */
export function newList(testid, view) {
  let shown = null;
  let stuck = true;
  const parts = {};
  const el = realise(h('div', { class: 'list-frame' },
    h('div', { class: 'list', tabindex: 0, data: { testid }, ref: (n) => { parts.scroll = n; } },
      h('div', { class: 'list-items', ref: (n) => { parts.items = n; } })),
    h('button', { type: 'button', class: 'to-end', hidden: true, ref: (n) => { parts.toEnd = n; }, on: { click: () => toEnd() } }, 'New messages ↓')));
  parts.scroll.addEventListener('scroll', () => {
    stuck = parts.scroll.scrollHeight - parts.scroll.scrollTop - parts.scroll.clientHeight < 40;
    if (stuck) parts.toEnd.hidden = true;
  });
  new ResizeObserver(() => { if (stuck) toEnd(); }).observe(parts.items);
  new ResizeObserver(() => { if (stuck) toEnd(); }).observe(parts.scroll);

  function toEnd() {
    parts.scroll.scrollTop = parts.scroll.scrollHeight;
  }

  function draw(key, messages, empty) {
    const before = parts.items.children.length;
    if (key !== shown) { stuck = true; parts.toEnd.hidden = true; }
    syncList(parts.items, empty && !messages.length ? [{ key: `${key} empty`, sig: '', build: empty }] : items(key, messages));
    if (stuck) toEnd();
    else if (key === shown && parts.items.children.length > before) parts.toEnd.hidden = false;
    shown = key;
  }

  function items(key, messages) {
    const now = new Date();
    const base = view();
    const out = [];
    let previous = null;
    for (const m of messages) {
      const day = dayName(tsDate(m.ts), now);
      const newDay = base.place === 'top' && (!previous || dayName(tsDate(previous.ts), now) !== day);
      if (newDay) out.push({ key: `${key} ${day}`, sig: day, build: () => h('div', { class: 'day', role: 'separator' }, h('span', null, day)) });
      if (base.place === 'thread' && previous && previous.ts === m.thread_ts) out.push(ruler(key, messages.length - 1));
      const news = base.place === 'top' ? base.store.news.get(threadKey(base.room, m.ts)) ?? 0 : 0;
      const compact = !newDay && !(base.place === 'thread' && previous?.ts === m.thread_ts) && follows(previous, m);
      const pinned = base.pins.includes(m.ts);
      const sig = [sigOf(m), aging(m, now), news, compact, pinned, base.store.me, base.store.users.size].join();
      out.push({ key: `${key} ${m.ts}`, sig, build: () => message(m, { ...base, news, compact, pinned }) });
      previous = m;
    }
    return out;
  }

  return { el, draw };
}

const sigs = new WeakMap();

// A message that changes is another object: each is written out once.
function sigOf(m) {
  if (!sigs.has(m)) sigs.set(m, JSON.stringify(m));
  return sigs.get(m);
}

// What reads "2 minutes ago" is drawn anew as the minutes pass.
function aging(m, now) {
  return m.latest_reply || sigOf(m).includes('{ago}') ? Math.floor(now / 60_000) : '';
}

function ruler(key, count) {
  const words = `${count} ${count === 1 ? 'reply' : 'replies'}`;
  return { key: `${key} ruler`, sig: words, build: () => h('div', { class: 'reply-ruler', role: 'separator' }, h('span', null, words)) };
}
