import test from 'node:test';
import assert from 'node:assert/strict';
import { mrkdwn, plain } from '../page/mrkdwn.js';
import { formatDate } from '../page/dates.js';
import { shown, all, names } from './shown.js';

process.env.TZ = 'UTC';

const cases = {
  'bold, italic and strike': ['*a* _b_ ~c~', '<strong>a</strong> <em>b</em> <del>c</del>'],
  'marks nest': ['*a _b_*', '<strong>a <em>b</em></strong>'],
  'a mark inside a word is text': ['snake_case_name 2*3*4', 'snake_case_name 2*3*4'],
  'a mark before a blank is text': ['* a * b', '* a * b'],
  'a mark does not reach over a line': ['*a\nb*', '*a\nb*'],
  'an unclosed mark is text': ['*a and _b', '*a and _b'],
  'the marks of a shortcode stay in it': [':no_such_emoji: _x_', ':no_such_emoji: <em>x</em>'],
  'code is not formatted': ['`*a* <@U1>`', '<code>*a* @Alice</code>'],
  'a code block keeps its lines': ['see\n```\na *b*\n  c\n```', 'see<pre class="code-block">a *b*\n  c</pre>'],
  'text after a code block goes on': ['```x```\n*y*', '<pre class="code-block">x</pre><strong>y</strong>'],
  'quoted lines join': ['&gt; a\n&gt; *b*\nc', '<blockquote>a\n<strong>b</strong></blockquote>c'],
  'three signs quote the rest': ['&gt;&gt;&gt; a\nb', '<blockquote>a\nb</blockquote>'],
  'a link with a label': ['<https://a.example/x|the *page*>', '<a href="https://a.example/x">the *page*</a>'],
  'a link without one': ['<https://a.example/?a=1&amp;b=2>', '<a href="https://a.example/?a=1&b=2">https://a.example/?a=1&amp;b=2</a>'],
  'a bare address, without the full stop': ['see https://a.example/x.', 'see <a href="https://a.example/x">https://a.example/x</a>.'],
  'a mail address': ['<mailto:a@b.example|a@b.example>', '<a href="mailto:a@b.example">a@b.example</a>'],
  'a person': ['<@U1>', '<span class="mention">@Alice</span>'],
  'the reader': ['<@U2|bob>', '<span class="mention me">@Bob</span>'],
  'a channel': ['<#C1>', '<button class="mention">#ops</button>'],
  'a channel the reader does not know': ['<#C9>', '<button class="mention">🔒 private channel</button>'],
  'a group': ['<!subteam^S1>', '<span class="mention">@oncall</span>'],
  'everybody who is here': ['<!here>', '<span class="mention me">@here</span>'],
  'a date': ['<!date^0^{date_num} at {time}|then>', '<time>1970-01-01 at 00:00</time>'],
  'a date with a token that does not exist falls back': ['<!date^0^{when}|then>', '<time>then</time>'],
  'a known shortcode': [':tada: yes', /^<span class="emoji"><svg>/],
  'an escaped ping stays text': ['&lt;!channel&gt;', '&lt;!channel&gt;'],
  'an entity that is none of Slack\'s three stays as it is': ['&quot; &#60;', '&amp;quot; &amp;#60;'],
  'an escaped entity is decoded once': ['&amp;lt;', '&amp;lt;'],
  'an empty text': ['', ''],
};

for (const [name, [text, want]] of Object.entries(cases)) {
  test(`mrkdwn: ${name}`, () => {
    const got = shown(mrkdwn(text, names));
    if (want instanceof RegExp) assert.match(got, want);
    else assert.equal(got, want);
  });
}

const hostile = [
  '<img src=x onerror=alert(1)>', '<script>alert(1)</script>', '&lt;img src=x onerror=alert(1)&gt;',
  '<javascript:alert(1)|click>', '<JaVaScRiPt:alert(1)>', '<data:text/html,<b>x|y>', '<vbscript:x|y>', '< javascript:alert(1)|y>',
  '<https://a.example|<img src=x onerror=alert(1)>>', '*<img src=x onerror=alert(1)>*', '```<img src=x onerror=alert(1)>```',
  '`<img src=x onerror=alert(1)>`', '<@UX>', '<@U9|<script>>', '<#C9|"><svg onload=alert(1)>>', '<!date^0^{time}^javascript:alert(1)|x>',
  '<!subteam^constructor|x>', '<@__proto__>', ':constructor: :__proto__:', '<!<!channel>>', 'java\u0000script:alert(1)', '<//evil.example|x>', '</\\evil.example|x>',
];
const harmless = new Set(['strong', 'em', 'del', 'code', 'pre', 'blockquote', 'a', 'span', 'button', 'time', 'svg', 'path', 'circle', 'rect', 'g']);

for (const text of hostile) {
  test(`mrkdwn: nothing runs in ${JSON.stringify(text)}`, () => {
    for (const element of all([...mrkdwn(text, names), ...plain(text)])) {
      assert.ok(harmless.has(element.tag), `<${element.tag}>`);
      assert.deepEqual(Object.keys(element.attrs).filter((name) => name.startsWith('on') || name === 'src' || name === 'style'), []);
      if (element.attrs.href) assert.match(element.attrs.href, /^(https?:\/\/|mailto:)/);
    }
  });
}

test('mrkdwn: a hostile line of 40,000 marks takes no time to speak of', () => {
  for (const line of ['*a '.repeat(13_000), '`'.repeat(39_999), '<'.repeat(40_000), '_*~'.repeat(13_000), '&gt;'.repeat(10_000), '```'.repeat(13_001)]) {
    const start = performance.now();
    mrkdwn(line, names);
    assert.ok(performance.now() - start < 1500, `${line.slice(0, 9)}… took ${performance.now() - start} ms`);
  }
});

test('plain: shows escapes, and no marks', () => {
  assert.equal(shown(plain('*a* &lt;b&gt; <@U1>')), '*a* &lt;b&gt; &lt;@U1&gt;');
});

test('formatDate: a timestamp that is none falls back', () => {
  assert.equal(formatDate(Number('x'), '{time}', new Date()), null);
  assert.equal(formatDate(1e300, '{time}', new Date()), null);
});

test('formatDate: {ago} reads as people say it', () => {
  const now = new Date(1_000_000 * 1000);
  assert.equal(formatDate(1_000_000 - 120, '{ago}', now), '2 minutes ago');
  assert.equal(formatDate(1_000_000 + 3600, '{ago}', now), 'in 1 hour');
});
