// Elements as plain data first, as DOM nodes second. Renderers return what h()
// builds, so they run without a browser; realise() is the only place where the
// data becomes nodes, and it writes text with createTextNode alone.

const svgTags = new Set(['svg', 'path', 'circle', 'rect', 'g']);
const tags = new Set([
  'a', 'article', 'aside', 'b', 'blockquote', 'br', 'button', 'code', 'del', 'details', 'dialog', 'div',
  'em', 'fieldset', 'footer', 'form', 'h1', 'h2', 'h3', 'header', 'hr', 'i', 'img', 'input', 'label',
  'legend', 'li', 'nav', 'ol', 'optgroup', 'option', 'p', 'pre', 'section', 'select', 'span', 'strong',
  'summary', 'table', 'tbody', 'td', 'textarea', 'th', 'thead', 'time', 'tr', 'ul', ...svgTags,
]);
const flags = new Set(['checked', 'disabled', 'hidden', 'multiple', 'open', 'readonly', 'required', 'selected']);

/** h describes one element. Strings among the children are text, never markup. */
export function h(tag, attrs, ...children) {
  if (!tags.has(tag)) throw new Error(`h: element <${tag}> is not allowed`);
  return { tag, attrs: attrs || {}, children: children.flat(Infinity).filter((c) => c != null && c !== false && c !== '') };
}

/** safeURL answers the address when a link or an image may use it, else null. */
export function safeURL(address) {
  const text = String(address ?? '').trim();
  if (/^\/(?![/\\])/.test(text)) return text;
  try {
    const url = new URL(text);
    return ['http:', 'https:', 'mailto:'].includes(url.protocol) ? text : null;
  } catch {
    return null;
  }
}

/** realise turns a description into a DOM node. */
export function realise(v) {
  if (typeof v !== 'object') return document.createTextNode(String(v));
  const el = svgTags.has(v.tag)
    ? document.createElementNS('http://www.w3.org/2000/svg', v.tag)
    : document.createElement(v.tag);
  for (const [name, value] of Object.entries(v.attrs)) setAttribute(el, name, value);
  for (const child of v.children) el.append(realise(child));
  if (v.tag === 'select' && v.attrs.chosen != null) el.value = v.attrs.chosen;
  v.attrs.ref?.(el);
  return el;
}

function setAttribute(el, name, value) {
  if (value == null || value === false || name === 'ref' || name === 'chosen') return;
  if (name === 'on') {
    for (const [event, fn] of Object.entries(value)) el.addEventListener(event, fn);
  } else if (name === 'data') {
    for (const [key, item] of Object.entries(value)) if (item != null) el.dataset[key] = String(item);
  } else if (name === 'vars') {
    for (const [key, item] of Object.entries(value)) el.style.setProperty(`--${key}`, String(item));
  } else if (name === 'href' || name === 'src') {
    const address = safeURL(value);
    if (address) el.setAttribute(name, address);
  } else if (name === 'value') {
    el.value = value;
    if (el.tagName === 'OPTION' || el.type === 'radio' || el.type === 'checkbox') el.setAttribute('value', value);
  } else if (name.startsWith('on') || name === 'style' || name === 'srcdoc') {
    throw new Error(`realise: attribute ${name} is not allowed`);
  } else {
    el.setAttribute(name, flags.has(name) ? '' : String(value));
  }
}

/** replace swaps the content of el for the given descriptions. */
export function replace(el, ...children) {
  el.replaceChildren(...children.flat(Infinity).filter((c) => c != null && c !== false).map(realise));
}

/**
 * syncList makes the children of el match items ({key, sig, build}) and rebuilds only
 * those whose sig changed, so that an open menu or a focused button elsewhere survives.
 */
export function syncList(el, items) {
  const old = new Map([...el.children].map((child) => [child.dataset.key, child]));
  let previous = null;
  for (const item of items) {
    let child = old.get(item.key);
    if (!child || child.itemSig !== item.sig) {
      const next = realise(item.build());
      next.dataset.key = item.key;
      next.itemSig = item.sig;
      if (child) swapKeepingFocus(child, next);
      child = next;
    }
    old.delete(item.key);
    const place = previous ? previous.nextSibling : el.firstChild;
    if (place !== child) el.insertBefore(child, place);
    previous = child;
  }
  for (const gone of old.values()) gone.remove();
}

function swapKeepingFocus(child, next) {
  const focused = child.contains(document.activeElement) ? document.activeElement.dataset.actionId : null;
  child.replaceWith(next);
  if (focused) next.querySelector(`[data-action-id="${CSS.escape(focused)}"]`)?.focus();
}

/** plainText is the text a person would read in a description; tests and labels use it. */
export function plainText(v) {
  if (v == null || v === false) return '';
  if (Array.isArray(v)) return v.map(plainText).join('');
  return typeof v === 'object' ? v.attrs['aria-label'] && v.attrs.role === 'img' ? v.attrs['aria-label'] : plainText(v.children) : String(v);
}
