// What the composer offers while a person types. Pure: text and caret in, choices out.

/**
 * completions answers {from, items: [{insert, label, hint}]} for the text before the caret, or null.
 * sources: {commands, people: [{name, label}], inThread}.
 */
export function completions(text, caret, { commands, people, inThread }) {
  const before = text.slice(0, caret);
  const mention = /(?:^|\s)@([\w.-]*)$/.exec(before);
  if (mention) return offer(before.length - mention[1].length - 1, `@${mention[1]}`, people.map((p) => ({ insert: `@${p.name}`, label: `@${p.name}`, hint: p.label })));
  if (!before.startsWith('/') || inThread || text.includes('\n')) return null;
  const space = before.indexOf(' ');
  if (space < 0) {
    return offer(0, before, commands.map((c) => ({ insert: c.command, label: c.command, hint: [c.usage_hint, c.description].filter(Boolean).join(' · ') })));
  }
  const command = commands.find((c) => c.command === before.slice(0, space));
  const typed = before.slice(space + 1).trimStart();
  const words = (command?.completions ?? []).map((word) => ({ insert: word, label: word, hint: '' }));
  return offer(before.length - typed.length, typed, words);
}

// A word that is complete as it stands is not offered again: Enter then sends.
function offer(from, typed, all) {
  const low = typed.toLowerCase();
  if (all.some((item) => item.insert.toLowerCase() === low)) return null;
  const items = all.filter((item) => item.insert.toLowerCase().startsWith(low)).slice(0, 12);
  return items.length ? { from, items } : null;
}

/** accept puts item into text and answers the new text and caret. */
export function accept(text, caret, from, item) {
  const head = `${text.slice(0, from)}${item.insert} `;
  return { text: head + text.slice(caret).replace(/^ /, ''), caret: head.length };
}
