// The page: one person's workspace, kept true by the event stream.
import { act, get, stream } from './api.js';
import { newComposer } from './composer.js';
import { announce, notify, settle } from './confirm.js';
import { h, replace } from './dom.js';
import { newEnv } from './env.js';
import { newList } from './list.js';
import { glance } from './message.js';
import { newModals } from './modal.js';
import { beginning, homeBody, homeHead, marksBar, roomHead, stateLine, threadHead } from './panes.js';
import { closePopover } from './popover.js';
import { format, parse } from './route.js';
import { sidebar } from './sidebar.js';
import * as S from './store.js';

const $ = (id) => document.getElementById(id);
const store = S.newStore(() => draw());
const failed = (problem) => { notify(problem.message); };
const env = newEnv(store, failed);
const modals = newModals({
  env, failed, current: () => get('view', { user: store.me }).then(({ view: open }) => open),
  post: (view, op, state) => act('view', { user: store.me, view_id: view.id, op, state }),
});
let stopStream = () => {};
let drawing = false;
let loads = 0;

const go = {
  to: (place) => { location.hash = format({ user: store.me, channel: store.route.channel, thread: '', home: false, ...place }); },
  room: (channel) => go.to({ channel }),
  home: () => go.to({ home: true }),
  back: () => go.to({ channel: '' }),
  person: (user) => go.to({ ...store.route, user, ...(store.route.list && { channel: store.lastRoom }) }),
  openThread: (thread) => go.to({ thread }),
  closeThread: () => go.to({}),
  message: (ts) => document.querySelector(`#room-list [data-ts="${CSS.escape(ts)}"]`)?.scrollIntoView({ block: 'center' }),
};

const doing = {
  openThread: go.openThread,
  react: (m, name, remove) => act('reaction', { user: store.me, channel: store.route.channel, ts: m.ts, name, remove }).catch(failed),
  pin: (m, remove) => act('pin', { user: store.me, channel: store.route.channel, ts: m.ts, remove }).catch(failed),
  shortcut: (m, name) => act('shortcut', { user: store.me, callback_id: name, channel: store.route.channel, message_ts: m.ts }).catch(failed),
};

const view = (place) => () => ({ store, env, place, room: store.route.channel, pins: store.channels.get(store.route.channel)?.pins ?? [], do: doing });
const roomList = newList('message-list', view('top'));
const threadList = newList('thread-list', view('thread'));
const sources = (inThread) => () => ({
  inThread, commands: store.commands,
  people: [...store.users.values()].filter((u) => !u.deleted && u.id !== store.me && u.id !== 'USLACKBOT').map((u) => ({ name: u.name, label: u.real_name === u.name ? '' : u.real_name })),
});
const send = (thread) => (text) => act('message', { user: store.me, channel: store.route.channel, thread_ts: thread ? store.route.thread : undefined, text });
const roomComposer = newComposer({ testid: 'composer', sources: sources(false), send: send(false) });
const threadComposer = newComposer({ testid: 'thread-composer', sources: sources(true), send: send(true) });

async function follow() {
  const next = parse(location.hash);
  next.user ||= store.me;
  closePopover();
  const named = store.users.get(next.user)?.id ?? [...store.users.values()].find((u) => u.name === next.user)?.id;
  const switched = !store.me || named !== store.me;
  if (switched) await become(next.user);
  const { route } = store;
  if (!next.home && !next.list && !store.channels.has(next.channel)) {
    const known = next.channel && [...store.channels.values()].find((c) => c.name === next.channel);
    return location.replace(format({ user: store.me, channel: known?.id ?? firstRoom() }));
  }
  const opened = next.home && (switched || !route.home);
  store.route = { ...next, channel: next.list ? route.channel || firstRoom() : next.channel };
  if (store.route.channel) store.lastRoom = store.route.channel;
  S.seen(store);
  settle(S.threadKey(store.route.channel, store.route.thread));
  draw();
  if (opened) await openHome();
  await load();
  if (!matchMedia('(pointer: coarse)').matches) (store.route.thread ? threadComposer : roomComposer).focus();
}

function firstRoom() {
  const rooms = [...store.channels.values()].filter((c) => !c.is_archived && !c.is_im);
  return (rooms.find((c) => c.members?.includes(store.me) && c.members?.includes(store.app.bot_user_id)) ?? rooms[0] ?? store.channels.values().next().value)?.id ?? '';
}

/** become loads the workspace as user, an id or a name; without one, as the first person of the team. */
async function become(user) {
  stopStream();
  // Fetching a channel marks it as read: what was read live counts for the person who leaves.
  if (store.me && store.route.channel) await get('messages', { user: store.me, channel: store.route.channel }).catch(() => {});
  const state = await get('state', { user });
  S.loadState(store, state);
  Object.assign(store, { me: state.you, home: null });
  for (const map of [store.top, store.threads, store.news]) map.clear();
  const { view: open } = await get('view', { user: store.me }).catch(() => ({}));
  modals.load(open ?? null);
  let first = true;
  stopStream = stream(store.me, take, (state_) => {
    store.live = state_ === 'live';
    if (store.live && !first) catchUp().catch(failed);
    if (store.live) first = false;
    draw();
  });
}

/** catchUp loads anew what may have changed while the stream was down. */
async function catchUp() {
  S.loadState(store, await get('state', { user: store.me }));
  const { channel, thread } = store.route;
  for (const key of [...store.top.keys()]) if (key !== channel) store.top.delete(key);
  for (const key of [...store.threads.keys()]) if (key !== S.threadKey(channel, thread)) store.threads.delete(key);
  await load(true);
  modals.load((await get('view', { user: store.me })).view);
}

async function load(again = false) {
  const { channel, thread } = store.route;
  const turn = ++loads;
  const me = store.me;
  const wanted = [];
  if (channel && (again || !store.top.has(channel))) wanted.push('');
  if (channel && thread && (again || !store.threads.has(S.threadKey(channel, thread)))) wanted.push(thread);
  for (const ts of wanted) {
    const loading = S.beginLoad(store);
    try {
      const { messages } = await get('messages', { user: me, channel, thread_ts: ts || null });
      if (me !== store.me) return;
      loading.take(channel, ts, messages ?? []);
    } finally {
      loading.end();
    }
  }
  if (turn === loads) draw();
}

async function openHome() {
  await act('home', { user: store.me }).catch(failed);
  const { view: home } = await get('home', { user: store.me }).catch(() => ({}));
  store.home = home ?? store.home;
  draw();
}

function take(kind, data) {
  if (kind.startsWith('message')) {
    const news = S.takeMessage(store, kind, data);
    if (news) tell(news);
  } else if (kind === 'channel') {
    const unread = data.id === store.route.channel && !store.route.home ? 0 : data.unread ?? store.channels.get(data.id)?.unread ?? 0;
    store.channels.set(data.id, { ...data, unread });
  } else if (kind === 'view') modals.take(data);
  else if (kind === 'home') store.home = data.view;
  else if (kind === 'presence') store.sockets = data.connections;
  else if (kind === 'notice') { if (!shownInRoom(data.text)) notify(data.text); }
  draw();
}

// Slack's own lines come as a message for the person, too: one of the two is enough.
function shownInRoom(words) {
  const last = [...(store.top.get(store.route.channel)?.values() ?? [])].at(-1);
  return !store.route.home && last?.ephemeral && glance(last, env) === glance({ text: words }, env);
}

function tell({ channel, thread, message, seen }) {
  const author = message.username || S.personName(store.users.get(message.user));
  const words = `${author}: ${glance(message, env)}`;
  announce(words);
  if (seen || !thread || inView(thread)) return;
  notify(`New reply in a thread. ${words}`, { label: 'Open', about: S.threadKey(channel, thread), run: () => go.to({ channel, thread }) });
}

// Under a message whose end can be seen, its thread says itself that there is something new.
function inView(ts) {
  const end = document.querySelector(`#room-list [data-ts="${CSS.escape(ts)}"]`)?.getBoundingClientRect().bottom ?? 0;
  const list = roomList.el.getBoundingClientRect();
  return end > list.top && end <= list.bottom + 1;
}

function draw() {
  if (drawing) return;
  drawing = true;
  queueMicrotask(() => { drawing = false; if (store.me) drawNow(); });
}

function drawNow() {
  const { route } = store;
  const room = store.channels.get(route.channel);
  const unread = [...store.channels.values()].reduce((sum, c) => sum + (c.unread ?? 0), 0);
  document.title = `${unread ? `(${unread}) ` : ''}${route.home ? store.app.name : room ? S.roomName(store, room) : 'Channels'} · ${store.team.name ?? 'slacksim'}`;
  document.body.dataset.pane = route.list ? 'list' : route.thread ? 'thread' : 'room';
  document.body.dataset.thread = route.thread ? 'open' : '';
  redraw($('sidebar'), [store.team, store.app, [...store.channels.values()], [...store.users.values()], store.me, route, store.sockets], () => sidebar(store, go));
  replace($('state'), stateLine(store));
  $('home').hidden = !route.home;
  $('room').hidden = route.home;
  if (route.home) {
    redraw($('home-head'), [store.app], () => homeHead(store, go));
    redraw($('home-body'), [store.home, store.me], () => [homeBody(store, env)].flat());
  } else if (room) drawRoom(room);
}

function drawRoom(room) {
  const { route } = store;
  const person = S.personName(store.users.get(store.me)).split(' ')[0];
  redraw($('room-head'), [room, store.me], () => roomHead(store, room, env, go));
  redraw($('marks'), [room.pins, room.bookmarks, store.top.has(room.id)], () => marksBar(store, room, env, go) ?? []);
  $('marks').hidden = !$('marks').firstChild;
  const said = store.top.get(room.id);
  roomList.draw(`${store.me} ${room.id}`, [...(said?.values() ?? [])], said && (() => beginning(store, room)));
  roomComposer.show({ place: `${store.me} ${room.id}`, hint: `Message ${room.is_im ? '' : '#'}${S.roomName(store, room)} as ${person}` });
  $('thread').hidden = !route.thread;
  if (!route.thread) return;
  redraw($('thread-head'), [room.id, room.name], () => threadHead(store, room, go));
  threadList.draw(`${store.me} ${room.id} ${route.thread}`, [...(store.threads.get(S.threadKey(room.id, route.thread))?.values() ?? [])]);
  threadComposer.show({ place: `${store.me} ${room.id} ${route.thread}`, hint: `Reply as ${person}` });
}

function redraw(el, facts, build) {
  const sig = JSON.stringify(facts);
  if (el.drawnSig === sig) return;
  el.drawnSig = sig;
  const focused = el.contains(document.activeElement) ? document.activeElement.dataset.testid : null;
  replace(el, build());
  if (focused) el.querySelector(`[data-testid="${CSS.escape(focused)}"]`)?.focus();
}

$('room-list').append(roomList.el);
$('room-composer').append(roomComposer.el);
$('thread-list').append(threadList.el);
$('thread-composer').append(threadComposer.el);
// One after the other: two quick switches must not load two people into one store.
let following = begin();
addEventListener('hashchange', () => { following = following.then(follow).catch(failed); });
addEventListener('click', (event) => {
  const link = event.target.closest?.('[data-go-channel]');
  if (link && store.channels.has(link.dataset.goChannel)) go.room(link.dataset.goChannel);
});
addEventListener('keydown', (event) => {
  if (event.key === 'Escape' && !event.defaultPrevented && store.route.thread && !document.querySelector('dialog[open]')) go.closeThread();
});
setInterval(draw, 60_000);
addEventListener('pagehide', () => stopStream());

async function begin(wait = 500) {
  try {
    await follow();
  } catch (problem) {
    replace($('state'), h('div', { class: 'state-line lost', role: 'status' }, problem.message));
    await new Promise((resolve) => { setTimeout(resolve, wait); });
    await begin(Math.min(wait * 2, 5000));
  }
}
