// The left pane: the team, its channels and direct messages, the app, and who one is.
import { h } from './dom.js';
import { avatar } from './avatar.js';
import { foreign, otherEnd, personName, persons, roomName } from './store.js';

/** sidebar describes the pane. go: {room(id), home(), person(id)}. */
export function sidebar(store, go) {
  const rooms = [...store.channels.values()];
  const open = (room) => !room.is_archived || room.id === store.route.channel;
  const channels = rooms.filter((room) => !room.is_im && open(room)).sort((a, b) => a.name.localeCompare(b.name));
  const direct = rooms.filter((room) => room.is_im && otherEnd(store, room) !== store.app.bot_user_id);
  const appRoom = rooms.find((room) => room.is_im && otherEnd(store, room) === store.app.bot_user_id);
  return [
    h('header', { class: 'team' },
      h('span', { class: 'team-name' }, store.team.name ?? ''),
      h('span', { class: 'team-note' }, 'A workspace on this machine')),
    h('nav', { class: 'rooms', 'aria-label': 'Channels and messages' },
      group('Channels', channels.map((room) => entry(store, room, go))),
      direct.length > 0 && group('Direct messages', direct.map((room) => entry(store, room, go))),
      group('App', [
        h('li', null, h('button', { type: 'button', class: store.route.home ? 'room current' : 'room', data: { testid: 'app-home' }, on: { click: go.home } },
          h('span', { class: 'sign' }, avatar({ id: store.app.bot_user_id }, store.app.name, store)), h('span', { class: 'room-name' }, `${store.app.name ?? 'App'} home`), dot(store))),
        appRoom && entry(store, appRoom, go, 'Messages'),
      ])),
    who(store, go),
  ];
}

function group(title, entries) {
  return h('section', null, h('h2', null, title), h('ul', null, entries));
}

function entry(store, room, go, label) {
  const unread = room.unread ?? 0;
  const current = store.route.channel === room.id && !store.route.home;
  const sign = label ? '💬' : room.is_im ? avatar(store.users.get(otherEnd(store, room)) ?? {}, '', store) : room.is_private ? '◆' : '#';
  const classes = ['room', current && 'current', unread > 0 && 'unread', room.is_archived && 'archived'];
  return h('li', null, h('button', {
    type: 'button', class: classes.filter(Boolean).join(' '), 'aria-current': current ? 'page' : null, data: { testid: `channel-${room.id}`, channelName: room.name }, on: { click: () => go.room(room.id) },
  },
  h('span', { class: 'sign', 'aria-hidden': 'true' }, label ? '@' : sign), h('span', { class: 'room-name' }, label ?? roomName(store, room)),
  room.is_ext_shared && h('span', { class: 'badge shared', title: 'Shared with another company' }, 'shared'),
  unread > 0 && h('span', { class: 'unread-count', 'aria-label': `${unread} unread` }, String(Math.min(unread, 99)))));
}

function dot(store) {
  const on = store.sockets > 0;
  return h('span', { class: on ? 'dot on' : 'dot', title: on ? 'connected' : 'not connected' });
}

function who(store, go) {
  const me = store.users.get(store.me);
  const title = me ? describe(store, me) : '';
  return h('section', { class: 'who', 'aria-label': 'Who you are' },
    h('div', { class: 'who-now', data: { testid: 'who' } }, 'You are ', h('strong', null, personName(me)), title && ` (${title.toLowerCase()})`),
    h('div', { class: 'who-list', role: 'group', 'aria-label': 'Switch person' }, persons(store).map((person) => h('button', {
      type: 'button', class: person.id === store.me ? 'person current' : 'person', 'aria-pressed': String(person.id === store.me),
      title: `Act as ${personName(person)} (${describe(store, person)})`, data: { testid: `person-${person.id}`, personName: person.name }, on: { click: () => go.person(person.id) },
    }, avatar(person, '', store), h('span', { class: 'person-name' }, personName(person).split(' ')[0]), h('span', { class: 'person-title' }, describe(store, person))))));
}

/** describe says what a person is here. */
export function describe(store, user) {
  return foreign(store, user) ? 'Other company' : user.title || (user.is_restricted ? 'Guest' : 'Member');
}
