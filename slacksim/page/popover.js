// Small menus next to a button: Esc and a click elsewhere close them, arrows move.
import { h, realise } from './dom.js';

let close = () => {};

/** openMenu shows choices ({label, pick, value?}) by the anchor. */
export function openMenu(anchor, choices) {
  openPopover(anchor, 'menu', choices.map((choice) => h('button', {
    type: 'button', role: 'menuitem', class: 'menu-item', data: { value: choice.value }, on: { click: () => { close(); choice.pick(); } },
  }, choice.label)));
}

/** openPopover shows any content by the anchor and gives the first button the focus. */
export function openPopover(anchor, className, content) {
  close();
  const el = realise(h('div', { class: `popover ${className}`, role: 'menu' }, content));
  // An open dialog makes everything outside of it unreachable, so its menus live inside it.
  (anchor.closest('dialog') ?? document.body).append(el);
  place(el, anchor.getBoundingClientRect());
  const away = (event) => el.contains(event.target) || close();
  const keys = (event) => {
    if (event.key === 'Escape') { event.stopPropagation(); event.preventDefault(); close(); anchor.focus(); }
    if (event.key === 'ArrowDown' || event.key === 'ArrowUp') { event.preventDefault(); move(el, event.key === 'ArrowDown' ? 1 : -1); }
  };
  close = () => {
    el.remove();
    document.removeEventListener('pointerdown', away, true);
    document.removeEventListener('keydown', keys, true);
    close = () => {};
  };
  document.addEventListener('pointerdown', away, true);
  document.addEventListener('keydown', keys, true);
  el.querySelector('button')?.focus();
}

/** closePopover closes whatever is open. */
export function closePopover() {
  close();
}

function place(el, anchor) {
  const { width, height } = el.getBoundingClientRect();
  const left = Math.max(8, Math.min(anchor.left, innerWidth - width - 8));
  const below = anchor.bottom + 4;
  const top = below + height > innerHeight - 8 ? Math.max(8, anchor.top - height - 4) : below;
  el.style.setProperty('left', `${left}px`);
  el.style.setProperty('top', `${top}px`);
}

function move(el, step) {
  const items = [...el.querySelectorAll('button')];
  const at = items.indexOf(document.activeElement);
  items[(at + step + items.length) % items.length]?.focus();
}
