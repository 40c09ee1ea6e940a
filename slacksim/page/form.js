// What a person has typed and chosen in one message or view, until it is submitted.
import { initialValue } from './elements.js';

/** newForm makes an empty form. */
export function newForm() {
  const values = new Map();
  const key = (element, block) => `${block.block_id}\n${element.action_id}`;
  return {
    get: (element, block) => values.get(key(element, block)) ?? initialValue(element),
    set: (element, block, value) => values.set(key(element, block), value),
    /** state is view.state.values for the given blocks: every stateful element, touched or not. */
    state(blocks) {
      const out = {};
      for (const block of blocks ?? []) {
        for (const element of [block.element, block.accessory, ...(block.type === 'actions' ? block.elements : [])]) {
          if (!element?.action_id) continue;
          const value = values.get(key(element, block)) ?? initialValue(element);
          if (value) (out[block.block_id] ??= {})[element.action_id] = value;
        }
      }
      return out;
    },
  };
}
