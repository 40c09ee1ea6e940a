// Where a person writes: Enter sends, Shift+Enter breaks the line, Tab or Enter takes what is offered.
import { h, realise, replace } from './dom.js';
import { accept, completions } from './complete.js';
import { icon } from './message.js';

/**
 * newComposer makes a composer. options: {testid, sources() → for completions, send(text) → promise}.
 * It answers {el, show({place, hint, note}), focus()}; drafts are kept per place.
 */
export function newComposer({ testid, sources, send }) {
  const drafts = new Map();
  let place = null;
  let offered = null;
  let chosen = 0;
  let sending = false;
  const parts = {};
  const el = realise(h('div', { class: 'composer' },
    h('div', { class: 'composer-problem', role: 'alert', hidden: true, data: { testid: `${testid}-problem` }, ref: (n) => { parts.problem = n; } }),
    h('div', { class: 'completions', role: 'listbox', id: `${testid}-completions`, hidden: true, ref: (n) => { parts.list = n; } }),
    h('div', { class: 'composer-box' },
      h('textarea', {
        class: 'composer-input', rows: 1, spellcheck: 'false', autocomplete: 'off', 'aria-controls': `${testid}-completions`, data: { testid: `${testid}-input` }, ref: (n) => { parts.input = n; },
        on: { input: typed, keydown: key, blur: () => setTimeout(hide, 150), click: offer },
      }),
      h('button', { type: 'button', class: 'composer-send', 'aria-label': 'Send', title: 'Send (Enter)', data: { testid: `${testid}-send` }, on: { click: submit }, ref: (n) => { parts.send = n; } },
        icon('M4 12L20 4l-5 16-3.5-6.5zM11.5 13.5L20 4')))));

  function typed() {
    drafts.set(place, parts.input.value);
    parts.problem.hidden = true;
    fit();
    offer();
  }

  function fit() {
    parts.input.style.setProperty('height', 'auto');
    parts.input.style.setProperty('height', `${Math.min(parts.input.scrollHeight, 220)}px`);
    parts.send.classList.toggle('ready', parts.input.value.trim() !== '');
  }

  function offer() {
    offered = completions(parts.input.value, parts.input.selectionStart, sources());
    chosen = 0;
    drawOffer();
  }

  function drawOffer() {
    parts.list.hidden = !offered;
    if (!offered) return parts.input.removeAttribute('aria-activedescendant');
    replace(parts.list, offered.items.map((item, i) => h('button', {
      type: 'button', class: i === chosen ? 'completion chosen' : 'completion', role: 'option', id: `${testid}-completion-${i}`, tabindex: -1, 'aria-selected': String(i === chosen),
      data: { testid: `completion-${item.insert}` }, on: { mousedown: (event) => event.preventDefault(), click: () => take(item) },
    }, h('span', { class: 'completion-name' }, item.label), h('span', { class: 'completion-hint' }, item.hint))));
    parts.input.setAttribute('aria-activedescendant', `${testid}-completion-${chosen}`);
    parts.list.children[chosen]?.scrollIntoView({ block: 'nearest' });
  }

  function hide() {
    offered = null;
    drawOffer();
  }

  function take(item) {
    const next = accept(parts.input.value, parts.input.selectionStart, offered.from, item);
    parts.input.value = next.text;
    parts.input.setSelectionRange(next.caret, next.caret);
    parts.input.focus();
    typed();
  }

  function key(event) {
    if (event.isComposing) return;
    if (offered) {
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (step) { event.preventDefault(); chosen = (chosen + step + offered.items.length) % offered.items.length; return drawOffer(); }
      if (event.key === 'Tab' || (event.key === 'Enter' && !event.shiftKey)) { event.preventDefault(); return take(offered.items[chosen]); }
      if (event.key === 'Escape') { event.preventDefault(); event.stopPropagation(); return hide(); }
    }
    if (event.key === 'Enter' && !event.shiftKey) { event.preventDefault(); submit(); }
  }

  async function submit() {
    const text = parts.input.value.trim();
    const from = place;
    if (!text || sending) return;
    sending = true;
    hide();
    // The text leaves the box at once and comes back only when it was refused.
    parts.input.value = '';
    drafts.delete(from);
    fit();
    try {
      await send(text);
    } catch (problem) {
      if (!drafts.get(from)) drafts.set(from, text);
      if (place === from) {
        parts.input.value = drafts.get(from);
        fit();
        parts.problem.textContent = problem.message;
        parts.problem.hidden = false;
      }
    } finally {
      sending = false;
    }
  }

  function show(next) {
    parts.input.placeholder = next.hint;
    parts.input.setAttribute('aria-label', next.hint);
    if (place === next.place) return;
    place = next.place;
    parts.input.value = drafts.get(place) ?? '';
    parts.problem.hidden = true;
    hide();
    fit();
  }

  // Another width has other lines, and a phone other paddings.
  window.addEventListener('resize', fit);
  return { el, show, focus: () => parts.input.focus({ preventScroll: true }) };
}
