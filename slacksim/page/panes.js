// The heads of the middle and the right pane, the bookmarks bar and the app's home.
import { h } from './dom.js';
import { blocks } from './blocks.js';
import { avatar } from './avatar.js';
import { glance, icon } from './message.js';
import { mrkdwn } from './mrkdwn.js';
import { openMenu } from './popover.js';
import { personName, roomName } from './store.js';

/** roomHead describes the head of the open channel. go: {back(), message(ts)}. */
export function roomHead(store, room, env, go) {
  const me = store.users.get(store.me);
  return [
    h('button', { type: 'button', class: 'tool back', 'aria-label': 'Channels', data: { testid: 'back' }, on: { click: go.back } }, icon('M15 5l-7 7 7 7')),
    h('div', { class: 'head-words' },
      h('h1', { data: { testid: 'room-name' } }, !room.is_im && h('span', { class: 'hash', 'aria-hidden': 'true' }, room.is_private ? '◆ ' : '# '), roomName(store, room),
        room.is_ext_shared && h('span', { class: 'badge shared' }, 'shared with another company'), room.is_archived && h('span', { class: 'badge' }, 'archived')),
      room.topic && h('div', { class: 'topic', title: room.topic }, mrkdwn(room.topic, env))),
    !room.is_im && h('span', { class: 'member-count', title: (room.members ?? []).map((id) => personName(store.users.get(id)) || id).join(', ') }, icon('M3.5 19a5.5 5.5 0 0 1 11 0M9 11a3.2 3.2 0 1 0 0-6.4A3.2 3.2 0 0 0 9 11zM16 5a3 3 0 0 1 0 5.8M17.5 13.6a5 5 0 0 1 3 5.4'), String(room.members?.length ?? 0)),
    h('button', { type: 'button', class: 'me-button', 'aria-label': `You are ${personName(me)}; switch person`, on: { click: go.back } }, avatar(me ?? {}, '', store)),
  ];
}

/** beginning describes a conversation in which nothing was said yet: what it is for, and how one begins. */
export function beginning(store, room) {
  const command = store.commands[0];
  return h('div', { class: 'beginning', data: { testid: 'beginning' } },
    h('h2', null, room.is_im ? `You and ${roomName(store, room)}` : `This is the beginning of #${roomName(store, room)}`),
    room.topic && h('p', null, `${room.topic}.`),
    command && h('p', null, 'Type ', h('code', null, '/'), ` to see what ${store.app.name ?? 'the app'} can do`, command.usage_hint && [', such as ', h('code', null, `${command.command} ${command.usage_hint}`)], '.'));
}

/** marksBar describes bookmarks and pins; null when there are none. */
export function marksBar(store, room, env, go) {
  const pins = room.pins ?? [];
  const marks = room.bookmarks ?? [];
  if (!pins.length && !marks.length) return null;
  const pinned = pins.map((ts) => {
    const m = store.top.get(room.id)?.get(ts);
    return { label: m ? glance(m, env).slice(0, 80) : 'A pinned message', value: ts, pick: () => go.message(ts) };
  });
  return [
    pins.length > 0 && h('button', { type: 'button', class: 'mark', data: { testid: 'pins' }, on: { click: (event) => openMenu(event.currentTarget, pinned) } }, icon('M9 4h6l-1 6 3 3H7l3-3zM12 13v7'), `${pins.length} pinned`),
    marks.map((mark) => h('a', { class: 'mark', href: mark.link, target: '_blank', rel: 'noopener noreferrer' }, icon('M7 4h10v16l-5-4-5 4z'), mark.title || mark.link)),
  ];
}

/** stateLine says what is in the way: the app has no socket, or the page lost the workspace. */
export function stateLine(store) {
  const app = store.app.name ?? 'The app';
  if (!store.live) return h('div', { class: 'state-line lost', role: 'status', data: { testid: 'state-lost' } }, 'The workspace does not answer. Reconnecting…');
  if (store.sockets !== 0) return null;
  return h('div', { class: 'state-line', role: 'status', data: { testid: 'state-offline' } }, h('strong', null, `${app} is not connected.`), ' Commands and clicks get no answer until it is.');
}

/** threadHead describes the head of the open thread. */
export function threadHead(store, room, go) {
  return [
    h('button', { type: 'button', class: 'tool back', 'aria-label': 'Back to the channel', on: { click: go.closeThread } }, icon('M15 5l-7 7 7 7')),
    h('div', { class: 'head-words' }, h('h1', null, 'Thread'), h('div', { class: 'topic' }, room.is_im ? roomName(store, room) : `#${roomName(store, room)}`)),
    h('button', { type: 'button', class: 'tool close-thread', 'aria-label': 'Close the thread', data: { testid: 'thread-close' }, on: { click: go.closeThread } }, '×'),
  ];
}

/** homeHead and homeBody describe the app's home tab. */
export function homeHead(store, go) {
  return [
    h('button', { type: 'button', class: 'tool back', 'aria-label': 'Channels', on: { click: go.back } }, icon('M15 5l-7 7 7 7')),
    avatar({ id: store.app.bot_user_id }, store.app.name, store),
    h('div', { class: 'head-words' }, h('h1', { data: { testid: 'room-name' } }, store.app.name ?? 'App'), h('div', { class: 'topic' }, 'Home')),
  ];
}

export function homeBody(store, env) {
  const view = store.home;
  if (!view) return h('p', { class: 'empty' }, `${store.app.name ?? 'The app'} has not shown anything here yet.`);
  return blocks(view.blocks, env.at({ view_id: view.id, view }));
}
