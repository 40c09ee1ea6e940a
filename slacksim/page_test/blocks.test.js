import test from 'node:test';
import assert from 'node:assert/strict';
import { blocks } from '../page/blocks.js';
import { markdown } from '../page/markdown.js';
import { safeURL, h, plainText } from '../page/dom.js';
import { newForm } from '../page/form.js';
import { shown, all, names } from './shown.js';

const evil = '<img src=x onerror=alert(1)>';
const env = (more) => ({ ...names, form: newForm(), errors: {}, people: [], rooms: [], act: async () => {}, confirm: async () => true, suggest: async () => ({ options: [] }), ...more });
const md = (text) => ({ type: 'mrkdwn', text });
const pt = (text) => ({ type: 'plain_text', text });
const options = [{ text: pt(evil), value: 'a', description: pt(evil) }];

const everywhere = [
  { type: 'header', text: pt(evil) },
  { type: 'section', text: md(evil), fields: [md(evil), pt(evil)], accessory: { type: 'overflow', action_id: 'o', options } },
  { type: 'context', elements: [md(evil), { type: 'image', image_url: 'javascript:alert(1)', alt_text: evil }] },
  { type: 'image', image_url: 'javascript:alert(1)', alt_text: evil, title: pt(evil) },
  { type: 'actions', elements: ['button', 'static_select', 'checkboxes', 'radio_buttons', 'multi_static_select', 'external_select', 'datepicker', evil].map((type) => ({ type, action_id: evil, text: pt(evil), placeholder: pt(evil), options, url: 'javascript:alert(1)' })) },
  { type: 'input', block_id: 'i', label: pt(evil), hint: pt(evil), element: { type: 'plain_text_input', action_id: 'v', initial_value: evil, placeholder: pt(evil) } },
  { type: 'rich_text', elements: [{ type: 'rich_text_section', elements: [{ type: 'text', text: evil, style: { bold: true, code: true } }, { type: 'link', url: 'javascript:alert(1)', text: evil }, { type: 'emoji', name: evil }, { type: 'usergroup', usergroup_id: evil }, { type: 'date', timestamp: evil, format: evil, fallback: evil }, { type: 'user', user_id: 'UX' }] }, { type: 'rich_text_preformatted', elements: [{ type: 'text', text: evil }] }, { type: evil }] },
  { type: 'markdown', text: `# ${evil}\n${evil} [x](javascript:alert(1)) ![x](data:text/html,x)\n\n| a | b |\n|---|---|\n| ${evil} | x |` },
  { type: 'table', rows: [[{ type: 'raw_text', text: evil }], [{ type: 'rich_text', elements: [{ type: 'rich_text_section', elements: [{ type: 'text', text: evil }] }] }]] },
  { type: evil }, { type: 'constructor' }, { type: 'section', accessory: { type: '__proto__' } },
];

test('blocks: nothing in any place of a block becomes markup or a script', () => {
  for (const element of all(blocks(everywhere, env({ errors: { i: evil } })))) {
    assert.notEqual(element.tag, 'script');
    for (const name of ['href', 'src']) if (element.attrs[name]) assert.ok(safeURL(element.attrs[name]) && !/^(javascript|data)/.test(element.attrs[name]), element.attrs[name]);
    assert.deepEqual(Object.entries(element.attrs).filter(([name]) => name.startsWith('on') && name !== 'on'), []);
    assert.ok(!/[<>"]/.test(element.attrs.class ?? ''), element.attrs.class);
  }
});

test('blocks: what is hostile is still shown, as text', () => {
  assert.equal(plainText(blocks([{ type: 'header', text: pt(evil) }], env())), evil);
  assert.equal(plainText(blocks([{ type: 'markdown', text: evil }], env())), evil);
});

test('blocks: shortcodes become emoji in mrkdwn and plain_text, not where emoji is false and not in rich_text', () => {
  const drawn = (...items) => all(blocks(items, env())).filter((e) => e.attrs.class === 'emoji').length;
  assert.equal(drawn({ type: 'section', text: md(':fire:') }), 1);
  assert.equal(drawn({ type: 'header', text: pt(':fire:') }), 1);
  assert.equal(drawn({ type: 'header', text: { ...pt(':fire:'), emoji: false } }), 0);
  assert.equal(drawn({ type: 'rich_text', elements: [{ type: 'rich_text_section', elements: [{ type: 'text', text: ':fire:' }] }] }), 0);
  assert.equal(drawn({ type: 'rich_text', elements: [{ type: 'rich_text_section', elements: [{ type: 'text', text: '🔴 down' }, { type: 'emoji', name: 'fire' }] }] }), 2);
});

test('blocks: a malformed block is shown as such and takes nothing down', () => {
  for (const block of [{}, { type: 'section' }, { type: 'actions' }, { type: 'context', elements: 'x' }, { type: 'rich_text' }, { type: 'table', rows: [null, {}] }, { type: 'input' }, { type: 'image' }]) {
    assert.doesNotThrow(() => blocks([block], env()), JSON.stringify(block));
  }
  assert.match(plainText(blocks([{ type: 'video' }], env())), /type video is not shown/);
});

test('blocks: a press on a button with a confirm dialog reaches the app only after yes', async () => {
  for (const [answer, want] of [[false, []], [true, [{ value: 'apr-1' }]]]) {
    const got = [];
    const place = env({ confirm: async () => answer, act: async (e, b, payload) => { got.push(payload); } });
    const button = all(blocks([{ type: 'actions', block_id: 'b', elements: [{ type: 'button', action_id: 'approve', text: pt('Approve'), value: 'apr-1', confirm: { title: pt('Sure?') } }] }], place)).find((e) => e.tag === 'button');
    assert.equal(button.attrs.data.actionId, 'approve');
    await button.attrs.on.click({ currentTarget: { getAttribute: () => null, setAttribute() {}, removeAttribute() {} } });
    assert.deepEqual(got, want);
  }
});

test('blocks: a second press on a busy button does nothing', async () => {
  let presses = 0;
  const button = all(blocks([{ type: 'actions', elements: [{ type: 'button', action_id: 'a', text: pt('Go') }] }], env({ act: async () => { presses++; } }))).find((e) => e.tag === 'button');
  await button.attrs.on.click({ currentTarget: { getAttribute: () => 'true' } });
  assert.equal(presses, 0);
});

test('blocks: an input shows the error that the app gave for it', () => {
  const input = { type: 'input', block_id: 'why', label: pt('Reason'), element: { type: 'plain_text_input', action_id: 'v' } };
  assert.match(shown(blocks([input], env({ errors: { why: 'too short' } }))), /class="input-error">too short</);
  assert.doesNotMatch(shown(blocks([input], env())), /input-error/);
});

test('form: the state holds what was typed, and the initial value of what was not touched', () => {
  const form = newForm();
  const why = { type: 'input', block_id: 'why', element: { type: 'plain_text_input', action_id: 'v' } };
  const how = { type: 'input', block_id: 'how', element: { type: 'radio_buttons', action_id: 'v', initial_option: options[0], options } };
  form.set(why.element, why, { type: 'plain_text_input', value: 'because' });
  assert.deepEqual(form.state([why, how, { type: 'divider' }]), {
    why: { v: { type: 'plain_text_input', value: 'because' } },
    how: { v: { type: 'radio_buttons', selected_option: options[0] } },
  });
});

test('markdown: the common part of CommonMark', () => {
  for (const [text, want] of [
    ['**a** *b* ~~c~~ `d`', '<p><strong>a</strong> <em>b</em> <del>c</del> <code>d</code></p>'],
    ['- a\n- b', '<ul class="rich-list"><li>a</li><li>b</li></ul>'],
    ['3. a\n4. b', '<ol class="rich-list" start="3"><li>a</li><li>b</li></ol>'],
    ['> a', '<blockquote><p>a</p></blockquote>'],
    ['```sh\nls *\n```', '<pre class="code-block">ls *</pre>'],
    ['[a](https://x.example)', '<p><a href="https://x.example">a</a></p>'],
    ['snake_case_name', '<p>snake_case_name</p>'],
  ]) assert.equal(shown(markdown(text)), want);
});

test('h: refuses elements that could run something', () => {
  for (const tag of ['script', 'iframe', 'object', 'style', 'link', 'foreignObject']) assert.throws(() => h(tag), /not allowed/);
});

test('safeURL: lets web and mail addresses and own paths through, nothing else', () => {
  for (const good of ['https://a.example', 'http://127.0.0.1:1/x', 'mailto:a@b.example', '/api/files/F1']) assert.equal(safeURL(good), good);
  for (const bad of ['javascript:alert(1)', ' JAVASCRIPT:alert(1)', 'java\nscript:alert(1)', 'data:text/html,x', 'vbscript:x', 'file:///etc/passwd', '//evil.example', '/\\evil.example', '', null]) assert.equal(safeURL(bad), null, String(bad));
});
