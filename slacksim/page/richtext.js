// The rich_text block: sections, lists, code and quotes, as descriptions of elements.
import { h } from './dom.js';
import { emoji, withEmoji } from './emoji.js';
import { broadcast, channelLink, link, mention, mrkdwn } from './mrkdwn.js';

/** richText describes a rich_text block's elements; ctx as for mrkdwn. */
export function richText(elements, ctx) {
  return list(elements).map((element) => part(element, ctx));
}

function part(element, ctx) {
  const inner = () => list(element.elements).map((leaf) => styled(leaf, ctx));
  switch (element.type) {
    case 'rich_text_section':
      return h('div', { class: 'rich-section' }, inner());
    case 'rich_text_quote':
      return h('blockquote', null, inner());
    case 'rich_text_preformatted':
      return h('pre', { class: 'code-block' }, list(element.elements).map((leaf) => leaf.text ?? leaf.url ?? ''));
    case 'rich_text_list': {
      const items = list(element.elements).map((item) => h('li', null, part(item, ctx)));
      const attrs = { class: `rich-list indent-${Math.min(Number(element.indent) || 0, 8)}` };
      if (element.style !== 'ordered') return h('ul', attrs, items);
      return h('ol', { ...attrs, start: (Number(element.offset) || 0) + 1 }, items);
    }
    default:
      return h('div', { class: 'unknown' }, `(${element.type} is not shown here)`);
  }
}

function styled(leaf, ctx) {
  const style = leaf.style ?? {};
  let out = bare(leaf, ctx);
  if (style.code) out = [h('code', null, out)];
  if (style.strike) out = [h('del', null, out)];
  if (style.italic) out = [h('em', null, out)];
  if (style.bold) out = [h('strong', null, out)];
  return out;
}

function bare(leaf, ctx) {
  switch (leaf.type) {
    case 'text':
      return leaf.style?.code ? [leaf.text ?? ''] : withEmoji(leaf.text ?? '', false);
    case 'link':
      return [link(leaf.url, [leaf.text || leaf.url])].flat();
    case 'emoji':
      return [emoji(leaf.name) ?? `:${leaf.name}:`];
    case 'user':
      return [mention(leaf.user_id, '', ctx)];
    case 'channel':
      return [channelLink(leaf.channel_id, '', ctx)];
    case 'usergroup':
      return mrkdwn(`<!subteam^${String(leaf.usergroup_id).replace(/[^A-Z0-9]/g, '')}>`, ctx);
    case 'broadcast':
      return [broadcast(leaf.range)];
    case 'color':
      return [h('code', null, leaf.value ?? '')];
    case 'date':
      return mrkdwn(`<!date^${Number(leaf.timestamp)}^${String(leaf.format ?? '').replace(/[<>|^]/g, '')}|${String(leaf.fallback ?? '').replace(/[<>]/g, '')}>`, ctx);
    default:
      return [leaf.text ?? ''];
  }
}

const list = (value) => (Array.isArray(value) ? value : []);
