import type { ModelName } from '@quiclab/lab';
import type { State } from '@quiclab/ledger';
import { SECOND } from '@quiclab/sansio';
import { describe, expect, test } from 'vitest';
import { accountPage, sumStates } from './accounts.ts';

/** Seeds that failed once: where TCP's send buffer is the limit, and where a server does not read what is piped. */
const FAILED_ONCE: readonly number[] = [10_094, 10_205, 10_230, 10_310];
const SEEDS = [...Array.from({ length: 36 }, (_, i) => i), ...FAILED_ONCE];
const PER_TEST = 10;

/** What the pages of a model come upon, all in all: or the states would be there in name only. */
const MET: readonly State[] = ['transit', 'queued', 'server', 'undetected'];
const QUIC: readonly State[] = ['stalled(connection credit)', 'stalled(stream credit)', 'stalled(window)', 'stalled(pacer)'];
const TCP: readonly State[] = ['connecting', 'held(record)'];

const MODELS: readonly (readonly [model: ModelName, more: readonly State[]])[] = [
  ['h1-short:3', TCP],
  ['h1-persistent', TCP],
  ['h1-pipelined', [...TCP, 'held(other)', 'order']],
  ['h1-parallel', TCP],
  ['h1-sharded', TCP],
  ['h2', [...TCP, 'held(other)', 'stalled(connection credit)', 'stalled(stream credit)']],
  ['h3', [...QUIC, 'connecting', 'held(fields)']],
  ['h3-single', [...QUIC, 'connecting', 'held(other)', 'held(fields)']],
  ['h3-0rtt', QUIC],
];

describe.each(MODELS)(
  '%s: states sum to lives, chains to page loads, and blocked time is what arrivals say (EXPERIMENTS §4)',
  (model, more) => {
    const met = new Map<State, number>();
    let waited = 0; // pages with a header section that waited for QPACK's table

    test.each(Array.from({ length: Math.ceil(SEEDS.length / PER_TEST) }, (_, i) => i))('ten pages, no. %i', (nth) => {
      for (const seed of SEEDS.slice(nth * PER_TEST, (nth + 1) * PER_TEST)) {
        const { record, exchanges } = accountPage(model, seed);
        sumStates(exchanges, met);
        if (record.log.unblockings.length > 0) waited++;
      }
    });

    test('every state that can be met was', () => {
      expect([...MET, ...more].filter((state) => !met.has(state))).toEqual([]);
      expect(waited > SEEDS.length / 4).toBe(model === 'h3' || model === 'h3-0rtt');
    });
  },
);

test('one page failed once: the server gave up what had not arrived, its reset was lost, and for an hour nobody said anything', () => {
  expect(accountPage('h1-short:2', 10_887).record.finishedAt).toBeLessThan(2 * 60 * SECOND);
});
