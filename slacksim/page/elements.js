// The interactive parts of blocks. env holds, beside the mrkdwn ctx:
//   act(element, block, payload)  a click or a choice; answers when the workspace took it
//   suggest(element, block, text) options of an external menu, as a promise
//   confirm(dialog)               asks the person, as a promise of yes or no
//   form: get(element, block) and set(element, block, value) keep what is typed
//   people, rooms                 what user and channel menus offer
import { h, safeURL } from './dom.js';
import { plain, mrkdwn } from './mrkdwn.js';
import { openMenu } from './popover.js';
import { externalMenu } from './external.js';

const list = (value) => (Array.isArray(value) ? value : []);
const tags = (element) => ({ actionId: element.action_id, testid: `action-${element.action_id}` });

/** element describes one interactive element of block. */
export function element(e, block, env) {
  const draw = Object.hasOwn(kinds, e?.type) ? kinds[e.type] : null;
  return draw ? draw(e, block, env) : h('span', { class: 'unknown' }, `(an element of type ${e?.type ?? 'none'} is not shown here)`);
}

/** initialValue is the state an untouched element has in view.state, or null when it is empty. */
export function initialValue(e) {
  const from = (name, initial) => (e[initial] == null ? null : { type: e.type, [name]: e[initial] });
  switch (e?.type) {
    case 'plain_text_input': case 'email_text_input': case 'url_text_input': case 'number_input':
      return { type: e.type, value: e.initial_value ?? null };
    case 'static_select': case 'external_select': case 'radio_buttons':
      return from('selected_option', 'initial_option') ?? { type: e.type, selected_option: null };
    case 'checkboxes': case 'multi_static_select': case 'multi_external_select':
      return { type: e.type, selected_options: e.initial_options ?? [] };
    case 'users_select': return { type: e.type, selected_user: e.initial_user ?? null };
    case 'channels_select': return { type: e.type, selected_channel: e.initial_channel ?? null };
    case 'conversations_select': return { type: e.type, selected_conversation: e.initial_conversation ?? null };
    case 'multi_users_select': return { type: e.type, selected_users: e.initial_users ?? [] };
    case 'multi_channels_select': return { type: e.type, selected_channels: e.initial_channels ?? [] };
    case 'multi_conversations_select': return { type: e.type, selected_conversations: e.initial_conversations ?? [] };
    case 'datepicker': return { type: e.type, selected_date: e.initial_date ?? null };
    case 'timepicker': return { type: e.type, selected_time: e.initial_time ?? null };
    default: return null;
  }
}

const kinds = {
  button, overflow,
  workflow_button: button,
  image: (e) => h('img', { class: 'context-image', src: e.image_url, alt: e.alt_text ?? '' }),
  plain_text_input: typed('text'), email_text_input: typed('email'), url_text_input: typed('url'), number_input: typed('number'),
  datepicker: picker('date', 'selected_date'), timepicker: picker('time', 'selected_time'),
  static_select: (e, block, env) => select(e, block, env, staticOptions(e), 'selected_option'),
  users_select: (e, block, env) => select(e, block, env, named(env.people), 'selected_user'),
  channels_select: (e, block, env) => select(e, block, env, named(env.rooms), 'selected_channel'),
  conversations_select: (e, block, env) => select(e, block, env, named([...env.rooms, ...env.people]), 'selected_conversation'),
  external_select: (e, block, env) => externalMenu(e, block, env, choose),
  multi_external_select: (e, block, env) => externalMenu(e, block, env, choose),
  multi_static_select: (e, block, env) => several(e, block, env, flat(staticOptions(e)), 'selected_options'),
  multi_users_select: (e, block, env) => several(e, block, env, named(env.people), 'selected_users'),
  multi_channels_select: (e, block, env) => several(e, block, env, named(env.rooms), 'selected_channels'),
  multi_conversations_select: (e, block, env) => several(e, block, env, named([...env.rooms, ...env.people]), 'selected_conversations'),
  checkboxes: (e, block, env) => boxes(e, block, env, 'checkbox'),
  radio_buttons: (e, block, env) => boxes(e, block, env, 'radio'),
};

function button(e, block, env) {
  const url = e.url && safeURL(e.url);
  const press = async (event) => {
    const el = event.currentTarget;
    if (el.getAttribute('aria-busy')) return;
    if (e.confirm && !(await env.confirm(e.confirm))) return;
    el.setAttribute('aria-busy', 'true');
    try {
      await env.act(e, block, e.value == null ? {} : { value: e.value });
    } finally {
      el.removeAttribute('aria-busy');
    }
    if (url) window.open(url, '_blank', 'noopener');
  };
  return h('button', {
    type: 'button', class: `btn ${['primary', 'danger'].includes(e.style) ? e.style : ''}`, 'aria-label': e.accessibility_label, data: tags(e), on: { click: press },
  }, h('span', { class: 'btn-label' }, plain(e.text?.text, e.text?.emoji), url && ' ↗'));
}

function overflow(e, block, env) {
  const choices = list(e.options).map((option) => ({
    label: plain(option.text?.text, option.text?.emoji), value: option.value,
    pick: () => (option.url && safeURL(option.url) && window.open(option.url, '_blank', 'noopener'), choose(e, block, env, { selected_option: option })),
  }));
  return h('button', {
    type: 'button', class: 'btn overflow', 'aria-label': 'More actions', 'aria-haspopup': 'menu', data: tags(e),
    on: { click: (event) => openMenu(event.currentTarget, choices) },
  }, '⋯');
}

/** choose keeps a choice and tells the app, after its confirm dialog if there is one; false when the person said no. */
async function choose(e, block, env, payload) {
  if (e.confirm && !(await env.confirm(e.confirm))) return false;
  env.form.set(e, block, { type: e.type, ...payload });
  if (block.type !== 'input' || block.dispatch_action) await env.act(e, block, payload);
  return true;
}

function typed(type) {
  return (e, block, env) => {
    const sendsOn = list(e.dispatch_action_config?.trigger_actions_on);
    const on = {
      input: (event) => {
        env.form.set(e, block, { type: e.type, value: event.currentTarget.value || null });
        if (block.dispatch_action && sendsOn.includes('on_character_entered')) env.act(e, block, { value: event.currentTarget.value });
      },
      keydown: (event) => {
        if (event.key !== 'Enter' || e.multiline || !block.dispatch_action) return;
        event.preventDefault();
        env.act(e, block, { value: event.currentTarget.value });
      },
    };
    const attrs = {
      class: 'text-input', data: tags(e), on, placeholder: e.placeholder?.text, minlength: e.min_length, maxlength: e.max_length,
      value: env.form.get(e, block)?.value ?? '', autofocus: e.focus_on_load && 'true',
    };
    if (e.multiline) return h('textarea', { ...attrs, rows: 4 });
    return h('input', { ...attrs, type, min: e.min_value, max: e.max_value, step: type === 'number' ? (e.is_decimal_allowed ? 'any' : 1) : null });
  };
}

function picker(type, key) {
  return (e, block, env) => h('input', {
    type, class: 'text-input picker', data: tags(e), 'aria-label': e.placeholder?.text, value: env.form.get(e, block)?.[key] ?? '',
    on: { change: (event) => choose(e, block, env, { [key]: event.currentTarget.value || null }) },
  });
}

function staticOptions(e) {
  if (!e.option_groups) return list(e.options).map(offer);
  return list(e.option_groups).map((group) => ({ label: group.label?.text ?? '', group: list(group.options).map(offer) }));
}

const offer = (option) => ({ id: option.value, label: option.text?.text ?? '', value: option });
const named = (things) => list(things).map((thing) => ({ id: thing.id, label: thing.label, value: thing.id }));
const flat = (options) => options.flatMap((option) => option.group ?? [option]);
const idOf = (value) => (value && typeof value === 'object' ? value.value : value) ?? '';

function select(e, block, env, options, key) {
  const current = idOf(env.form.get(e, block)?.[key]);
  const draw = (option) => h('option', { value: option.id, selected: option.id === current }, option.label);
  const change = async (event) => {
    const el = event.currentTarget;
    const option = flat(options).find((candidate) => candidate.id === el.value);
    if (option && !(await choose(e, block, env, { [key]: option.value }))) el.value = idOf(env.form.get(e, block)?.[key]);
  };
  return h('span', { class: 'select' }, h('select', { chosen: current, data: tags(e), 'aria-label': e.placeholder?.text, on: { change } },
    h('option', { value: '', disabled: true, selected: !current }, e.placeholder?.text ?? 'Choose'),
    options.map((option) => (option.group ? h('optgroup', { label: option.label }, option.group.map(draw)) : draw(option)))));
}

function several(e, block, env, options, key) {
  const now = () => list(env.form.get(e, block)?.[key]);
  const words = () => now().map((value) => options.find((option) => option.id === idOf(value))?.label).filter(Boolean).join(', ');
  const change = (option) => async (event) => {
    const summary = event.currentTarget.closest('details').querySelector('summary');
    const rest = now().filter((value) => idOf(value) !== option.id);
    await choose(e, block, env, { [key]: event.currentTarget.checked ? [...rest, option.value] : rest });
    summary.textContent = words() || (e.placeholder?.text ?? 'Choose');
  };
  return h('details', { class: 'several', data: tags(e) },
    h('summary', null, words() || (e.placeholder?.text ?? 'Choose')),
    h('div', { class: 'several-list' }, options.map((option) => h('label', { class: 'choice' },
      h('input', { type: 'checkbox', value: option.id, checked: now().some((value) => idOf(value) === option.id), on: { change: change(option) } }), h('span', null, option.label)))));
}

function boxes(e, block, env, type) {
  const key = type === 'radio' ? 'selected_option' : 'selected_options';
  const state = env.form.get(e, block);
  const chosen = new Set([state?.[key]].flat().filter(Boolean).map((option) => option.value));
  const change = async (event) => {
    const el = event.currentTarget;
    const picked = [...el.closest('.choices').querySelectorAll('input')].filter((box) => box.checked).map((box) => list(e.options).find((option) => option.value === box.value));
    if (!(await choose(e, block, env, { [key]: type === 'radio' ? picked[0] : picked }))) el.checked = !el.checked;
  };
  const name = `${block.block_id}-${e.action_id}`;
  const words = (object) => (object?.type === 'mrkdwn' ? mrkdwn(object.text, env) : plain(object?.text, object?.emoji));
  return h('div', { class: 'choices', data: tags(e) }, list(e.options).map((option) => h('label', { class: 'choice' },
    h('input', { type, name, value: option.value, checked: chosen.has(option.value), on: { change } }),
    h('span', null, words(option.text), option.description && h('span', { class: 'input-hint' }, words(option.description))))));
}
