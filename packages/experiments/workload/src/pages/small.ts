import { definePage, type Page } from '../page.ts';

/** A document, what it names, and what those name: twelve objects, 225 KB, three deep. */
export const smallPage: Page = definePage({
  name: 'small',
  objects: [
    { path: '/', size: 12_000, priority: { urgency: 0, incremental: false } },
    { path: '/style.css', size: 9_000, priority: { urgency: 1, incremental: false }, after: ['/'] },
    { path: '/app.js', size: 40_000, priority: { urgency: 2, incremental: false }, after: ['/'] },
    { path: '/logo.svg', size: 2_000, priority: { urgency: 5, incremental: true }, after: ['/'] },
    { path: '/hero.jpg', size: 60_000, priority: { urgency: 5, incremental: true }, after: ['/'] },
    { path: '/one.jpg', size: 15_000, priority: { urgency: 5, incremental: true }, after: ['/'] },
    { path: '/two.jpg', size: 15_000, priority: { urgency: 5, incremental: true }, after: ['/'] },
    { path: '/three.jpg', size: 15_000, priority: { urgency: 5, incremental: true }, after: ['/'] },
    { path: '/text.woff2', size: 25_000, priority: { urgency: 3, incremental: false }, after: ['/style.css'] },
    { path: '/icons.woff2', size: 20_000, priority: { urgency: 3, incremental: false }, after: ['/style.css'] },
    { path: '/api/user', size: 2_000, serverTime: 20_000, after: ['/app.js'] },
    { path: '/api/news', size: 10_000, serverTime: 50_000, after: ['/app.js'] },
  ],
});
