// The common :shortcodes:, as unicode. The ones that carry a state in an operations
// channel are drawn by the page, so they look alike on a machine without an emoji font.
import { h } from './dom.js';

const unicode = {
  white_check_mark: '✅', heavy_check_mark: '✔️', x: '❌', warning: '⚠️', no_entry: '⛔', no_entry_sign: '🚫',
  red_circle: '🔴', large_green_circle: '🟢', large_yellow_circle: '🟡', large_orange_circle: '🟠',
  large_blue_circle: '🔵', white_circle: '⚪', black_circle: '⚫', hourglass: '⌛', hourglass_flowing_sand: '⏳',
  information_source: 'ℹ️', question: '❓', exclamation: '❗', rotating_light: '🚨', hand: '✋', raised_hand: '✋', grey_question: '❔', lock: '🔒', unlock: '🔓',
  bell: '🔔', no_bell: '🔕', pushpin: '📌', link: '🔗', mag: '🔍', wrench: '🔧', hammer_and_wrench: '🛠️', gear: '⚙️',
  rocket: '🚀', fire: '🔥', fire_engine: '🚒', boom: '💥', zap: '⚡', eyes: '👀', thinking_face: '🤔', tada: '🎉',
  pray: '🙏', clap: '👏', wave: '👋', raised_hands: '🙌', muscle: '💪', ok_hand: '👌', '+1': '👍', thumbsup: '👍',
  '-1': '👎', thumbsdown: '👎', point_right: '👉', heart: '❤️', green_heart: '💚', sparkles: '✨', star: '⭐', bulb: '💡',
  smile: '😄', slightly_smiling_face: '🙂', joy: '😂', sweat_smile: '😅', grimacing: '😬', scream: '😱', cry: '😢',
  skull: '💀', ghost: '👻', robot_face: '🤖', bug: '🐛', package: '📦', memo: '📝', clipboard: '📋', books: '📚',
  page_facing_up: '📄', bar_chart: '📊', chart_with_upwards_trend: '📈', chart_with_downwards_trend: '📉',
  arrow_up: '⬆️', arrow_down: '⬇️', arrow_right: '➡️', arrow_left: '⬅️', arrows_counterclockwise: '🔄',
  leftwards_arrow_with_hook: '↩️', repeat: '🔁', stopwatch: '⏱️', alarm_clock: '⏰', clock1: '🕐', calendar: '📅',
  speech_balloon: '💬', mega: '📣', loudspeaker: '📢', shield: '🛡️', key: '🔑', bust_in_silhouette: '👤',
  busts_in_silhouette: '👥', computer: '💻', cloud: '☁️', earth_africa: '🌍', globe_with_meridians: '🌐',
  heavy_minus_sign: '➖', heavy_plus_sign: '➕', black_small_square: '▪️', small_red_triangle_down: '🔻', stop_sign: '🛑',
  octagonal_sign: '🛑', construction: '🚧', sos: '🆘', zzz: '💤', 100: '💯', coffee: '☕', beers: '🍻', party_parrot: '🦜',
};

/** offered lists the reactions of the small picker, most used first. */
export const offered = ['+1', 'eyes', 'white_check_mark', 'x', 'warning', 'tada', 'heart', 'fire', 'rocket', 'bulb', 'zap', 'mag', 'bell', 'stopwatch', 'rotating_light', '-1'];

const disc = (fill) => [['circle', { cx: 10, cy: 10, r: 8, fill }]];
const line = (d, stroke = '#fff', width = 2.4) => ['path', { d, fill: 'none', stroke, 'stroke-width': width, 'stroke-linecap': 'round', 'stroke-linejoin': 'round' }];
const box = (fill) => ['rect', { x: 2, y: 2, width: 16, height: 16, rx: 4, fill }];

const drawn = {
  red_circle: disc('#d9364a'), large_green_circle: disc('#2c9c5a'), large_yellow_circle: disc('#e3b21c'),
  large_orange_circle: disc('#e57c22'), large_blue_circle: disc('#3b7de0'), black_circle: disc('#4a5261'),
  white_circle: [['circle', { cx: 10, cy: 10, r: 7.2, fill: '#f2f4f7', stroke: '#98a2b3', 'stroke-width': 1.6 }]],
  white_check_mark: [box('#2c9c5a'), line('M6 10.4l2.8 2.8L14.2 7')],
  heavy_check_mark: [line('M4 11l4 4 8-10', '#2c9c5a', 2.8)],
  x: [line('M5 5l10 10M15 5L5 15', '#d9364a', 3)],
  warning: [['path', { d: 'M10 2.2L18.6 17H1.4z', fill: '#eeb422', stroke: '#eeb422', 'stroke-width': 1.6, 'stroke-linejoin': 'round' }], line('M10 7.6v4.2M10 14.6v.1', '#3a2c00', 2)],
  no_entry: [...disc('#d9364a'), line('M6 10h8', '#fff', 3)],
  no_entry_sign: [['circle', { cx: 10, cy: 10, r: 7, fill: 'none', stroke: '#d9364a', 'stroke-width': 2.4 }], line('M5.2 5.2l9.6 9.6', '#d9364a')],
  stop_sign: [['path', { d: 'M6.7 2h6.6L18 6.7v6.6L13.3 18H6.7L2 13.3V6.7z', fill: '#d9364a' }], line('M6 10h8', '#fff', 2.6)],
  information_source: [box('#3b7de0'), line('M10 9.4v5M10 6v.1')],
  question: [line('M6.8 6.6a3.3 3.3 0 1 1 4.8 3c-1.1.7-1.6 1.2-1.6 2.6M10 16v.1', '#d9364a', 2.6)],
  grey_question: [line('M6.8 6.6a3.3 3.3 0 1 1 4.8 3c-1.1.7-1.6 1.2-1.6 2.6M10 16v.1', '#8a93a3', 2.6)],
  raised_hand: [line('M7 11V5M10 10V3.2M13 11V5M16 12V8', '#f0b93a', 2.4), ['path', { d: 'M5.8 9.6h11.4V13a5.4 5.4 0 0 1-9.9 3L3 11.4l1.6-1.2 2.4 1.8z', fill: '#f0b93a' }]],
  exclamation: [line('M10 3.4v8.4M10 16.4v.1', '#d9364a', 3)],
  hourglass_flowing_sand: [line('M5 2.6h10M5 17.4h10M6.4 3c0 4 3.6 4.6 3.6 7s-3.6 3-3.6 7M13.6 3c0 4-3.6 4.6-3.6 7s3.6 3 3.6 7', '#9a6b2f', 1.8), line('M8.2 15.6h3.6', '#e3b21c', 2)],
  rotating_light: [['path', { d: 'M5 15V11a5 5 0 0 1 10 0v4z', fill: '#d9364a' }], ['rect', { x: 3.4, y: 15, width: 13.2, height: 2.6, rx: 1, fill: '#5c6675' }], line('M10 2v1.4M3.6 5l1 1M16.4 5l-1 1', '#d9364a', 1.6)],
  lock: [['rect', { x: 4, y: 9, width: 12, height: 9, rx: 2, fill: '#d99a1c' }], line('M6.6 9V6.6a3.4 3.4 0 0 1 6.8 0V9', '#8a93a3', 2)],
  arrows_counterclockwise: [box('#3b7de0'), line('M13.8 8A4.4 4.4 0 0 0 6 8.4M6.2 12a4.4 4.4 0 0 0 7.8-.4M6 5.6v2.8h2.8M14 14.4v-2.8h-2.8', '#fff', 1.7)],
  leftwards_arrow_with_hook: [box('#3b7de0'), line('M8 6L5 9l3 3M5.4 9h6.2a2.9 2.9 0 0 1 0 5.8H9', '#fff', 1.8)],
  eyes: [['circle', { cx: 6, cy: 10, r: 4.2, fill: '#fff', stroke: '#4a5261', 'stroke-width': 1.4 }], ['circle', { cx: 14, cy: 10, r: 4.2, fill: '#fff', stroke: '#4a5261', 'stroke-width': 1.4 }], ['circle', { cx: 5, cy: 11, r: 1.9, fill: '#2a303b' }], ['circle', { cx: 13, cy: 11, r: 1.9, fill: '#2a303b' }]],
  '+1': [['path', { d: 'M7 9l3-6.6c1.4 0 2 1 2 2.2V8h3.6c1.3 0 2.1 1.1 1.8 2.3l-1.3 5.3c-.2.9-1 1.5-1.9 1.5H7z', fill: '#f0b93a' }], ['rect', { x: 2.4, y: 8.8, width: 3.6, height: 8.6, rx: 1, fill: '#d2961a' }]],
  mag: [['circle', { cx: 8.2, cy: 8.2, r: 5, fill: '#d7ecfb', stroke: '#4a5261', 'stroke-width': 2 }], line('M12 12l5 5', '#4a5261', 2.8)],
  rocket: [['path', { d: 'M17.6 2.4c-5 0-8.6 3-10.4 7.4l3 3c4.4-1.8 7.4-5.4 7.4-10.4z', fill: '#c9d1dc' }], ['path', { d: 'M8.2 7.8L4 8.6 2.4 12l4.4-.6zM12.2 11.8l-.8 4.2L8 17.6l.6-4.4z', fill: '#d9364a' }], ['path', { d: 'M6 13.2c-1.6.4-2.6 2-3.2 4 2-.6 3.6-1.6 4-3.2z', fill: '#e57c22' }], ['circle', { cx: 13, cy: 7, r: 1.6, fill: '#3b7de0' }]],
  fire: [['path', { d: 'M10.4 1.6c.6 3.4 5.4 5.4 5.4 10.4a5.8 5.8 0 0 1-11.6 0c0-2.4 1.2-4 2.4-5.2.2 1.6.8 2.4 1.6 2.6C8 6.6 8.6 3.4 10.4 1.6z', fill: '#e57c22' }], ['path', { d: 'M10 10.4c1.6 1.4 2.8 2.4 2.8 4.2a2.8 2.8 0 0 1-5.6 0c0-1.6 1.4-2.6 2.8-4.2z', fill: '#f6cf4a' }]],
  bell: [['path', { d: 'M10 2.2a5.2 5.2 0 0 0-5.2 5.2V11L3 14.4h14L15.2 11V7.4A5.2 5.2 0 0 0 10 2.2z', fill: '#e3b21c' }], ['circle', { cx: 10, cy: 16.4, r: 1.8, fill: '#b98a0c' }]],
  memo: [['rect', { x: 3, y: 2, width: 12, height: 16, rx: 1.6, fill: '#eef1f5', stroke: '#98a2b3', 'stroke-width': 1.2 }], line('M6 6.5h6M6 9.5h6M6 12.5h3.5', '#667085', 1.3), line('M17.5 7.5l-6 7', '#e57c22', 2.2)],
  wrench: [line('M4 16l7-7', '#667085', 3.4), ['path', { d: 'M17.4 5.2l-2.8 2.8-2.6-.6-.6-2.6 2.8-2.8a4.6 4.6 0 0 0-5.2 6.2l4.2 2.4a4.6 4.6 0 0 0 4.2-5.4z', fill: '#667085' }]],
  bulb: [['path', { d: 'M10 1.8a5.6 5.6 0 0 0-3.2 10.2c.6.5.8 1 .8 1.8h4.8c0-.8.2-1.3.8-1.8A5.6 5.6 0 0 0 10 1.8z', fill: '#f3cf4e' }], ['rect', { x: 7.4, y: 14.6, width: 5.2, height: 3.4, rx: 1.2, fill: '#8a93a3' }]],
  zap: [['path', { d: 'M11.6 1.6L4 11.4h4.8L7.6 18.4 16 8.2h-5.2z', fill: '#f0b93a' }]],
  stopwatch: [['circle', { cx: 10, cy: 11.4, r: 6.6, fill: '#eef1f5', stroke: '#667085', 'stroke-width': 1.8 }], line('M10 8v3.6l2.2 1.4M8 2.2h4M10 2.2v2', '#667085', 1.6)],
  bar_chart: [box('#eef1f5'), line('M6 15V10M10 15V5.5M14 15V8', '#3b7de0', 2.4)],
  tada: [['path', { d: 'M2.4 17.6L6.6 7l6.4 6.4z', fill: '#e3b21c' }], line('M10 7.6c1.8-.8 1.6-3 .4-4.6M12.4 10c1.4-1.6 3.4-1.4 5.2-.6', '#d9364a', 1.6), ['circle', { cx: 15.4, cy: 4.6, r: 1.3, fill: '#3b7de0' }], ['circle', { cx: 16.4, cy: 13.4, r: 1.2, fill: '#2c9c5a' }]],
  heart: [['path', { d: 'M10 17.2C4 12.8 2 10 2 7.2a4 4 0 0 1 8-1.4 4 4 0 0 1 8 1.4c0 2.8-2 5.6-8 10z', fill: '#d9364a' }]],
  pushpin: [line('M10 12v6', '#8a93a3', 1.8), ['path', { d: 'M6.4 2.4h7.2l-1 4.4 2.8 4.2H4.6l2.8-4.2z', fill: '#d9364a' }]],
};
drawn.hourglass = drawn.hourglass_flowing_sand;
drawn.octagonal_sign = drawn.stop_sign;
drawn.hand = drawn.raised_hand;
drawn.thumbsup = drawn['+1'];
drawn.alarm_clock = drawn.stopwatch;
drawn.clipboard = drawn.page_facing_up = drawn.memo;
drawn['-1'] = drawn.thumbsdown = [['g', { transform: 'rotate(180 10 10)' }, drawn['+1']]];

const nameOf = new Map(Object.entries(unicode).filter(([name]) => Object.hasOwn(drawn, name)).map(([name, char]) => [char.replace('\uFE0F', ''), name]));
const drawnChars = new RegExp(`(${[...nameOf.keys()].join('|')})\\uFE0F?`, 'u');

/** emoji describes a shortcode, or answers null for one the page does not know. */
export function emoji(name) {
  const bare = String(name).replace(/::skin-tone-\d$/, '');
  if (!Object.hasOwn(unicode, bare)) return null;
  const attrs = { class: 'emoji', role: 'img', 'aria-label': `:${bare}:`, title: `:${bare}:` };
  if (!Object.hasOwn(drawn, bare)) return h('span', attrs, unicode[bare]);
  const shapes = drawn[bare].map(shape);
  return h('span', attrs, h('svg', { viewBox: '0 0 20 20', 'aria-hidden': 'true' }, shapes));
}

const shape = ([tag, attrs, inner = []]) => h(tag, attrs, inner.map(shape));

/** withEmoji splits text into text, known :shortcodes: unless they are switched off, and drawn unicode emoji. */
export function withEmoji(text, shortcodes = true) {
  if (!shortcodes) return drawUnicode(String(text));
  const parts = String(text).split(/(:[a-z0-9_+'-]+:(?::skin-tone-\d:)?)/);
  return parts.flatMap((part, i) => (i % 2 && emoji(part.replace(/^:|:$/g, ''))) || drawUnicode(part));
}

function drawUnicode(text) {
  if (!/[^\x00-\xff]/.test(text)) return text ? [text] : [];
  return text.split(drawnChars).map((part, i) => (i % 2 ? emoji(nameOf.get(part)) : part)).filter((part) => part !== '');
}
