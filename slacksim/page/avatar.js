// Faces: a person's initials on their colour; the app's own sign.
import { h } from './dom.js';

/** avatar describes the picture of user. */
export function avatar(user, name, store) {
  if (user.id && user.id === store.app.bot_user_id) return appSign();
  const color = /^[0-9a-f]{6}$/i.test(user.color ?? '') ? `#${user.color}` : '#667085';
  const words = String(user.real_name || user.name || name || '?').split(/[\s._-]+/).filter(Boolean);
  const initials = words.slice(0, 2).map((word) => [...word][0].toUpperCase()).join('');
  return h('span', { class: 'avatar', vars: { face: color }, 'aria-hidden': 'true' }, initials);
}

function appSign() {
  return h('span', { class: 'avatar app', 'aria-hidden': 'true' },
    h('svg', { viewBox: '0 0 36 36' },
      h('path', { d: 'M4 19h6l4-10 7 19 4-9h7', fill: 'none', stroke: '#fff', 'stroke-width': 3.2, 'stroke-linecap': 'round', 'stroke-linejoin': 'round' })));
}
