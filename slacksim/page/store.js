// What the page knows: one person's picture of the workspace. Pure data, no DOM.

/** newStore makes an empty store; changed is called after every change. */
export function newStore(changed) {
  const store = {
    me: '', team: {}, app: {}, users: new Map(), channels: new Map(), commands: [],
    usergroups: new Map(), sockets: null, live: true, home: null,
    top: new Map(), // channel → its top-level messages by ts
    threads: new Map(), // channel/ts → messages by ts
    news: new Map(), // channel/ts → how many replies the person has not seen
    loading: new Set(), // for each answer on its way, the events that overtake it
    route: { channel: '', thread: '', home: false, list: false },
    changed,
  };
  return store;
}

/** threadKey names a thread in store.threads and store.news. */
export const threadKey = (channel, ts) => `${channel}/${ts}`;

/** loadState takes in /api/state. */
export function loadState(store, state) {
  store.team = state.team ?? {};
  store.app = state.app ?? {};
  store.users = new Map((state.users ?? []).map((user) => [user.id, user]));
  store.channels = new Map((state.channels ?? []).map((channel) => [channel.id, channel]));
  store.usergroups = new Map((state.usergroups ?? []).map((group) => [group.id, group]));
  store.commands = state.commands ?? [];
  store.sockets = state.connections ?? store.sockets;
}

/** loadMessages takes in /api/messages of a channel, or of a thread. */
export function loadMessages(store, channel, thread, messages) {
  const sorted = new Map([...messages].sort((a, b) => Number(a.ts) - Number(b.ts)).map((m) => [m.ts, m]));
  if (thread) store.threads.set(threadKey(channel, thread), sorted);
  else store.top.set(channel, sorted);
}

/**
 * beginLoad is called before /api/messages is asked; it answers {take(channel, thread, messages), end()}. The answer is a
 * picture of a moment, and events overtake it: take puts them on top of it, or a message that came meanwhile would never be shown.
 */
export function beginLoad(store) {
  const overtaking = [];
  store.loading.add(overtaking);
  return {
    take(channel, thread, messages) {
      loadMessages(store, channel, thread, messages);
      for (const event of overtaking) keep(store, event);
    },
    end: () => store.loading.delete(overtaking),
  };
}

function keep(store, { kind, channel, message }) {
  if (kind === 'message_deleted') return drop(store, channel, message.deleted_ts ?? message.ts);
  for (const list of lists(store, channel, message)) put(list, message);
  return null;
}

/** inThread tells a reply from a top-level message. */
export const inThread = (m) => Boolean(m.thread_ts) && m.thread_ts !== m.ts;

/** takeMessage takes in a message event; it answers what is new about it for the reader, or null. */
export function takeMessage(store, kind, { channel, message }) {
  for (const overtaking of store.loading) overtaking.push({ kind, channel, message });
  if (kind === 'message_deleted') return keep(store, { kind, channel, message });
  const thread = inThread(message) ? message.thread_ts : '';
  const known = lists(store, channel, message).some((list) => list.has(message.ts));
  keep(store, { kind, channel, message });
  if (known || kind === 'message_changed' || message.user === store.me) return thread && !known && kind === 'message' ? countReply(store, channel, message) : null;
  if (thread) countReply(store, channel, message);
  const { route } = store;
  const reading = route.channel === channel && !route.home;
  if (thread && !(reading && route.thread === thread)) {
    const key = threadKey(channel, thread);
    store.news.set(key, (store.news.get(key) ?? 0) + 1);
  }
  const room = store.channels.get(channel);
  if (!reading && room) room.unread = (room.unread ?? 0) + 1;
  return { channel, thread, message, seen: reading && (!thread || route.thread === thread) };
}

function lists(store, channel, message) {
  const thread = store.threads.get(threadKey(channel, message.thread_ts || message.ts));
  const top = !inThread(message) || message.subtype === 'thread_broadcast' ? store.top.get(channel) : null;
  return [thread, top].filter(Boolean);
}

function put(list, message) {
  const late = !list.has(message.ts) && Number(message.ts) < Number([...list.keys()].at(-1) ?? 0);
  list.set(message.ts, message);
  if (!late) return;
  const sorted = [...list.entries()].sort(([a], [b]) => Number(a) - Number(b));
  list.clear();
  for (const [ts, m] of sorted) list.set(ts, m);
}

// The parent's own message_changed may come before or after the reply: only what it does not know yet is counted.
function countReply(store, channel, reply) {
  const parent = store.top.get(channel)?.get(reply.thread_ts);
  if (reply.ephemeral || !parent || Number(parent.latest_reply ?? 0) >= Number(reply.ts)) return null;
  const next = {
    ...parent, reply_count: (parent.reply_count ?? 0) + 1, latest_reply: reply.ts,
    reply_users: [...new Set([...(parent.reply_users ?? []), reply.user])],
  };
  for (const list of lists(store, channel, parent)) list.set(parent.ts, next);
  return null;
}

function drop(store, channel, ts) {
  store.top.get(channel)?.delete(ts);
  for (const [key, list] of store.threads) if (key.startsWith(`${channel}/`)) list.delete(ts);
  return null;
}

/** seen forgets what is unread where the person looks. */
export function seen(store) {
  const { channel, thread, home } = store.route;
  const room = store.channels.get(channel);
  if (room && !home) room.unread = 0;
  if (thread) store.news.delete(threadKey(channel, thread));
}

/** persons are the people that the page can act as, the team's own first. */
export function persons(store) {
  const people = [...store.users.values()].filter((u) => !u.is_bot && !u.deleted && u.id !== 'USLACKBOT');
  return people.sort((a, b) => Number(foreign(store, a)) - Number(foreign(store, b)));
}

/** foreign tells people of another company. */
export const foreign = (store, user) => Boolean(user.team_id && store.team.id && user.team_id !== store.team.id);

/** personName is how a person or an app is called on a message. */
export function personName(user) {
  return user?.real_name || user?.name || '';
}

/** roomName is a channel's name, or for a direct message its other end's. */
export function roomName(store, channel) {
  if (!channel?.is_im) return channel?.name ?? '';
  return personName(store.users.get(otherEnd(store, channel))) || 'Direct message';
}

/** otherEnd is whom a direct message is with. */
export function otherEnd(store, channel) {
  const listed = channel.user && channel.user !== store.me ? channel.user : null;
  return listed ?? (channel.members ?? []).find((id) => id !== store.me) ?? store.me;
}
