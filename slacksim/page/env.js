// What renderers need beside the data: names, and ways to act as the person.
import { act } from './api.js';
import { askPerson } from './confirm.js';
import { newForm } from './form.js';
import { foreign, personName, persons, roomName } from './store.js';

/** newEnv makes the environment of a page. failed(problem) tells the person. */
export function newEnv(store, failed) {
  const forms = new Map();
  const env = {
    get me() { return store.me; },
    user: (id) => (store.users.has(id) ? { name: personName(store.users.get(id)) } : undefined),
    channel: (id) => (store.channels.has(id) ? { name: roomName(store, store.channels.get(id)) } : undefined),
    usergroup: (id) => store.usergroups.get(id),
    get people() { return persons(store).filter((p) => !foreign(store, p)).map((p) => ({ id: p.id, label: personName(p) })); },
    get rooms() { return [...store.channels.values()].filter((c) => !c.is_im && !c.is_archived).map((c) => ({ id: c.id, label: `#${c.name}` })); },
    confirm: (dialog) => askPerson(dialog, env),
    form: newForm(),
    act: async () => {},
    suggest: async () => ({ options: [] }),
    errors: {},
    /** at binds the environment to one message ({channel, message_ts}) or one view ({view_id, view, form, errors}). */
    at: ({ form, view, errors, ...where }) => Object.create(env, Object.getOwnPropertyDescriptors(bind(store, where, form ?? formOf(forms, store.me, where), view, errors, failed))),
  };
  return env;
}

function formOf(forms, me, where) {
  const key = JSON.stringify([me, where]);
  if (!forms.has(key)) forms.set(key, newForm());
  return forms.get(key);
}

function bind(store, where, form, view, errors, failed) {
  const blocksOf = () => view?.blocks ?? messageOf(store, where)?.blocks;
  return {
    form,
    errors: errors ?? {},
    act: (element, block, payload) => act('action', {
      user: store.me, ...where, block_id: block.block_id, action_id: element.action_id, ...payload, state: { values: form.state(blocksOf()) },
    }).catch(failed),
    suggest: (element, block, value) => act('options', { user: store.me, ...where, block_id: block.block_id, action_id: element.action_id, value })
      .catch((problem) => ({ options: [], error: problem.message })),
  };
}

function messageOf(store, { channel, message_ts: ts }) {
  for (const [key, list] of store.threads) if (key.startsWith(`${channel}/`) && list.has(ts)) return list.get(ts);
  return store.top.get(channel)?.get(ts);
}
