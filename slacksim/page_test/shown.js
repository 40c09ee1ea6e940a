// What the tests look at: a description, as the markup a reader would expect of it.

const void_ = new Set(['br', 'hr', 'img', 'input']);

/** shown prints descriptions; text is escaped, so that a "<" in the output is always an element. */
export function shown(v) {
  if (Array.isArray(v)) return v.map(shown).join('');
  if (typeof v !== 'object') return String(v).replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;');
  const attrs = ['class', 'href', 'src', 'start'].filter((name) => v.attrs[name] != null).map((name) => ` ${name}="${v.attrs[name]}"`).join('');
  return `<${v.tag}${attrs}>${void_.has(v.tag) ? '' : `${shown(v.children)}</${v.tag}>`}`;
}

/** all lists every element in descriptions. */
export function all(v) {
  if (Array.isArray(v)) return v.flatMap(all);
  return typeof v === 'object' ? [v, ...all(v.children)] : [];
}

/** names is a ctx with one person, one channel and one group. */
export const names = {
  me: 'U2',
  user: (id) => ({ U1: { name: 'Alice' }, U2: { name: 'Bob' }, UX: { name: '<b>Eve</b>' } })[id],
  channel: (id) => ({ C1: { name: 'ops' } })[id],
  usergroup: (id) => ({ S1: { handle: 'oncall' } })[id],
};
