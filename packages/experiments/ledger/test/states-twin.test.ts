import { accountOf, STATES, type State, type StateInterval, totalOf } from '@quiclab/ledger';
import { integerBelow, type Random, seededRandom } from '@quiclab/sansio';
import { afterAll, describe, expect, test } from 'vitest';
import { type Exchange, NEVER, randomScenario, type Scenario } from './scenario.ts';
import { SlowStates } from './slow-states.ts';

const seen = new Set<State>();
let blockedByOthers = 0;

/** What the applications read, and what they say of it: never before it can be read. */
function readAndComplete(scenario: Scenario, slow: SlowStates, random: Random): number {
  const { log } = scenario;
  let last = scenario.end;
  const below = (n: number): number => integerBelow(random, n);
  for (const exchange of scenario.exchanges) {
    for (const { connection, id, request, response } of exchange.attempts)
      for (const message of [request, response]) {
        const header = message.octets.findLastIndex(({ part, frame }) => part === 'header section' && frame === message.octets[0]!.frame);
        let at = slow.readable(message, header) + below(8);
        if (at === NEVER || below(100) < 40) continue;
        message.reads.push([at, 0]);
        message.octets.forEach(({ part, nth }, i) => {
          const readable = slow.readable(message, i);
          if (part !== 'content' || readable === NEVER || below(100) < 60) return;
          at = Math.max(at, readable) + below(6);
          message.reads.push([at, nth + 1]);
        });
        last = Math.max(last, at);
        for (const [time, content] of message.reads) log.read(time, connection, id, message.direction, content);
      }
    const end = slow.end(exchange);
    if (end === NEVER || below(100) < 10) continue;
    exchange.completed = end + below(4);
    log.completed(exchange.completed, exchange.exchange);
    last = Math.max(last, exchange.completed);
  }
  log.close(last);
  return last;
}

describe('the walk agrees with the definition read octet by octet and microsecond by microsecond (EXPERIMENTS §4)', () => {
  test.each(Array.from({ length: 400 }, (_, seed) => seed))('random run, seed %i', (seed) => {
    const random = seededRandom(seed);
    const scenario = randomScenario(random.fork('scenario'));
    const slow = new SlowStates(scenario);
    const end = readAndComplete(scenario, slow, random.fork('applications'));
    const { exchanges } = accountOf(scenario.log);
    expect(exchanges).toHaveLength(scenario.exchanges.length);
    for (const [i, exchange] of scenario.exchanges.entries()) {
      const record = exchanges[i]!;
      const expected = past(slow, exchange, end);
      expect({ intervals: record.intervals, own: record.blocked.own, other: record.blocked.other }).toEqual(expected);
      expect(totalOf(record.sums)).toBe((record.intervals.at(-1)?.to ?? exchange.issued) - exchange.issued);
      for (const { state } of record.intervals) seen.add(state);
      blockedByOthers += record.blocked.other;
    }
  });

  afterAll(() => {
    expect([...seen].sort()).toEqual([...STATES].sort()); // or something was never compared
    expect(blockedByOthers).toBeGreaterThan(100);
  });
});

function past(slow: SlowStates, exchange: Exchange, runEnd: number): { intervals: StateInterval[]; own: number; other: number } {
  const intervals: StateInterval[] = [];
  const blocked = { own: 0, other: 0 };
  const end = exchange.completed < NEVER ? slow.end(exchange) : runEnd;
  for (let now = exchange.issued; now < end; now++) {
    const state = slow.state(exchange, now);
    const last = intervals.at(-1);
    if (last?.state === state) intervals[intervals.length - 1] = { ...last, to: now + 1 };
    else intervals.push({ from: now, to: now + 1, state });
    const blame = slow.blame(exchange, now);
    if (blame !== '') blocked[blame]++;
  }
  return { intervals, ...blocked };
}
