// A menu whose options the app supplies while the person types.
import { h, replace } from './dom.js';
import { plain } from './mrkdwn.js';

/** externalMenu describes an external_select; choose is called with what was picked. */
export function externalMenu(e, block, env, choose) {
  const many = e.type === 'multi_external_select';
  const picked = () => (many ? env.form.get(e, block)?.selected_options : [env.form.get(e, block)?.selected_option].filter(Boolean)) ?? [];
  const words = () => picked().map((option) => option.text?.text).join(', ');
  let box;
  let asked = 0;
  const show = (...children) => { replace(box, ...children); box.hidden = children.flat().length === 0; };
  const pick = (field, option) => async () => {
    const payload = many ? { selected_options: [...picked(), option] } : { selected_option: option };
    show();
    if (await choose(e, block, env, payload)) field.value = words();
  };
  const look = async (event) => {
    const field = event.currentTarget;
    const turn = ++asked;
    if (field.value.length < (e.min_query_length ?? 3)) return show();
    const answer = await env.suggest(e, block, field.value);
    if (turn !== asked) return;
    const options = answer.options ?? (answer.option_groups ?? []).flatMap((group) => group.options);
    show(options.length
      ? options.map((option) => h('button', { type: 'button', class: 'menu-item', role: 'option', data: { value: option.value }, on: { click: pick(field, option) } }, plain(option.text?.text)))
      : [h('div', { class: 'menu-note' }, answer.error ?? 'Nothing fits.')]);
  };
  return h('span', { class: 'external' },
    h('input', { type: 'text', class: 'text-input', role: 'combobox', 'aria-expanded': 'false', placeholder: e.placeholder?.text, value: words(), data: { actionId: e.action_id, testid: `action-${e.action_id}` }, on: { input: look, focus: look } }),
    h('span', { class: 'menu external-list', role: 'listbox', hidden: true, ref: (el) => { box = el; } }));
}
