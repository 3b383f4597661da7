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
  });

  test('says where it is wrong', () => {
    const wrong = (): string => '{"log":{"entries":[{}]}}';
    expect(() => parsePlan(PLAN, 'p.yaml', wrong)).toThrow(/p\.yaml.*2.*workload.*entry 1, request: is missing/s);
  });
});
