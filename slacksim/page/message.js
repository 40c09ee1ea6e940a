// One message of a list: who, when, what, and what people did with it.
import { h, plainText } from './dom.js';
import { emoji, offered } from './emoji.js';
import { mrkdwn, plain } from './mrkdwn.js';
import { blocks } from './blocks.js';
import { clock, full, tsDate, ago } from './dates.js';
import { filePreview } from './files.js';
import { avatar } from './avatar.js';
import { openMenu, openPopover, closePopover } from './popover.js';
import { personName } from './store.js';

const lineTypes = new Set(['channel_join', 'channel_leave', 'channel_topic', 'channel_purpose', 'channel_name', 'channel_archive', 'channel_unarchive', 'group_join', 'group_leave', 'pinned_item']);
const gap = 5 * 60;

/** follows tells whether m is shown without a head of its own, right below previous. */
export function follows(previous, m) {
  if (!previous || lineTypes.has(m.subtype) || lineTypes.has(previous.subtype)) return false;
  const same = previous.user === m.user && previous.username === m.username && Boolean(previous.ephemeral) === Boolean(m.ephemeral);
  // A card or a file is a thing of its own: it says who put it up.
  return same && m.blocks?.[0]?.type !== 'header' && !m.files?.length && !previous.reply_count && Number(m.ts) - Number(previous.ts) < gap;
}

/** message describes m. view: {store, env, place: 'top' | 'thread', room, compact, pinned, news, do}. */
export function message(m, view) {
  const { store, compact } = view;
  const when = tsDate(m.ts);
  const author = store.users.get(m.user) ?? { id: m.user ?? m.bot_id, name: m.username ?? 'unknown', is_bot: Boolean(m.bot_id) };
  const name = m.username || personName(author);
  const data = { ts: m.ts, user: m.user, testid: 'message' };
  if (lineTypes.has(m.subtype)) {
    return h('article', { class: 'system-line', data }, mrkdwn(m.text, view.env), h('time', { title: full(when) }, clock(when)));
  }
  const classes = ['message', compact && 'compact', m.ephemeral && 'ephemeral', mentionsMe(m, store) && 'mentions-me', view.news && 'has-news'];
  return h('article', { class: classes.filter(Boolean).join(' '), data, 'aria-label': `${name}, ${clock(when)}` },
    h('div', { class: 'gutter' }, compact ? h('time', { class: 'side-time', title: full(when) }, clock(when)) : avatar(author, name, store)),
    h('div', { class: 'message-main' },
      m.ephemeral && h('div', { class: 'only-you' }, eye(), 'Only visible to you'),
      view.pinned && h('div', { class: 'pinned-note' }, emoji('pushpin'), ' Pinned'),
      !compact && h('div', { class: 'message-head' },
        h('span', { class: 'author' }, name),
        author.is_bot && h('span', { class: 'badge' }, 'APP'),
        author.is_restricted && h('span', { class: 'badge guest' }, 'GUEST'),
        h('time', { title: full(when) }, clock(when))),
      h('div', { class: 'message-body' }, body(m, view)),
      (m.attachments ?? []).map((part) => attachment(part, m, view)),
      (m.files ?? []).map((file) => filePreview(file, store.me)),
      reactions(m, view),
      view.place === 'top' && replies(m, view)),
    !m.ephemeral && toolbar(m, view));
}

/** glance is a message in one line, for the announcer and for notices. */
export function glance(m, env) {
  const words = m.text ? plainText(mrkdwn(m.text, env)) : plainText(blocks(m.blocks ?? [], env));
  const said = words.replace(/:[a-z0-9_+-]+:/g, '').replace(/\s+/g, ' ').trim();
  const files = (m.files ?? []).map((file) => file.title || file.name || file.id).join(', ');
  return (said || (files && `shared ${files}`)).slice(0, 160);
}

function body(m, view) {
  const env = view.env.at({ channel: view.room, message_ts: m.ts });
  const edited = m.edited && h('span', { class: 'edited', title: full(tsDate(m.edited.ts)) }, '(edited)');
  if (m.blocks?.length) return [blocks(m.blocks, env), edited];
  if (!m.text) return [edited];
  return h('div', { class: 'text' }, mrkdwn(m.text, env), edited && ' ', edited);
}

function attachment(part, m, view) {
  const env = view.env.at({ channel: view.room, message_ts: m.ts });
  const named = { good: '#2c9c5a', warning: '#e3b21c', danger: '#d9364a' };
  const hex = /^#?([0-9a-f]{6}|[0-9a-f]{3})$/i.exec(part.color ?? '');
  const color = Object.hasOwn(named, part.color ?? '') ? named[part.color] : hex ? `#${hex[1]}` : null;
  const short = !part.blocks?.length && !part.text && !part.title && !part.fields?.length ? part.fallback : '';
  return [
    part.pretext && h('div', { class: 'text' }, mrkdwn(part.pretext, env)),
    h('div', { class: 'attachment', vars: color && { bar: color } },
      part.author_name && h('div', { class: 'attachment-author' }, plain(part.author_name)),
      part.title && h('div', { class: 'attachment-title' }, part.title_link ? h('a', { href: part.title_link, target: '_blank', rel: 'noopener noreferrer' }, plain(part.title)) : plain(part.title)),
      part.text && h('div', { class: 'text' }, mrkdwn(part.text, env)),
      short && h('div', { class: 'text' }, plain(short)),
      part.fields?.length > 0 && h('div', { class: 'fields' }, part.fields.map((field) => h('div', { class: 'field' }, h('strong', null, plain(field.title)), '\n', mrkdwn(field.value, env)))),
      blocks(part.blocks ?? [], env),
      part.footer && h('div', { class: 'attachment-footer' }, mrkdwn(part.footer, env), part.ts && ` · ${full(tsDate(part.ts))}`)),
  ];
}

function reactions(m, view) {
  if (!m.reactions?.length) return null;
  const { store } = view;
  return h('div', { class: 'reactions' },
    m.reactions.map((r) => {
      const mine = (r.users ?? []).includes(store.me);
      const who = (r.users ?? []).map((id) => personName(store.users.get(id)) || id).join(', ');
      return h('button', {
        type: 'button', class: mine ? 'reaction mine' : 'reaction', 'aria-pressed': String(mine), title: `${who} reacted with :${r.name}:`,
        data: { testid: `reaction-${r.name}` }, on: { click: () => view.do.react(m, r.name, mine) },
      }, emoji(r.name) ?? `:${r.name}:`, h('span', null, String(r.count)));
    }),
    h('button', { type: 'button', class: 'reaction add', 'aria-label': 'Add a reaction', on: { click: (event) => pick(event.currentTarget, m, view) } }, '+'));
}

function pick(anchor, m, view) {
  openPopover(anchor, 'emoji-picker', offered.map((name) => h('button', {
    type: 'button', role: 'menuitem', class: 'emoji-choice', title: `:${name}:`, data: { value: name },
    on: { click: () => { closePopover(); view.do.react(m, name, false); } },
  }, emoji(name))));
}

function replies(m, view) {
  if (!m.reply_count && !view.news) return null;
  const { store } = view;
  const count = m.reply_count ?? 0;
  const words = count ? `${count} ${count === 1 ? 'reply' : 'replies'}` : 'Open the thread';
  return h('button', { type: 'button', class: view.news ? 'replies news' : 'replies', data: { testid: 'replies', threadTs: m.ts }, on: { click: () => view.do.openThread(m.ts) } },
    h('span', { class: 'faces' }, (m.reply_users ?? []).slice(0, 4).map((id) => avatar(store.users.get(id) ?? { id }, id, store))),
    h('span', { class: 'reply-count' }, words),
    view.news ? h('span', { class: 'new-count' }, `${view.news} new`) : m.latest_reply && h('span', { class: 'last-reply' }, `Last reply ${ago(tsDate(m.latest_reply), new Date())}`),
    h('span', { class: 'chevron', 'aria-hidden': 'true' }, '›'));
}

function toolbar(m, view) {
  const tool = (label, testid, run, sign) => h('button', { type: 'button', class: 'tool', 'aria-label': label, title: label, data: { testid }, on: { click: run } }, sign);
  const shortcuts = (view.store.app.shortcuts ?? []).map((name) => ({ label: name.replace(/[_-]+/g, ' '), value: name, pick: () => view.do.shortcut(m, name) }));
  return h('div', { class: 'toolbar', role: 'group', 'aria-label': 'Message actions' },
    tool('React with thumbs up', 'react-quick', () => view.do.react(m, '+1', false), emoji('+1')),
    tool('Add a reaction', 'react', (event) => pick(event.currentTarget, m, view), icon('M8 14s1.5 2 4 2 4-2 4-2M9 9v.1M15 9v.1M21 12a9 9 0 1 1-18 0 9 9 0 0 1 18 0')),
    view.place === 'top' && tool('Reply in thread', 'reply', () => view.do.openThread(m.ts), icon('M4 5h16v11H9l-5 4z')),
    tool(view.pinned ? 'Unpin' : 'Pin to the channel', 'pin', () => view.do.pin(m, view.pinned), icon('M9 4h6l-1 6 3 3H7l3-3zM12 13v7')),
    shortcuts.length > 0 && tool('More', 'shortcuts', (event) => openMenu(event.currentTarget, shortcuts), '⋯'));
}

function mentionsMe(m, store) {
  return m.user !== store.me && ((m.pings ?? []).some((ping) => [store.me, 'here', 'channel', 'everyone'].includes(ping)) || (m.text ?? '').includes(`<@${store.me}>`));
}

const eye = () => icon('M2 12s4-7 10-7 10 7 10 7-4 7-10 7S2 12 2 12zM15 12a3 3 0 1 1-6 0 3 3 0 0 1 6 0');

/** icon draws one line icon. */
export function icon(d) {
  return h('svg', { class: 'icon', viewBox: '0 0 24 24', 'aria-hidden': 'true' },
    h('path', { d, fill: 'none', stroke: 'currentColor', 'stroke-width': 1.8, 'stroke-linecap': 'round', 'stroke-linejoin': 'round' }));
}
