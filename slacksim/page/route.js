// Addresses of places: #/C123, #/C123/1700000000.000100, #/home, #/ (the list), each with ?user=U1.

/** parse reads a location hash. */
export function parse(hash) {
  const [path, query] = hash.replace(/^#/, '').split('?');
  const [first = '', thread = ''] = path.split('/').filter(Boolean).map(decodeURIComponent);
  const user = new URLSearchParams(query ?? '').get('user') ?? '';
  if (first === 'home') return { user, home: true, list: false, channel: '', thread: '' };
  return { user, home: false, list: path === '/', channel: first, thread };
}

/** format is parse's inverse. */
export function format({ user, home, channel, thread }) {
  const path = home ? '/home' : `/${[channel, thread].filter(Boolean).map(encodeURIComponent).join('/')}`;
  return `#${path}${user ? `?user=${encodeURIComponent(user)}` : ''}`;
}
