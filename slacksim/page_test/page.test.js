import test from 'node:test';
import assert from 'node:assert/strict';
import { accept, completions } from '../page/complete.js';
import { filePreview } from '../page/files.js';
import { follows, glance } from '../page/message.js';
import { format, parse } from '../page/route.js';
import { names, shown } from './shown.js';
import { beginLoad, loadMessages, newStore, seen, takeMessage, threadKey } from '../page/store.js';

const sources = {
  commands: [{ command: '/svcdown', description: 'Run the runbook', completions: ['status', 'services', 'logs'] }],
  people: [{ name: 'alice', label: 'Alice Ito' }, { name: 'svcdown', label: '' }],
};
const offered = (text, more) => completions(text, text.length, { ...sources, ...more })?.items.map((item) => item.insert) ?? null;

test('completions: what is offered while typing', () => {
  for (const [text, want] of [
    ['/', ['/svcdown']],
    ['/svcdown ', ['status', 'services', 'logs']],
    ['/svcdown s', ['status', 'services']],
    ['/svcdown status', null],
    ['/svcdown status backend', null],
    ['/other ', null],
    ['hello /', null],
    ['@al', ['@alice']],
    ['tell @', ['@alice', '@svcdown']],
    ['mail a@al', null],
  ]) assert.deepEqual(offered(text), want, text);
});

test('completions: slash commands are not offered in a thread, people are', () => {
  assert.equal(offered('/', { inThread: true }), null);
  assert.deepEqual(offered('@s', { inThread: true }), ['@svcdown']);
});

test('accept: puts the choice in place of what was typed', () => {
  assert.deepEqual(accept('/svcdown st backend', 11, 9, { insert: 'status' }), { text: '/svcdown status backend', caret: 16 });
});

test('route: every address survives a round trip', () => {
  for (const hash of ['#/C1?user=U1', '#/C1/1700000000.000100?user=U1', '#/home?user=U1', '#/?user=U1', '#/C1']) assert.equal(format(parse(hash)), hash);
  assert.equal(parse('#/?user=U1').list, true);
  assert.equal(parse('').list, false);
});

function channel() {
  const store = newStore(() => {});
  Object.assign(store, { me: 'U1', channels: new Map([['C1', { id: 'C1', unread: 0 }]]) });
  store.route = { channel: 'C1', thread: '', home: false };
  loadMessages(store, 'C1', '', [{ ts: '1.0', user: 'U2', text: 'parent' }]);
  return store;
}
const reply = { ts: '2.0', thread_ts: '1.0', user: 'UB', text: 'done' };

test('store: a reply is counted once, whether its parent changes before or after', () => {
  const changed = { ts: '1.0', user: 'U2', text: 'parent', reply_count: 1, latest_reply: '2.0' };
  for (const order of [['message', 'message_changed'], ['message_changed', 'message']]) {
    const store = channel();
    for (const kind of order) takeMessage(store, kind, { channel: 'C1', message: kind === 'message' ? reply : changed });
    assert.equal(store.top.get('C1').get('1.0').reply_count, 1, order.join());
  }
});

test('store: a reply in a closed thread is news until the thread is opened', () => {
  const store = channel();
  assert.equal(takeMessage(store, 'message', { channel: 'C1', message: reply }).seen, false);
  assert.equal(store.news.get(threadKey('C1', '1.0')), 1);
  store.route.thread = '1.0';
  seen(store);
  assert.equal(store.news.size, 0);
});

test('store: one\'s own reply and a redelivered one are no news', () => {
  const store = channel();
  assert.equal(takeMessage(store, 'message', { channel: 'C1', message: { ...reply, user: 'U1' } }), null);
  assert.equal(store.news.size, 0);
  loadMessages(store, 'C1', '1.0', [{ ts: '1.0' }]);
  takeMessage(store, 'message', { channel: 'C1', message: reply });
  takeMessage(store, 'message', { channel: 'C1', message: reply });
  assert.equal(store.news.get(threadKey('C1', '1.0')), 1);
});

test('store: what happens while an answer is on its way is not lost with it', () => {
  const store = channel();
  const loading = beginLoad(store); // the thread was opened, and the answer is of this moment
  takeMessage(store, 'message', { channel: 'C1', message: reply });
  takeMessage(store, 'message', { channel: 'C1', message: { ...reply, ts: '3.0', text: 'gone again' } });
  takeMessage(store, 'message_deleted', { channel: 'C1', message: { ts: '3.0' } });
  takeMessage(store, 'message_changed', { channel: 'C1', message: { ts: '1.0', user: 'U2', text: 'changed' } });
  loading.take('C1', '1.0', [{ ts: '1.0', user: 'U2', text: 'parent' }]);
  loading.end();
  assert.deepEqual([...store.threads.get('C1/1.0').values()].map((m) => m.text), ['changed', 'done']);
  assert.equal(store.loading.size, 0);
});

test('store: a late message takes its place in time', () => {
  const store = channel();
  for (const ts of ['3.0', '2.0']) takeMessage(store, 'message', { channel: 'C1', message: { ts, user: 'U2', text: ts } });
  assert.deepEqual([...store.top.get('C1').keys()], ['1.0', '2.0', '3.0']);
});

test('store: a deleted message is gone from the channel and its thread', () => {
  const store = channel();
  loadMessages(store, 'C1', '1.0', [{ ts: '1.0' }, reply]);
  takeMessage(store, 'message_deleted', { channel: 'C1', message: { ts: '2.0' } });
  assert.deepEqual([...store.threads.get('C1/1.0').keys()], ['1.0']);
});

test('follows: messages of one person within five minutes share a head', () => {
  const first = { ts: '100.0', user: 'U1' };
  assert.equal(follows(first, { ts: '200.0', user: 'U1' }), true);
  assert.equal(follows(first, { ts: '500.0', user: 'U1' }), false);
  assert.equal(follows(first, { ts: '200.0', user: 'U2' }), false);
  assert.equal(follows(first, { ts: '200.0', user: 'U1', ephemeral: true }), false);
  assert.equal(follows(first, { ts: '200.0', user: 'U1', blocks: [{ type: 'header' }] }), false);
  assert.equal(follows(first, { ts: '200.0', user: 'U1', files: [{ id: 'F1' }] }), false);
  assert.equal(follows(null, first), false);
});

test('glance: a message of a file alone says which', () => {
  assert.equal(glance({ files: [{ id: 'F1', name: 'a.txt', title: 'Raw outputs' }, { id: 'F2', name: 'b.txt' }] }, names), 'shared Raw outputs, b.txt');
  assert.equal(glance({ text: 'look', files: [{ id: 'F1', name: 'a.txt' }] }, names), 'look');
});

test('filePreview: the rest of a text is offered where there is one, with its length', () => {
  const words = (file) => shown(filePreview({ id: 'F1', name: 'a.txt', mimetype: 'text/plain', size: 9, ...file }, 'U1'));
  assert.match(words({ preview: 'a\nb', lines: 40, preview_is_truncated: true }), /… 38 more lines: show the whole file/);
  assert.doesNotMatch(words({ preview: 'a\nb', lines: 2 }), /whole file/);
});
