// The markdown block: the common part of CommonMark, as descriptions of elements.
import { h } from './dom.js';
import { withEmoji } from './emoji.js';
import { link } from './mrkdwn.js';

/** markdown describes a whole text. HTML in it stays text. */
export function markdown(text) {
  const lines = String(text ?? '').replace(/\r\n/g, '\n').split('\n');
  const out = [];
  for (let i = 0; i < lines.length; ) {
    const [node, next] = blockAt(lines, i);
    if (node) out.push(node);
    i = next;
  }
  return out;
}

function blockAt(lines, i) {
  const line = lines[i];
  if (!line.trim()) return [null, i + 1];
  if (/^\s*```/.test(line)) {
    let end = i + 1;
    while (end < lines.length && !/^\s*```\s*$/.test(lines[end])) end++;
    return [h('pre', { class: 'code-block' }, lines.slice(i + 1, end).join('\n')), end + 1];
  }
  const heading = /^(#{1,6})\s+(.*?)\s*#*$/.exec(line);
  if (heading) return [h(heading[1].length < 3 ? 'h2' : 'h3', { class: 'md-heading' }, spans(heading[2])), i + 1];
  if (/^\s*([-*_])(\s*\1){2,}\s*$/.test(line)) return [h('hr'), i + 1];
  if (/^\s*>/.test(line)) return grouped(lines, i, /^\s*> ?/, (rows) => h('blockquote', null, markdown(rows.join('\n'))));
  if (/^\s*[-*+] /.test(line)) return grouped(lines, i, /^\s*[-*+] /, (rows) => h('ul', { class: 'rich-list' }, rows.map(item)));
  if (/^\s*\d+[.)] /.test(line)) {
    return grouped(lines, i, /^\s*\d+[.)] /, (rows) => h('ol', { class: 'rich-list', start: parseInt(line, 10) }, rows.map(item)));
  }
  if (line.includes('|') && /^\s*\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?\s*$/.test(lines[i + 1] ?? '')) return table(lines, i);
  let end = i + 1;
  while (end < lines.length && lines[end].trim() && !/^\s*(```|#{1,6} |>|[-*+] |\d+[.)] )/.test(lines[end])) end++;
  return [h('p', null, spans(lines.slice(i, end).join('\n'))), end];
}

function grouped(lines, i, prefix, build) {
  let end = i;
  const rows = [];
  while (end < lines.length && prefix.test(lines[end])) rows.push(lines[end++].replace(prefix, ''));
  return [build(rows), end];
}

function item(row) {
  const task = /^\[([ xX])\] (.*)$/.exec(row);
  if (!task) return h('li', null, spans(row));
  return h('li', { class: 'task' }, h('input', { type: 'checkbox', disabled: true, checked: task[1] !== ' ' }), ' ', spans(task[2]));
}

function table(lines, i) {
  const cells = (line) => line.trim().replace(/^\||\|$/g, '').split('|').map((cell) => cell.trim());
  let end = i + 2;
  while (end < lines.length && lines[end].includes('|')) end++;
  const row = (tag) => (line) => h('tr', null, cells(line).map((cell) => h(tag, null, spans(cell))));
  return [
    h('div', { class: 'table-scroll' }, h('table', null, h('thead', null, row('th')(lines[i])), h('tbody', null, lines.slice(i + 2, end).map(row('td'))))),
    end,
  ];
}

const spanPattern = /(`+)(.+?)\1(?!`)|!?\[([^\]\n]{0,500})\]\(([^()\s]{1,2000})\)|(\*\*|__)(?=\S)(.{0,3000}?\S)\5|(?<![\w*])([*_])(?=\S)([^*\n]{0,3000}?\S)\7(?!\w)|~~(?=\S)(.{0,3000}?\S)~~|(https?:\/\/[^\s<>)`]{1,2000})/u;

function spans(text) {
  const hit = spanPattern.exec(text);
  if (!hit) return withEmoji(text);
  const [whole, , code, label, address, , bold, , italic, strike, bare] = hit;
  let node = bare && [link(bare, [bare])].flat();
  if (code != null) node = h('code', null, code);
  else if (label != null) node = link(address, [label]);
  else if (bold != null) node = h('strong', null, spans(bold));
  else if (italic != null) node = h('em', null, spans(italic));
  else if (strike != null) node = h('del', null, spans(strike));
  return [...withEmoji(text.slice(0, hit.index)), ...[node].flat(), ...spans(text.slice(hit.index + whole.length))];
}
