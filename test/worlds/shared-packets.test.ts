import { nullProtection } from '@quiclab/crypto';
import { nodeProvider } from '@quiclab/crypto/node';
import { type ModelId, piecesOn, type RunRecord, runSimulated } from '@quiclab/lab';
import { MILLISECOND } from '@quiclab/sansio';
import {
  oneStreamPerPacket,
  roundRobinByByte,
  roundRobinByPacket,
  type StreamScheduler,
  sequential,
  strictUrgency,
} from '@quiclab/streams';
import { filesWorkload } from '@quiclab/workload';
import { describe, expect, test } from 'vitest';

// What a stream to each packet costs, and what it is for: h3 against h3-single on a path that loses nothing.

const page = filesWorkload(Array.from({ length: 32 }, (_, i) => ({ path: `file-${i}`, size: 5_000 + 100 * i })));
const sizes = new Map(page.objects.map(({ path, size }) => [path, size]));
const link = { delay: 20 * MILLISECOND, rate: 20_000_000, queue: { packets: 1_000 } };

const load = (model: ModelId, scheduler: () => StreamScheduler): RunRecord =>
  runSimulated({
    model,
    seed: 1,
    page,
    source: (path) => new Uint8Array(sizes.get(path)!),
    links: { up: link, down: link },
    ends: { crypto: nullProtection(nodeProvider), policies: { scheduler } },
    clientPolicies: { scheduler: () => roundRobinByByte() },
  });

const time = ({ startedAt, finishedAt }: RunRecord): number => finishedAt - startedAt;
/** The most requests whose responses one packet carries. */
const mostStreams = (record: RunRecord): number =>
  Math.max(...piecesOn(record, 'down').map((pieces) => new Set(pieces.map(({ carrier }) => carrier)).size));

describe('32 small files, nothing lost', () => {
  const single = load('h3-single', () => oneStreamPerPacket());

  test('one stream per packet: a packet more for about each file, and so later than h3-single', () => {
    const h3 = load('h3', () => oneStreamPerPacket());
    expect(mostStreams(h3)).toBe(1);
    expect(h3.down.entered - single.down.entered).toBeGreaterThan(page.objects.length / 4);
    expect(time(h3)).toBeGreaterThan(time(single));
  });

  test.each([
    ['round robin by packet', () => roundRobinByPacket()],
    ['round robin by octet', () => roundRobinByByte()],
    ['sequential', () => sequential()],
    ['strict urgency', () => strictUrgency()],
  ])('%s, packets shared: no later than h3-single', (_name, scheduler) => {
    const h3 = load('h3', scheduler);
    expect(mostStreams(h3)).toBeGreaterThan(1);
    expect(time(h3)).toBeLessThanOrEqual(time(single));
  });
});
