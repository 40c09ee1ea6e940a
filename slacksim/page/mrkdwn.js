// Slack's mrkdwn, as descriptions of elements. Rules observed from Slack's own client:
// a mark opens only at a word's start, closes only at a word's end, on the same line.
import { h, safeURL } from './dom.js';
import { withEmoji } from './emoji.js';
import { formatDate } from './dates.js';

const marks = { '*': ['strong', 'bold'], _: ['em', 'italic'], '~': ['del', 'strike'] };

/** decode undoes the three escapes that Slack knows; any other entity stays as written. */
export function decode(text) {
  return String(text).replace(/&(amp|lt|gt);/g, (_, name) => ({ amp: '&', lt: '<', gt: '>' })[name]);
}

/** mrkdwn describes a whole text. ctx: {me, user(id), channel(id), usergroup(id)}, each may answer undefined. */
export function mrkdwn(text, ctx) {
  const parts = String(text ?? '').split(/```([\s\S]+?)```\n?/);
  return parts.flatMap((part, i) => {
    if (i % 2) return [h('pre', { class: 'code-block' }, unwrap(part.replace(/^\n|\n$/g, ''), ctx))];
    return i && !part ? [] : quotes(i < parts.length - 1 ? part.replace(/\n$/, '') : part, ctx);
  });
}

/** plain describes a plain_text object's text: no marks and no mentions, and :shortcodes: unless its emoji is false. */
export function plain(text, shortcodes) {
  return withEmoji(decode(text ?? ''), shortcodes);
}

function quotes(text, ctx) {
  const rest = text.search(/^(?:&gt;|>){3}/m);
  if (rest >= 0) {
    const quoted = text.slice(rest).replace(/^(?:&gt;|>){3} ?/, '');
    return [...quotes(text.slice(0, rest).replace(/\n$/, ''), ctx), h('blockquote', null, inline(quoted, ctx))];
  }
  const out = [];
  let run = [];
  let quoting = false;
  const flush = () => {
    if (run.length) out.push(...(quoting ? [h('blockquote', null, inline(run.join('\n'), ctx))] : inline(run.join('\n'), ctx)));
    run = [];
  };
  for (const line of text ? text.split('\n') : []) {
    const quote = /^(?:&gt;|>)/.test(line);
    if (quote !== quoting) flush();
    quoting = quote;
    run.push(quote ? line.replace(/^(?:&gt;|>) ?/, '') : line);
  }
  flush();
  return out;
}

/** inline describes one run of text; barred holds the marks already open around it. */
export function inline(text, ctx, barred = '') {
  const out = [];
  let literal = '';
  let unclosed = '';
  const flush = () => {
    if (literal) out.push(...withEmoji(decode(literal)));
    literal = '';
  };
  for (let i = 0; i < text.length; ) {
    const span = text[i] === '\n' ? null : spanAt(text, i, ctx, barred, unclosed);
    if (text[i] === '\n') unclosed = '';
    if (span?.node) {
      flush();
      out.push(...[span.node].flat());
      i = span.end;
    } else {
      // A mark that nothing closes cannot be closed for a later one on this line either:
      // remembering it keeps a hostile line linear.
      if (span?.unclosed) unclosed += text[i];
      literal += text[i++];
    }
  }
  flush();
  return out;
}

function spanAt(text, i, ctx, barred, unclosed) {
  const char = text[i];
  if (char === '<') {
    const end = text.indexOf('>', i + 1);
    const node = end > i + 1 && !text.slice(i + 1, end).includes('<') ? token(text.slice(i + 1, end), ctx) : null;
    return node && { node, end: end + 1 };
  }
  if (char === '`' && !unclosed.includes('`')) {
    const end = lineIndex(text, '`', i + 1);
    if (end < 0) return { unclosed: true };
    return end > i + 1 && { node: h('code', null, unwrap(text.slice(i + 1, end), ctx)), end: end + 1 };
  }
  if (Object.hasOwn(marks, char) && !barred.includes(char) && !unclosed.includes(char) && !wordBefore(text, i)) {
    const end = closing(text, i);
    if (end < 0) return { unclosed: true };
    return end > 0 && { node: h(marks[char][0], null, inline(text.slice(i + 1, end), ctx, barred + char)), end: end + 1 };
  }
  if (char === 'h' && !wordBefore(text, i)) {
    const bare = /^https?:\/\/[^\s<>`]+/.exec(text.slice(i, i + 2000))?.[0].replace(/[.,;:!?)*_~'"]+$/, '');
    return bare && { node: link(decode(bare), [decode(bare)]), end: i + bare.length };
  }
  return null;
}

function closing(text, open) {
  const char = text[open];
  if (/[\s]/.test(text[open + 1] ?? ' ') || text[open + 1] === char) return 0;
  for (let i = open + 1; i < text.length && text[i] !== '\n'; i++) {
    if (text[i] === '<') {
      const end = lineIndex(text, '>', i);
      if (end > 0) i = end;
    } else if (text[i] === '`') {
      const end = lineIndex(text, '`', i + 1);
      if (end > 0) i = end;
    } else if (text[i] === char && !/\s/.test(text[i - 1]) && !/[\p{L}\p{N}]/u.test(text[i + 1] ?? '')) {
      return i;
    }
  }
  return -1;
}

function lineIndex(text, char, from) {
  for (let i = from; i < text.length && text[i] !== '\n'; i++) if (text[i] === char) return i;
  return -1;
}

function wordBefore(text, i) {
  return i > 0 && /[\p{L}\p{N}]/u.test(text[i - 1]);
}

/** unwrap shows tokens inside code as their label: code is never formatted. */
function unwrap(text, ctx) {
  return decode(text.replace(/<([^<>\n]+)>/g, (whole, body) => {
    const [target, label] = cut(body, '|');
    if (label) return label;
    if (/^[@#][A-Z0-9]+$/.test(target)) return target[0] + (ctx[target[0] === '@' ? 'user' : 'channel']?.(target.slice(1))?.name ?? target.slice(1));
    return /^(https?:|mailto:)/.test(target) ? target : whole;
  }));
}

function token(body, ctx) {
  const [target, label] = cut(body, '|');
  const kind = target[0];
  if (kind === '@') return mention(target.slice(1), label, ctx);
  if (kind === '#') return channelLink(target.slice(1), label, ctx);
  if (kind === '!') return special(target.slice(1), label, ctx);
  if (!/^[a-z][a-z0-9+.-]*:/i.test(target)) return null;
  return link(decode(target), label ? inline(label, ctx, '*_~') : [decode(target).replace(/^mailto:/, '')]);
}

/** mention describes <@U…>, marked when it is the reader. */
export function mention(id, label, ctx) {
  const user = ctx.user?.(id);
  const name = user?.name ?? (label ? decode(label) : id);
  return h('span', { class: id === ctx.me ? 'mention me' : 'mention', data: { user: id } }, `@${name}`);
}

/** channelLink describes <#C…>. */
export function channelLink(id, label, ctx) {
  const channel = ctx.channel?.(id);
  const name = channel?.name ?? (label ? decode(label) : null);
  return h('button', { type: 'button', class: 'mention', data: { goChannel: id } }, name ? `#${name}` : '🔒 private channel');
}

/** broadcast describes <!here>, <!channel> and <!everyone>. */
export function broadcast(range) {
  return h('span', { class: 'mention me' }, `@${range}`);
}

function special(command, label, ctx) {
  const [name, ...rest] = command.split('^');
  if (['here', 'channel', 'everyone'].includes(name)) return broadcast(name);
  if (name === 'subteam') {
    const group = ctx.usergroup?.(rest[0]);
    return h('span', { class: 'mention' }, `@${group?.handle ?? (label ? decode(label).replace(/^@/, '') : rest[0])}`);
  }
  if (name === 'date') {
    const text = formatDate(Number(rest[0]), decode(rest[1] ?? ''), new Date()) ?? decode(label ?? '');
    return rest[2] ? link(decode(rest[2]), [text]) : h('time', { title: decode(label ?? '') }, text);
  }
  return h('span', { class: 'mention' }, decode(label ?? name));
}

/** link describes an address with its label; an address no browser should follow stays text. */
export function link(address, label) {
  const url = safeURL(address);
  if (!url || url.startsWith('/')) return [...label, ...(label.join('') === address ? [] : [` (${address})`])];
  return h('a', { href: url, target: '_blank', rel: 'noopener noreferrer' }, label);
}

function cut(text, separator) {
  const at = text.indexOf(separator);
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
}
