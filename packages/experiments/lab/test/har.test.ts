import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { nullProtection } from '@quiclab/crypto';
import { nodeProvider } from '@quiclab/crypto/node';
import { bernoulli } from '@quiclab/impair';
import type { Page } from '@quiclab/workload';
import { pageFromHar } from '@quiclab/workload';
import { describe, expect, test } from 'vitest';
import { accountRun, MODEL_IDS, type ModelName, parsePlan, prepareDocument, runSimulated } from '../src/index.ts';

const crypto = nullProtection(nodeProvider);

function load(page: Page, model: ModelName, loss = 0.02) {
  const sizes = new Map(page.objects.map(({ path, size }) => [path, size]));
  const link = { delay: 10_000, rate: 50e6, queue: { packets: 100 } };
  return runSimulated({
    model,
    seed: 7,
    page,
    source: (path) => (sizes.has(path) ? new Uint8Array(sizes.get(path)!) : undefined),
    links: { up: link, down: { ...link, loss: bernoulli(loss) } },
    ends: { crypto },
  });
}

const entry = (url: string, at: number, more: object = {}, response: object = {}) => ({
  startedDateTime: `2024-05-01T12:00:00.${String(at).padStart(3, '0')}Z`,
  time: 40,
  request: { method: 'GET', url, headers: [{ name: 'cookie', value: 'session=SECRET' }], headersSize: -1, bodySize: 0, ...more },
  response: { status: 200, headers: [], headersSize: -1, bodySize: 20_000, content: { size: 20_000, mimeType: 'text/html' }, ...response },
  timings: { wait: 15 },
});
const HAR = JSON.stringify({
  log: {
    entries: [
      entry('https://a.example/', 0),
      entry('https://a.example/form?token=SECRET', 50, { method: 'POST', bodySize: 60_000 }),
      entry('https://b.example/', 60, { method: 'PUT', bodySize: 300 }),
      entry('https://b.example/head', 70, { method: 'HEAD' }),
      entry('https://b.example/gone', 80, { method: 'DELETE' }, { status: 204 }),
    ],
  },
});

describe('a page of a HAR file', () => {
  const { page } = pageFromHar(HAR);

  test.each(MODEL_IDS)('under %s: every object arrives, and requests with content are answered when they have arrived', (model) => {
    const record = load(page, model);
    expect(record.objects.map(({ id, status, bytes }) => [id, status, bytes]).sort()).toEqual(
      page.objects.map(({ id, size }) => [id, 200, size]).sort(),
    );
    expect(accountRun(record)).toHaveLength(page.objects.length);
    const form = record.objects.find(({ id }) => id.includes('form'))!;
    expect(form.headersAt - form.requestedAt).toBeGreaterThan((60_000 * 8) / 50); // µs at 50 Mbit/s
  });
});

describe('a plan with a HAR file', () => {
  const PLAN = `question: how would it load?
workload: { har: pages/mine.har }
models: [h2, h3]
topology: { both: { rate: 10Mbit, delay: 25ms } }
`;
  const read = (name: string): string => {
    if (name === 'pages/mine.har') return HAR;
    throw new Error(`there is no file '${name}'`);
  };
  const plan = parsePlan(PLAN, 'p.yaml', read);
  const { load: what } = plan.variants[0]!.setup;

  test('runs its page', () => {
    expect(what).toMatchObject({ kind: 'page', page: { ...pageFromHar(HAR).page, name: 'mine.har' } });
  });

  test('keeps of it what a run needs, and no more', () => {
    expect(JSON.stringify(plan.document)).not.toContain('SECRET');
    const again = prepareDocument(plan.document);
    expect(again.variants[0]!.setup.load).toEqual(what);
    expect(again.document).toEqual(plan.document);
    expect(plan.remarks[0]).toBe('5 entries: 5 objects, 60000 octets, 2 hosts');
    expect(again.remarks).toEqual(plan.remarks);
  });

  test('says where it is wrong', () => {
    const wrong = (): string => '{"log":{"entries":[{}]}}';
    expect(() => parsePlan(PLAN, 'p.yaml', wrong)).toThrow(/p\.yaml.*2.*workload.*entry 1, request: is missing/s);
  });
});

describe('what Chromium exported of pages of ours (pnpm har)', () => {
  const recorded = (name: string) => pageFromHar(readFileSync(new URL(`hars/${name}.har`, import.meta.url), 'utf8'), { name });
  const notes = (name: string): string[] => recorded(name).report.notes.map(({ text, count }) => `${count} ${text}`);

  test('a plain page over HTTP/3', () => {
    const { page, report } = recorded('plain');
    expect(page.objects.map(({ path, after, priority }) => [path, after, priority.urgency])).toEqual([
      ['/', [], 0],
      ['/style.css', ['plain.example/'], 0],
      ['/script.js', ['plain.example/'], 1],
      ['/one.png', ['plain.example/'], expect.any(Number)],
      ['/two.png', ['plain.example/'], expect.any(Number)],
      ['/data.json', ['plain.example/script.js'], 1],
    ]);
    expect(page.objects.filter(({ path }) => path.endsWith('.png')).map(({ size }) => size)).toEqual([23_968, 40_968]);
    expect(report.entries).toBe(6);
  });

  test('a shop over HTTP/1.1: redirects, a warm cache, an abort, a WebSocket, a blob', () => {
    expect(notes('shop')).toEqual(
      expect.arrayContaining([
        '3 target of a redirect, asked for when that has arrived',
        '1 only validated (304): an exchange without content',
        '1 aborted or blocked, left out',
        '1 WebSocket, left out',
        '1 blob: URL, which needs no network, left out',
        '1 answered with an error, which has content as any other answer',
      ]),
    );
    expect(notes('shop').some((note) => /from a cache \(.*\), left out/.test(note))).toBe(true);
    const { objects } = recorded('shop').page;
    const find = (path: string) => objects.find((object) => object.path.startsWith(path))!;
    expect(find('/products').after).toEqual(['shop.example/welcome']);
    expect(find('/js/part.js').after).toEqual(['shop.example/js/lazy.js']);
    expect(find('/api/track')).toMatchObject({ method: 'POST', upload: 3_000 });
    expect(find('/img/12.png').after).toEqual(['shop.example/img/moved.png']);
  });

  test('a page with third parties over HTTP/2: eight hosts and more', () => {
    const { page, report } = recorded('news');
    expect(report.hosts).toHaveLength(9);
    const find = (id: string) => page.objects.find((object) => object.id.startsWith(id))!;
    expect(find('sync.ads.example/match').after).toEqual([find('pixel.metrics.example/p').id]);
    expect(find('fonts.type.example/text.woff2').after).toEqual(['static.news.example/main.css']);
    expect(find('creative.brand.example/ad.js').after).toEqual(['cdn.ads.example/slot']);
  });

  describe.each(['plain', 'shop', 'news'])('%s', (name) => {
    const { page, report } = recorded(name);
    test('every entry is an object or is said to be left out', () => {
      const left = report.notes.filter(({ text }) => text.endsWith('left out')).reduce((sum, { count }) => sum + count, 0);
      expect(report.objects + left).toBe(report.entries);
    });
    test.each(MODEL_IDS)('every object arrives with its size under %s', (model) => {
      const { objects } = load(page, model, 0.01);
      expect(objects.map(({ id, status, bytes }) => [id, status, bytes]).sort()).toEqual(
        page.objects.map(({ id, size }) => [id, 200, size]).sort(),
      );
    });
  });
});

describe('the program', () => {
  const main = (...args: string[]) =>
    spawnSync(process.execPath, ['--import', 'tsx', fileURLToPath(new URL('../src/main.ts', import.meta.url)), ...args], {
      encoding: 'utf8',
    });
  const plain = fileURLToPath(new URL('hars/plain.har', import.meta.url));

  test('compare --har says what became of the entries, and then how the page loads', { timeout: 120_000 }, () => {
    const out = mkdtempSync(join(tmpdir(), 'quiclab-har-'));
    try {
      const { stdout, stderr, status } = main(
        'compare',
        '--har',
        plain,
        '--preset',
        'lte',
        '--models',
        'h3',
        '--loss',
        '0%',
        '--seeds',
        '1',
        '--out',
        out,
      );
      expect(status).toBe(0);
      expect(stderr.split('\n', 1)[0]).toMatch(/^6 entries by WebInspector [\d.]+: 6 objects, \d+ octets, plain\.example$/);
      expect(stdout).toContain("Workload: page 'plain.har', 6 objects, 70313 octets.\nPath: preset lte");
    } finally {
      rmSync(out, { recursive: true });
    }
  });

  test('compare --har with a file that is no HAR says what it lacks', { timeout: 120_000 }, () => {
    const { stderr, status } = main('compare', '--har', fileURLToPath(new URL('../package.json', import.meta.url)));
    expect([status, stderr]).toEqual([1, expect.stringContaining('the HAR file cannot be used:\n  log is missing')]);
  });

  test('losses does not tell from one capture what UDP lost', { timeout: 120_000 }, () => {
    const { stderr, status } = main('losses', '--sent', plain);
    expect([status, stderr]).toEqual([1, expect.stringContaining('one capture cannot tell what UDP lost')]);
  });
});
