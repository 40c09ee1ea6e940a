// Files under a message: pictures, the first lines of texts, and a way to fetch the rest.
import { h, replace } from './dom.js';

const pictures = new Set(['image/png', 'image/jpeg', 'image/gif', 'image/webp']);

/** filePreview describes one file as user sees it. */
export function filePreview(file, user) {
  const address = `/api/files/${encodeURIComponent(file.id)}?user=${encodeURIComponent(user)}`;
  const name = file.title || file.name || file.id;
  const download = h('a', { class: 'file-link', href: address, download: file.name || file.id }, 'Download');
  const head = h('div', { class: 'file-head' },
    h('span', { class: 'file-name' }, name),
    h('span', { class: 'file-meta' }, [file.name !== name && file.name, size(file.size)].filter(Boolean).join(' · ')),
    download);
  const data = { fileId: file.id, testid: 'file' };
  if (pictures.has(file.mimetype)) return h('div', { class: 'file', data }, head, h('img', { class: 'file-picture', src: address, alt: name }));
  if (file.preview == null && !/^text\/|json|yaml/.test(file.mimetype ?? '')) return h('div', { class: 'file', data }, head);
  let box;
  const more = async (event) => {
    const button = event.currentTarget;
    const response = await fetch(address).catch(() => null);
    if (!response?.ok) { button.textContent = 'The file could not be fetched; press to try again'; return; }
    replace(box, await response.text());
    box.classList.add('whole');
    button.remove();
  };
  return h('div', { class: 'file', data }, head,
    h('pre', { class: 'file-text', tabindex: 0, ref: (el) => { box = el; } }, file.preview ?? ''),
    (file.preview_is_truncated || file.preview == null) && h('button', { type: 'button', class: 'file-more', on: { click: more } }, moreWords(file)));
}

/** moreWords says that the text goes on, and for how long. */
function moreWords(file) {
  const left = (file.lines ?? 0) - (file.preview ?? '').split('\n').length;
  return left > 0 ? `… ${left} more ${left === 1 ? 'line' : 'lines'}: show the whole file` : 'Show the whole file';
}

function size(bytes) {
  if (!Number.isFinite(bytes)) return '';
  if (bytes < 1024) return `${bytes} B`;
  return bytes < 1024 ** 2 ? `${(bytes / 1024).toFixed(1)} KB` : `${(bytes / 1024 ** 2).toFixed(1)} MB`;
}
