import { nullProtection } from '@quiclab/crypto';
import { nodeProvider } from '@quiclab/crypto/node';
import { bernoulli } from '@quiclab/impair';
import { directionOf, FrameKind, REQUEST } from '@quiclab/ledger';
import { definePage } from '@quiclab/workload';
import { expect, test } from 'vitest';
import { DEFAULT_PROFILE, MODEL_IDS, runSimulated } from '../src/index.ts';

const UPLOAD = 150_000; // more than any buffer or window takes at once
const SIZE = 5_000;
const SERVER_TIME = 30_000;

test.each(MODEL_IDS)('%s: what a page uploads is sent, and answered when it is there', (model) => {
  const page = definePage({
    name: 'a form',
    objects: [
      { path: '/', size: 10_000 },
      { path: '/form', method: 'POST', size: SIZE, upload: UPLOAD, serverTime: SERVER_TIME, after: ['/'] },
      { path: '/image', size: 20_000, after: ['/'] },
    ],
  });
  const link = { delay: 20_000, rate: 10e6, queue: { packets: 100 } };
  const record = runSimulated({
    model,
    seed: 3,
    page,
    profile: DEFAULT_PROFILE,
    links: { up: { ...link, loss: bernoulli(0.02) }, down: link },
    source: (path) => new Uint8Array(page.objects.find((object) => object.path === path)!.size),
    ends: { crypto: nullProtection(nodeProvider) },
  });
  const { frames } = record.log;
  let sent = 0;
  for (let i = 0; i < frames.length; i += 7)
    if (directionOf(frames[i + 1]!) === REQUEST && frames[i + 6] === FrameKind.DATA) sent += frames[i + 4]! - frames[i + 5]!;
  const form = record.objects.find(({ id }) => id === '/form')!;
  expect([form.status, form.bytes, form.attempts, sent]).toEqual([200, SIZE, 1, UPLOAD]);
  const least = 2 * link.delay + SERVER_TIME + (1e6 * 8 * UPLOAD) / link.rate; // there, thought over, and back
  expect(form.headersAt - form.requestedAt).toBeGreaterThan(least);
});
