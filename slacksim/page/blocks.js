// Block Kit, as descriptions of elements. Everything in a block is data of an app.
import { h, safeURL } from './dom.js';
import { markdown } from './markdown.js';
import { mrkdwn, plain } from './mrkdwn.js';
import { richText } from './richtext.js';
import { element } from './elements.js';

/** blocks describes a list of blocks. env: the mrkdwn ctx and what elements need (see elements.js). */
export function blocks(items, env) {
  return list(items).map((block) => h('div', { class: `block block-${kind(block)}`, data: { blockId: block.block_id } }, content(block, env)));
}

/** text describes a text object of either type. */
export function text(object, env) {
  if (!object) return [];
  return object.type === 'mrkdwn' ? mrkdwn(object.text, env) : plain(object.text, object.emoji);
}

const kind = (block) => String(block?.type ?? 'unknown').replace(/[^a-z_]/g, '');
const list = (value) => (Array.isArray(value) ? value : []);

function content(block, env) {
  switch (block.type) {
    case 'header':
      return h('h3', { class: 'block-title' }, text(block.text, env));
    case 'section':
      return section(block, env);
    case 'context':
      return list(block.elements).map((part) => (part.type === 'image' ? image(part, 'context-image') : h('span', { class: 'context-text' }, text(part, env))));
    case 'divider':
      return h('hr');
    case 'actions':
      return list(block.elements).map((part) => element(part, block, env));
    case 'image':
      return [block.title && h('div', { class: 'caption' }, text(block.title, env)), image(block, 'block-picture')];
    case 'rich_text':
      return richText(block.elements, env);
    case 'markdown':
      return markdown(block.text);
    case 'input':
      return input(block, env);
    case 'table':
      return table(block, env);
    default:
      return h('div', { class: 'unknown' }, `(a block of type ${block.type ?? 'none'} is not shown here)`);
  }
}

function section(block, env) {
  const accessory = block.accessory && (block.accessory.type === 'image' ? image(block.accessory, 'accessory-image') : element(block.accessory, block, env));
  return [
    h('div', { class: 'section-body' },
      block.text && h('div', { class: 'section-text' }, text(block.text, env)),
      list(block.fields).length > 0 && h('div', { class: 'fields' }, block.fields.map((field) => h('div', { class: 'field' }, text(field, env))))),
    accessory && h('div', { class: 'accessory' }, accessory),
  ];
}

function image(object, className) {
  const address = safeURL(object.image_url ?? object.slack_file?.url);
  const alt = object.alt_text ?? '';
  if (!address) return h('span', { class: 'unknown' }, `(image: ${alt || 'no description'})`);
  return h('img', { class: className, src: address, alt, loading: 'lazy' });
}

function input(block, env) {
  const problem = env.errors?.[block.block_id];
  const group = ['checkboxes', 'radio_buttons'].includes(block.element?.type);
  const label = [text(block.label, env), block.optional && h('span', { class: 'optional' }, ' (optional)')];
  return h(group ? 'fieldset' : 'label', { class: problem ? 'input-block has-error' : 'input-block' },
    h(group ? 'legend' : 'span', { class: 'input-label' }, label),
    element(block.element, block, env),
    problem && h('span', { class: 'input-error', role: 'alert', data: { testid: `input-error-${block.block_id}` } }, problem),
    block.hint && h('span', { class: 'input-hint' }, text(block.hint, env)));
}

function table(block, env) {
  const rows = list(block.rows).filter(Array.isArray);
  const settings = list(block.column_settings);
  const cell = (tag) => (data, column) => {
    const align = ['left', 'center', 'right'].includes(settings[column]?.align) ? settings[column].align : 'left';
    const inner = data?.type === 'rich_text' ? richText(data.elements, env) : [String(data?.text ?? data?.value ?? '')];
    return h(tag, { class: `align-${align}${settings[column]?.is_wrapped ? ' wrapped' : ''}` }, inner);
  };
  return h('div', { class: 'table-scroll' }, h('table', null,
    rows.length > 0 && h('thead', null, h('tr', null, rows[0].map(cell('th')))),
    h('tbody', null, rows.slice(1).map((row) => h('tr', null, row.map(cell('td')))))));
}
