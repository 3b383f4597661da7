import type { Fields, Priority } from '@quiclab/http-semantics';
import { definePage, type ObjectDraft, type Page } from '../page.ts';

// Priorities are those that Chromium sends: its five net priorities are urgencies 0 to 4, and all but style sheets, scripts, fonts
// and manifests may be used in parts.
const DOCUMENT: Priority = { urgency: 0, incremental: true };
const STYLE: Priority = { urgency: 0, incremental: false };
const FONT: Priority = { urgency: 0, incremental: false };
const PRELOADED_FONT: Priority = { urgency: 1, incremental: false };
const SCRIPT_IN_HEAD: Priority = { urgency: 1, incremental: false };
const SCRIPT_IN_BODY: Priority = { urgency: 2, incremental: false };
const ASYNC_SCRIPT: Priority = { urgency: 3, incremental: false };
const MANIFEST: Priority = { urgency: 2, incremental: false };
/** Asked for by a script. */
const FETCH: Priority = { urgency: 1, incremental: true };
/** The first five that are large. */
const FIRST_IMAGE: Priority = { urgency: 2, incremental: true };
const IMAGE: Priority = { urgency: 3, incremental: true };
const BEACON: Priority = { urgency: 4, incremental: true };

/** What a browser says each time, cookies of middling size included. */
const REQUEST: Fields = [
  ['user-agent', 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36'],
  ['accept', '*/*'],
  ['accept-encoding', 'gzip, deflate, br, zstd'],
  ['accept-language', 'en-US,en;q=0.9'],
  ['referer', 'https://www.example.com/'],
  ['sec-fetch-dest', 'empty'],
  ['sec-fetch-mode', 'no-cors'],
  ['sec-fetch-site', 'same-origin'],
  ['cookie', 'session=5f2b8c1e9a7d4036b1c8; consent=1~yes; visitor=GA1.1.1209384756.1719482637; theme=light'],
];
const RESPONSE: Fields = [
  ['date', 'Tue, 15 Oct 2024 08:12:31 GMT'],
  ['server', 'nginx'],
  ['last-modified', 'Mon, 14 Oct 2024 06:00:00 GMT'],
  ['etag', '"670cb2e0-4b7f"'],
  ['cache-control', 'public, max-age=31536000, immutable'],
  ['vary', 'accept-encoding'],
  ['content-encoding', 'br'],
  ['strict-transport-security', 'max-age=63072000; includeSubDomains'],
  ['x-content-type-options', 'nosniff'],
];

const load = (priority: Priority, after: string, sizes: Readonly<Record<string, number>>): ObjectDraft[] =>
  Object.entries(sizes).map(([path, size]) => ({ path, size, priority, after: after === '' ? [] : [after] }));

/**
 * A page as large as the median of the web: 73 objects, 2.02 MB, chains of up to six. 3 HTML documents (22 KB), 8 style sheets (82 KB), 23 scripts
 * (697 KB), 4 fonts (139 KB), 14 images (1,058 KB), and 21 small ones of other kinds (22 KB).
 */
export const medianPage: Page = definePage({
  name: 'median',
  requestFields: REQUEST,
  responseFields: RESPONSE,
  objects: [
    ...load(DOCUMENT, '', { '/': 18_400 }),
    // what the document names, in its order
    ...load(PRELOADED_FONT, '/', { '/fonts/text.woff2': 39_000 }),
    ...load(STYLE, '/', { '/css/main.css': 31_000, '/css/vendor.css': 18_500, '/css/theme.css': 12_000, '/css/icons.css': 8_200 }),
    ...load(SCRIPT_IN_HEAD, '/', { '/js/runtime.js': 5_700, '/js/polyfills.js': 27_000, '/js/consent.js': 23_000 }),
    ...load(ASYNC_SCRIPT, '/', { '/js/tags.js': 74_000, '/js/metrics.js': 10_000 }),
    ...load(MANIFEST, '/', { '/site.webmanifest': 610 }),
    ...load(FIRST_IMAGE, '/', {
      '/img/hero.jpg': 265_000,
      '/img/lead-1.jpg': 134_000,
      '/img/lead-2.jpg': 104_000,
      '/img/lead-3.jpg': 82_000,
      '/img/logo.png': 12_500,
    }),
    ...load(IMAGE, '/', { '/img/card-1.jpg': 66_000, '/img/card-2.jpg': 53_000, '/img/card-3.jpg': 43_000, '/img/card-4.jpg': 36_000 }),
    ...load(SCRIPT_IN_BODY, '/', { '/js/vendor.js': 142_000, '/js/app.js': 98_000, '/js/ui.js': 61_000 }),
    ...load(DOCUMENT, '/', { '/frame/social.html': 2_400 }),
    ...load(IMAGE, '/', { '/favicon.svg': 1_200 }),
    // what style sheets name
    ...load(STYLE, '/css/main.css', { '/css/grid.css': 5_600 }),
    ...load(FONT, '/css/main.css', { '/fonts/bold.woff2': 48_000, '/fonts/italic.woff2': 30_000 }),
    ...load(FONT, '/css/icons.css', { '/fonts/icons.woff2': 22_000 }),
    ...load(IMAGE, '/css/theme.css', { '/img/background.jpg': 182_000, '/img/texture.png': 18_500, '/img/sprite.svg': 4_200 }),
    // what scripts of the site ask for
    ...load(FETCH, '/js/runtime.js', { '/api/config': 860 }),
    ...load(FETCH, '/js/consent.js', { '/api/geo': 180, '/api/consent': 1_500 }),
    ...load(ASYNC_SCRIPT, '/js/app.js', {
      '/js/home.js': 38_000,
      '/js/carousel.js': 32_000,
      '/js/search.js': 16_500,
      '/js/forms.js': 11_800,
      '/js/nav.js': 8_400,
      '/js/lazy.js': 4_500,
    }),
    ...load(FETCH, '/js/app.js', { '/api/session': 520, '/api/menu': 3_100, '/api/texts': 2_600 }),
    ...load(FETCH, '/js/home.js', { '/api/recommended': 2_100 }),
    ...load(STYLE, '/js/carousel.js', { '/css/carousel.css': 3_400 }),
    ...load(IMAGE, '/js/carousel.js', { '/img/slide-1.jpg': 30_000, '/img/slide-2.jpg': 24_000 }),
    ...load(IMAGE, '/js/lazy.js', { '/img/footer.png': 8_000 }),
    ...load(STYLE, '/js/forms.js', { '/css/forms.css': 2_100 }),
    // and what others brought along ask for
    ...load(ASYNC_SCRIPT, '/js/tags.js', { '/js/analytics.js': 52_000, '/js/ads.js': 44_000, '/js/chat.js': 19_500, '/js/heat.js': 7_000 }),
    ...load(FETCH, '/js/ads.js', { '/ads/bid-1': 1_800, '/ads/bid-2': 1_000, '/ads/bid-3': 720 }),
    ...load(DOCUMENT, '/js/ads.js', { '/frame/ad.html': 1_200 }),
    ...load(ASYNC_SCRIPT, '/frame/ad.html', { '/js/ad-frame.js': 14_000, '/js/ad-view.js': 3_400 }),
    ...load(ASYNC_SCRIPT, '/frame/social.html', { '/js/social.js': 2_400, '/js/share.js': 1_700 }),
    ...load(STYLE, '/frame/social.html', { '/css/social.css': 1_200 }),
    ...load(FETCH, '/js/chat.js', { '/api/chat': 430 }),
    ...load(ASYNC_SCRIPT, '/js/metrics.js', { '/js/vitals.js': 1_100 }),
    ...load(BEACON, '/js/analytics.js', { '/beacon/view': 43, '/beacon/session': 42 }),
    ...load(BEACON, '/js/vitals.js', { '/beacon/vitals': 85 }),
    ...load(BEACON, '/js/heat.js', { '/beacon/heat': 120 }),
    ...load(BEACON, '/js/ad-view.js', { '/beacon/seen': 240, '/beacon/bid': 300, '/beacon/ad': 350 }),
  ],
});
