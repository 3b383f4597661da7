/** What a path does to datagrams: the scenarios of the QUIC interop runner's network. */
import { bernoulli, burstCapped, corrupt, type ImpairmentMaker, type LinkConfig, parseDuration, parseRate, where } from '@quiclab/impair';
import { type Micros, NEVER, SECOND } from '@quiclab/sansio';

export interface PathPlan {
  readonly up: LinkConfig;
  readonly down: LinkConfig;
  readonly ipv6: boolean;
  /** What a NAT near the client changes after a second and every five seconds from then on: its port, or its address as well. */
  readonly rebinds: 'never' | 'port' | 'address';
  /** A second way to the server, which the server is told to prefer. */
  readonly preferredAddress: boolean;
}

const USUAL: LinkConfig = { delay: parseDuration('15ms'), rate: parseRate('10Mbit'), queue: { packets: 25 } };

const both = (link: LinkConfig): PathPlan => ({ up: link, down: link, ipv6: false, rebinds: 'never', preferredAddress: false });

/** The runner's default. */
export const DEFAULT_PATH = both(USUAL);
export const LONG_RTT = both({ ...USUAL, delay: parseDuration('750ms') });
export const IPV6: PathPlan = { ...DEFAULT_PATH, ipv6: true };
export const rebinding = (what: 'port' | 'address'): PathPlan => ({ ...DEFAULT_PATH, rebinds: what });
export const PREFERRED_ADDRESS: PathPlan = { ...DEFAULT_PATH, preferredAddress: true };

const LONGEST_BURST = 3;

export const lossy = (probability: number): PathPlan => both({ ...USUAL, loss: burstCapped(bernoulli(probability), LONGEST_BURST) });
export const corrupting = (probability: number): PathPlan => both({ ...USUAL, corrupt: cappedCorruption(probability) });

/** The nth datagrams to the server, from 1, are lost. */
export const losingUp = (...nth: readonly number[]): PathPlan => ({
  ...DEFAULT_PATH,
  up: { ...USUAL, loss: where((packet) => nth.includes(packet.index), 'listed') },
});

/** Nothing passes for a while, counted from the client's first datagram. A plan for one run: it keeps that instant. */
export function blackHole(after: Micros, length: Micros): PathPlan {
  let begunAt = NEVER;
  const dark = (now: Micros): boolean => now >= begunAt + after && now < begunAt + after + length;
  const up = where((_packet, now) => {
    begunAt = Math.min(begunAt, now);
    return dark(now);
  }, 'blackout');
  const down = where((_packet, now) => dark(now), 'blackout');
  return { ...DEFAULT_PATH, up: { ...USUAL, loss: up }, down: { ...USUAL, loss: down } };
}

export const BLACK_HOLE = (): PathPlan => blackHole(5 * SECOND, 2 * SECOND);

/** As `burstCapped` does for losses: after three damaged datagrams in a row one passes whole. */
function cappedCorruption(probability: number): ImpairmentMaker {
  const inner = corrupt(probability);
  return (random) => {
    const judge = typeof inner === 'function' ? inner(random) : inner;
    let inARow = 0;
    return {
      judge(now, packet, fate, draws) {
        judge.judge(now, packet, fate, draws);
        if (fate.flipBit === -1) inARow = 0;
        else if (++inARow > LONGEST_BURST) {
          fate.flipBit = -1;
          inARow = 0;
        }
      },
    };
  };
}
