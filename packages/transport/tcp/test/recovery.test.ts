import { MILLISECOND, SECOND } from '@quiclab/sansio';
import type { TcpConfig } from '@quiclab/tcp';
import { describe, expect, test } from 'vitest';
import { isPattern, Pair, type Passing } from './pair.ts';

const FULL = 1_448;
const RTT = 100 * MILLISECOND;

interface Plan {
  readonly config?: Partial<TcpConfig>;
  /** Octets that the client sends, from 150 ms on. */
  readonly octets: number;
  readonly finish?: boolean;
  /** What becomes of a data segment of the client's: as the nth that it sends, from 1, with its offset. */
  data?(n: number, offset: number): 'drop' | number | undefined;
  /** Of an acknowledgement of the server's, the nth after the handshake. */
  ack?(n: number): 'drop' | number | undefined;
}

/** A transfer from the client after the handshake; `lines` are what its observer heard but for states and gates. */
function transfer(plan: Plan) {
  let data = 0;
  let base = 0;
  const fate = ({ from, index, segment }: Passing): 'drop' | number | undefined => {
    if (index === 1 && from === 'client') base = segment.sequence + 1;
    if (from === 'server') return index > 1 ? plan.ack?.(index - 1) : undefined;
    if (segment.payloadLength === 0 && (segment.flags & 1) === 0) return undefined;
    return plan.data?.(++data, (segment.sequence - base) >>> 0);
  };
  const pair = new Pair({ fate, ...(plan.config && { config: plan.config }) }).handshake();
  pair.run(150 * MILLISECOND);
  pair.sendAll(pair.client, plan.octets, plan.finish ?? false);
  pair.run(600 * SECOND);
  expect(isPattern(pair.server.read, plan.octets)).toBe(true);
  const log = pair.client.logs[0]!;
  return {
    pair,
    stats: pair.client.connection!.stats(),
    lines: log.lines.filter((line) => !line.includes('>')),
    /** Copies that left after the first: when, and which octets. */
    again: log.sent.filter(({ transmission }) => transmission > 1).map(({ at, offset, length }) => `${at} ${offset}+${length}`),
  };
}

const dropping =
  (...nth: number[]) =>
  (n: number): 'drop' | undefined =>
    nth.includes(n) ? 'drop' : undefined;

describe('RACK (RFC 8985 §6)', () => {
  test('a loss is found with the third that has arrived beyond it, a round trip after it left; its repair leaves at once', () => {
    const { again, lines, stats } = transfer({ octets: 10 * FULL, data: dropping(3) });
    expect(lines).toEqual([`250000 lost ${2 * FULL}+${FULL} by rack`]);
    expect(again).toEqual([`250000 ${2 * FULL}+${FULL}`]);
    expect(stats).toMatchObject({ retransmissions: 1, timeouts: 0, spuriousLosses: 0 });
  });

  test('two that have arrived beyond it are too few while no reordering was seen: a quarter of a round trip is waited for a third', () => {
    const { lines } = transfer({ octets: 3 * FULL, data: dropping(1) });
    expect(lines).toEqual([`${250_000 + RTT / 4} reordering 0`, `${250_000 + RTT / 4} lost 0+${FULL} by rack`]);
  });

  test('what is overtaken by three segments is repaired for nothing once; the timestamp tells, and from then on it waits for a quarter of a round trip', () => {
    const late = (n: number): number | undefined => (n === 3 || n === 23 ? 10 * MILLISECOND : undefined);
    const { lines, again, stats } = transfer({ octets: 40 * FULL, data: late });
    expect(lines).toEqual([`250000 lost ${2 * FULL}+${FULL} by rack`, `260000 spurious ${2 * FULL}+${FULL}`]);
    expect(again.length).toBe(1);
    expect(stats.spuriousLosses).toBe(1);
  });

  test('a repair that is lost is found like anything else: by what left after it', () => {
    const lossy = (n: number, offset: number): 'drop' | undefined => (offset === 2 * FULL && n <= 20 ? 'drop' : undefined);
    const { again, stats } = transfer({ octets: 60 * FULL, data: lossy });
    expect(again.map((line) => line.split(' ')[1])).toEqual([`${2 * FULL}+${FULL}`, `${2 * FULL}+${FULL}`]);
    expect(again[0]).toBe(`250000 ${2 * FULL}+${FULL}`);
    expect(again[1]).toBe(`350000 ${2 * FULL}+${FULL}`);
    expect(stats.timeouts).toBe(0);
  });

  test('half of a window lost is repaired without a timeout', () => {
    const { stats } = transfer({ octets: 100 * FULL, data: (n) => (n > 10 && n <= 40 && n % 2 === 0 ? 'drop' : undefined) });
    expect(stats).toMatchObject({ retransmissions: 15, timeouts: 0, spuriousLosses: 0 });
  });
});

describe('tail loss probes (RFC 8985 §7)', () => {
  test('after two round trips of silence the last segment is sent again, and RACK finds the rest', () => {
    const { lines, again, stats } = transfer({ octets: 8 * FULL, data: (n) => (n >= 6 && n <= 8 ? 'drop' : undefined) });
    // acknowledgements come at 250 ms, the last one at 290 ms for a fifth segment that waits for a sixth
    const [probe] = again;
    expect(probe).toMatch(new RegExp(` ${7 * FULL}\\+${FULL}$`));
    expect(lines.filter((line) => line.includes('tail-probe')).length).toBe(1);
    expect(stats).toMatchObject({ timeouts: 0, tailProbes: 1, retransmissions: 3 });
  });

  test('a lone segment is given the time that its acknowledgement may be held back: 2 RTT + 200 ms', () => {
    const { again } = transfer({ octets: 100, data: dropping(1), config: { minRto: SECOND } });
    expect(again).toEqual([`${150_000 + 2 * RTT + 200_000} 0+100`]);
  });

  test('but no more than the retransmission timer would: in place of its first expiry, smoothed RTT + 200 ms, and at no cost to the window', () => {
    const { again, lines, stats } = transfer({ octets: 100, data: dropping(1) });
    expect(again).toEqual([`${150_000 + RTT + 200_000} 0+100`]);
    expect(lines).toEqual(['450000 tail-probe 0']);
    expect(stats.congestionWindow).toBe(10 * FULL);
  });

  test('new data is the better probe', () => {
    const { stats, lines, again } = transfer({
      octets: 12 * FULL,
      config: { initialWindow: 4 },
      data: (n) => (n === 4 ? 'drop' : undefined),
      ack: (n) => (n <= 2 ? 500 * MILLISECOND : undefined),
    });
    expect(lines[0]).toMatch(/tail-probe/);
    expect(stats.tailProbes).toBe(1);
    expect(again.length).toBe(1); // the probe was none
  });

  test('a probe that repairs the loss in silence costs the sender its window as any loss would (§7.4)', () => {
    const { pair, lines, stats } = transfer({ octets: 10 * FULL, data: dropping(10) });
    expect(stats).toMatchObject({ tailProbes: 1, timeouts: 0, retransmissions: 1 });
    expect(lines.filter((line) => line.includes('lost'))).toEqual([]); // nothing was acknowledged beyond it: it may have been late
    const { congestionWindow } = stats;
    pair.client.connection!.write(pair.now, new Uint8Array(100));
    pair.turn(pair.client);
    const sentAt = pair.now;
    pair.run(pair.now + SECOND);
    expect(pair.client.logs[0]!.lines.filter((line) => line.includes('lost'))).toEqual([
      `${sentAt + RTT + 40_000} lost ${9 * FULL}+${FULL} by probe`,
    ]);
    expect(pair.client.connection!.stats().congestionWindow).toBeLessThan(congestionWindow);
  });

  test('one that came twice has repaired nothing, and costs nothing', () => {
    const { pair, stats } = transfer({ octets: 10 * FULL, ack: (n) => (n === 5 ? 'drop' : undefined) });
    expect(stats).toMatchObject({ tailProbes: 1, timeouts: 0 });
    pair.client.connection!.write(pair.now, new Uint8Array(100));
    pair.turn(pair.client);
    pair.run(pair.now + SECOND);
    expect(pair.client.logs[0]!.lines.filter((line) => line.includes('lost'))).toEqual([]);
  });

  test('without them it takes the retransmission timer', () => {
    const { again } = transfer({ octets: 8 * FULL, data: dropping(7, 8), config: { tailLossProbes: false } });
    expect(again).toEqual([`550000 ${6 * FULL}+${FULL}`, `690000 ${7 * FULL}+${FULL}`]); // 250 + 300 ms; and a round trip with a held back acknowledgement
  });
});

describe('the retransmission timer (RFC 6298)', () => {
  test('doubles with each expiry, and is what it was after an acknowledgement', () => {
    const { again, lines } = transfer({ octets: 100, data: (n) => (n <= 4 ? 'drop' : undefined), config: { tailLossProbes: false } });
    // 300 ms, 600, 1,200, 2,400 after one another
    expect(again.map((line) => Number(line.split(' ')[0]))).toEqual([450_000, 1_050_000, 2_250_000, 4_650_000]);
    expect(lines.filter((line) => line.includes('retransmission')).map((line) => line.split(' ').at(-1))).toEqual(['1', '2', '3', '4']);
  });

  test('is never below its least, RFC 6298 §2.4 if so configured', () => {
    const { again } = transfer({ octets: 100, data: dropping(1), config: { minRto: SECOND, tailLossProbes: false } });
    expect(again).toEqual(['1150000 0+100']);
  });

  test('a whole flight lost: one segment after the timeout, then slow start (RFC 5681 §3.1)', () => {
    const { again, stats, pair } = transfer({ octets: 10 * FULL, data: (n) => (n <= 11 ? 'drop' : undefined) });
    const times = again.map((line) => Number(line.split(' ')[0]));
    expect(stats.timeouts).toBeGreaterThan(0);
    const afterExpiry = times.filter((time) => time > 400_000);
    const rounds = [...new Set(afterExpiry)].map((time) => afterExpiry.filter((other) => other === time).length);
    expect(rounds[0]).toBe(1);
    expect(rounds[1]).toBe(2);
    expect(pair.server.read.length).toBe(10 * FULL);
  });

  test('a peer that has gone is given up after fifteen', () => {
    const pair = new Pair({ config: { tailLossProbes: false }, fate: ({ at }) => (at > 150_000 ? 'drop' : undefined) }).handshake();
    pair.run(160 * MILLISECOND);
    pair.sendAll(pair.client, 100);
    pair.run();
    expect(pair.client.events.at(-2)).toMatch(/closed the peer does not answer any more$/);
    expect(pair.client.logs[0]!.sent.filter(({ transmission }) => transmission > 0).length).toBe(16);
    expect([...pair.client.endpoint.connections]).toEqual([]);
  });
});

describe('mistakes are found out', () => {
  /** A path that stalls: what the client sends from 250 ms on arrives when it goes on, all at once and in order. */
  const stall = (config: Partial<TcpConfig>, duration: number) => {
    let window = 0;
    const goesOn = 250_000 + duration;
    const pair = new Pair({
      config,
      fate: ({ from, at }) => (from === 'client' && at >= 250_000 && at < goesOn ? goesOn - at : undefined),
    }).handshake();
    pair.run(150 * MILLISECOND);
    pair.sendAll(pair.client, 200 * FULL, false);
    pair.run(300 * MILLISECOND);
    window = pair.client.connection!.stats().congestionWindow;
    pair.run(600 * SECOND);
    expect(isPattern(pair.server.read, 200 * FULL)).toBe(true);
    return { window, stats: pair.client.connection!.stats(), log: pair.client.logs[0]! };
  };

  test('by the timestamp (RFC 3522): a path that stalls for a second costs a copy or two, and not the window', () => {
    const { window, stats } = stall({ tailLossProbes: false }, SECOND);
    expect(stats.timeouts).toBe(2);
    expect(stats.retransmissions).toBeLessThanOrEqual(2);
    expect(stats.congestionWindow).toBeGreaterThanOrEqual(window);
  });

  test('without timestamps by what new data brings (RFC 5682, F-RTO)', () => {
    const { window, stats } = stall({ tailLossProbes: false, timestamps: false }, 300 * MILLISECOND);
    expect(stats.timeouts).toBe(1);
    expect(stats.retransmissions).toBe(1);
    expect(stats.congestionWindow).toBeGreaterThanOrEqual(window);
  });

  test('without either, the DSACKs tell in the end (RFC 2883)', () => {
    const { window, stats } = stall({ tailLossProbes: false, timestamps: false, forwardRto: false }, 300 * MILLISECOND);
    expect(stats.retransmissions).toBeGreaterThanOrEqual(1);
    expect(stats.congestionWindow).toBeGreaterThanOrEqual(window);
  });

  test('a real loss is not taken back', () => {
    const { lines } = transfer({ octets: 40 * FULL, data: dropping(5, 6, 7) });
    expect(lines.filter((line) => line.includes('spurious'))).toEqual([]);
  });
});

describe('without SACK (RFC 5681 §3.2, RFC 6582)', () => {
  test('three duplicate acknowledgements, and what acknowledges only a part, tell of losses one by one', () => {
    const { lines, stats } = transfer({ octets: 40 * FULL, config: { sack: false }, data: dropping(11, 13) });
    expect(lines.filter((line) => line.includes('lost'))).toEqual([
      `350000 lost ${10 * FULL}+${FULL} by duplicates`,
      `450000 lost ${12 * FULL}+${FULL} by duplicates`,
    ]);
    expect(stats).toMatchObject({ retransmissions: 2, timeouts: 0 });
  });
});
