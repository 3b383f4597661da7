import { createHash } from 'node:crypto';
import type { IncomingMessage, RequestListener } from 'node:http';
import { crc32, deflateSync, gzipSync } from 'node:zlib';
import { seededRandom } from '@quiclab/sansio';

/** What an origin says to one request. */
interface Answer {
  readonly status?: number;
  readonly type?: string;
  readonly content?: string | Uint8Array;
  readonly location?: string;
  /** May be kept; others must be asked for again, and have an ETag. */
  readonly maxAge?: number;
  readonly delay?: number;
}
type Site = Readonly<Record<string, Answer>>;

/** Octets that cannot be compressed, the same each time. */
function noise(name: string, size: number): Uint8Array {
  const octets = new Uint8Array(size);
  seededRandom(7).fork(name).fill(octets);
  return octets;
}

function chunk(type: string, data: Uint8Array): Buffer {
  const named = Buffer.concat([Buffer.from(type), data]);
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  sum.writeUInt32BE(crc32(named));
  return Buffer.concat([length, named, sum]);
}

const WIDTH = 99;

/** Grey noise as PNG, of about so many octets: a browser breaks off what is no image. */
function png(name: string, size: number): Uint8Array {
  const rows = Math.max(1, Math.floor((size - 70) / (WIDTH + 1)));
  const header = Buffer.alloc(13);
  header.writeUInt32BE(WIDTH, 0);
  header.writeUInt32BE(rows, 4);
  header[8] = 8; // bits of grey
  const pixels = noise(name, rows * (WIDTH + 1));
  for (let row = 0; row < rows; row++) pixels[row * (WIDTH + 1)] = 0; // no filter
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  const data = deflateSync(pixels, { level: 0 });
  return Buffer.concat([signature, chunk('IHDR', header), chunk('IDAT', data), chunk('IEND', new Uint8Array(0))]);
}

const image = (name: string, size: number): Answer => ({ type: 'image/png', content: png(name, size), maxAge: 3_600 });
const font = (name: string, size: number): Answer => ({ type: 'font/woff2', content: noise(name, size), maxAge: 3_600 });
/** Words that can be compressed about as well as code. */
const padded = (text: string, size: number): string => {
  const words = noise(text, Math.ceil(size / 4));
  let padding = '';
  for (let i = 0; text.length + padding.length + 5 < size; i++) padding += `w${words[i % words.length]! % 97} `;
  return `${text}\n/*${padding}*/`;
};
const script = (text: string, size: number, more: Answer = {}): Answer => ({
  type: 'text/javascript',
  content: padded(text, size),
  ...more,
});
const style = (text: string, size: number, more: Answer = {}): Answer => ({
  type: 'text/css',
  content: padded(text, size),
  maxAge: 3_600,
  ...more,
});
const html = (head: string, body: string, size: number): Answer => ({
  type: 'text/html; charset=utf-8',
  content: `<!doctype html><title>page</title>${head}\n${body}\n<!-- ${'lorem ipsum dolor '.repeat(Math.max(1, Math.ceil(size / 18)))} -->`,
});
const face = (name: string, url: string): string => `@font-face { font-family: ${name}; src: url(${url}) }`;
const done = `window.addEventListener('load', () => setTimeout(() => { document.title = 'done'; }, 300));`;

const plain: Site = {
  '/': html(
    '<link rel="icon" href="data:,"><link rel="stylesheet" href="/style.css"><script src="/script.js"></script>',
    '<h1>plain</h1><img src="/one.png"><img src="/two.png">',
    4_000,
  ),
  '/style.css': style('h1 { color: #222 }', 3_000),
  '/script.js': script(`fetch('/data.json').then((response) => response.json()).then(() => {}); ${done}`, 9_000),
  '/one.png': image('one', 24_000),
  '/two.png': image('two', 41_000),
  '/data.json': { type: 'application/json', content: JSON.stringify({ list: [...noise('data', 500)] }), delay: 30 },
};

const shared = '<link rel="icon" href="/favicon.ico"><link rel="stylesheet" href="/css/main.css"><script src="/js/vendor.js"></script>';
const shop: Site = {
  '/home': html(shared, '<p>home</p><img src="/img/logo.png">', 2_000),
  '/': { status: 302, location: '/welcome' },
  '/welcome': { status: 301, location: '/products?session=4f1e22aa&lang=en' },
  '/products': html(
    `${shared}<link rel="stylesheet" href="/css/products.css"><link rel="preload" as="font" type="font/woff2" crossorigin href="/fonts/text.woff2"><script defer src="/js/app.js"></script><script async src="/js/metrics.js"></script>`,
    `<p class="text">text</p><p class="title">title</p>${Array.from({ length: 12 }, (_, i) => `<img src="/img/${i}.png">`).join('')}` +
      '<img src="data:image/gif;base64,R0lGODlhAQABAAAAACw="><img src="/img/moved.png"><img src="/img/logo.png"><img src="/img/missing.png"><iframe src="/frame"></iframe>',
    14_000,
  ),
  '/frame': html('', '<img src="/img/frame.png">', 1_500),
  '/favicon.ico': image('icon', 1_100),
  '/css/main.css': style(`@import '/css/base.css'; ${face('text', '/fonts/text.woff2')} .text { font-family: text }`, 21_000),
  '/css/base.css': style('p { margin: 0 }', 6_000),
  '/css/products.css': style(
    `${face('title', '/fonts/title.woff2')} .title { font-family: title } body { background: url(/img/back.png) }`,
    17_000,
  ),
  '/fonts/text.woff2': font('text', 32_000),
  '/fonts/title.woff2': font('title', 28_000),
  '/js/vendor.js': script('window.vendor = true;', 88_000), // must be asked for again: a 304
  '/js/app.js': script(
    `import('/js/lazy.js'); fetch('/api/cart?token=9c2e').then(() => {});
     fetch('/api/track', { method: 'POST', body: 'x'.repeat(3000) }).then(() => {});
     const aborted = new AbortController(); fetch('/api/slow', { signal: aborted.signal }).catch(() => {}); setTimeout(() => aborted.abort(), 50);
     try { new WebSocket(location.origin.replace('http', 'ws') + '/live'); } catch {}
     fetch('/img/0.png').then((response) => response.blob()).then((blob) => { const shown = new Image(); shown.src = URL.createObjectURL(blob); document.body.append(shown); });
     ${done}`,
    46_000,
  ),
  '/js/lazy.js': script(`import '/js/part.js'; fetch('/api/list').then(() => {}); export {};`, 12_000),
  '/js/part.js': script('export {};', 5_000),
  '/js/metrics.js': script(`navigator.sendBeacon('/api/beacon', 'y'.repeat(400));`, 7_000, { maxAge: 3_600 }),
  '/api/cart': { type: 'application/json', content: JSON.stringify([...noise('cart', 300)]), delay: 40 },
  '/api/list': { type: 'application/json', content: JSON.stringify([...noise('list', 2_000)]), delay: 60 },
  '/api/track': { type: 'application/json', content: '{}', delay: 20 },
  '/api/beacon': { status: 204 },
  '/api/slow': { content: 'late', delay: 5_000 },
  '/img/moved.png': { status: 301, location: '/img/12.png' },
  '/img/back.png': image('back', 64_000),
  '/img/logo.png': image('logo', 8_000),
  '/img/frame.png': image('frame', 19_000),
  ...Object.fromEntries(Array.from({ length: 13 }, (_, i) => [`/img/${i}.png`, image(`${i}`, 6_000 + 5_500 * i)])),
};

const news: Readonly<Record<string, Site>> = {
  'www.news.example': {
    '/': html(
      '<link rel="icon" href="data:,"><link rel="stylesheet" href="https://static.news.example/main.css"><script src="https://static.news.example/main.js"></script><script async src="https://tags.metrics.example/tag.js"></script><script async src="https://cdn.ads.example/ads.js"></script>',
      `<p class="text">news</p>${Array.from({ length: 8 }, (_, i) => `<img src="https://images.news.example/${i}.png">`).join('')}`,
      22_000,
    ),
    '/api/latest': { type: 'application/json', content: JSON.stringify([...noise('latest', 3_000)]), delay: 35 },
  },
  'static.news.example': {
    '/main.css': style(`${face('text', 'https://fonts.type.example/text.woff2')} .text { font-family: text }`, 34_000),
    '/main.js': script(`fetch('/api/latest').then(() => {}); ${done}`, 71_000),
  },
  'images.news.example': Object.fromEntries(Array.from({ length: 8 }, (_, i) => [`/${i}.png`, image(`news ${i}`, 12_000 + 9_000 * i)])),
  'fonts.type.example': { '/text.woff2': font('news', 26_000) },
  'tags.metrics.example': {
    '/tag.js': script(`new Image().src = 'https://pixel.metrics.example/p?id=8812&page=home';`, 29_000),
  },
  'pixel.metrics.example': { '/p': { status: 302, location: 'https://sync.ads.example/match?partner=metrics&user=77ab' } },
  'sync.ads.example': { '/match': image('pixel', 43) },
  'cdn.ads.example': {
    '/ads.js': script(
      `const frame = document.createElement('iframe'); frame.src = 'https://cdn.ads.example/slot'; const show = () => document.body.append(frame); if (document.body) show(); else document.addEventListener('DOMContentLoaded', show);`,
      52_000,
    ),
    '/slot': html(
      '<script src="https://creative.brand.example/ad.js"></script>',
      '<img src="https://creative.brand.example/ad.png">',
      3_000,
    ),
  },
  'creative.brand.example': { '/ad.js': script('window.ad = true;', 15_000), '/ad.png': image('ad', 58_000) },
};

/** By host name. */
export const SITES: Readonly<Record<string, Site>> = { 'plain.example': plain, 'shop.example': shop, ...news };

const NOT_FOUND: Answer = { status: 404, type: 'text/html', content: '<!doctype html><title>404</title>'.padEnd(1_200) };

/** An origin for all of them, by Host; text is compressed where the browser allows it. */
export const origin: RequestListener = (request, response) => {
  const host = (request.headers.host ?? '').replace(/:\d+$/, '');
  const answer = SITES[host]?.[(request.url ?? '').split('?')[0]!] ?? NOT_FOUND;
  const { status = 200, type, content = '', location, maxAge, delay = 0 } = answer;
  const plain = typeof content === 'string' ? Buffer.from(content) : content;
  const etag = `"${createHash('sha256').update(plain).digest('hex').slice(0, 16)}"`;
  const headers: Record<string, string> = {
    'access-control-allow-origin': '*',
    ...(type !== undefined && { 'content-type': type }),
    ...(location !== undefined && { location }),
    ...(status === 200 && { etag, 'cache-control': maxAge === undefined ? 'no-cache' : `public, max-age=${maxAge}` }),
  };
  const answerNow = (): void => {
    if (status === 200 && request.headers['if-none-match'] === etag) {
      response.writeHead(304, headers).end();
      return;
    }
    const compressed = isText(type) && accepts(request) ? gzipSync(plain) : undefined;
    if (compressed !== undefined) Object.assign(headers, { 'content-encoding': 'gzip', vary: 'accept-encoding' });
    // what is compressed is of unknown length, as servers that do so have it
    else if (status !== 204) headers['content-length'] = String(plain.length);
    response.writeHead(status, headers);
    response.end(compressed ?? plain);
  };
  request.resume();
  request.on('end', () => (delay === 0 ? answerNow() : setTimeout(answerNow, delay)));
};

const isText = (type = ''): boolean => /^text\/|json|javascript/.test(type);
const accepts = ({ headers }: IncomingMessage): boolean => /\bgzip\b/.test(String(headers['accept-encoding'] ?? ''));
