import { type CongestionController, cubic, newReno } from '@quiclab/congestion';
import { integerBelow, MILLISECOND, type Micros, SECOND, seededRandom } from '@quiclab/sansio';
import { Flows } from './flows.ts';

export const CONTROLLERS = {
  cubic: (maxDatagramSize: number) => cubic({ maxDatagramSize }),
  newReno: (maxDatagramSize: number) => newReno({ maxDatagramSize }),
} as const satisfies Record<string, (maxDatagramSize: number) => CongestionController>;
export type ControllerName = keyof typeof CONTROLLERS;

/** 10 Mbit/s, 15 ms one way, 25 packets. */
const DEFAULT_PATH = { rate: 10_000_000, delay: 15 * MILLISECOND, queue: { packets: 25 } };
/** 100 Mbit/s, 25 ms one way, and as much queue as path: 100 Mbit/s × 50 ms in IP packets of 1,228 octets. */
const FAST_PATH = { rate: 100_000_000, delay: 25 * MILLISECOND, queue: { packets: 509 } };
const WARM_UP = 10 * SECOND;
const MEASURED = 30 * SECOND;

/** Two flows over one bottleneck. Both start within the first second, by the seed; the second so much later than that. */
function twoFlows(path: typeof DEFAULT_PATH, name: ControllerName, seed: number, later: Micros): Flows {
  const random = seededRandom(seed).fork('starts');
  const drawn = [integerBelow(random, SECOND), integerBelow(random, SECOND)].sort((a, b) => a - b) as [number, number];
  return new Flows({
    seed,
    up: path,
    down: path,
    starts: [drawn[0], drawn[1] + later],
    controller: ({ maxDatagramSize }) => CONTROLLERS[name](maxDatagramSize),
  });
}

/** What each flow's client has read meanwhile. */
function readUntil(flows: Flows, until: Micros): [number, number] {
  const before = [0, 1].map((i) => flows.flows[i]?.octets ?? 0);
  flows.run(until);
  return [0, 1].map((i) => (flows.flows[i]?.octets ?? 0) - before[i]!) as [number, number];
}

export interface Fairness {
  /** Of the second flow, in percent. */
  readonly share: number;
  readonly jain: number;
  /** Of both together, Mbit/s of stream data. */
  readonly goodput: number;
}

/** The second flow's share of 30 s, after 10 s in which both run (15 s after the first where the second comes 5 s late). */
export function share(name: ControllerName, seed: number, later: Micros): Fairness {
  const flows = twoFlows(DEFAULT_PATH, name, seed, later);
  flows.run(WARM_UP + later);
  const [a, b] = readUntil(flows, WARM_UP + later + MEASURED);
  return { share: (100 * b) / (a + b), jain: ((a + b) * (a + b)) / (2 * (a * a + b * b)), goodput: (8 * (a + b)) / MEASURED };
}

/** How many whole seconds after its start the second flow, 5 s late, first has 45% of what both bring in 2 s; -1: not within five minutes. */
export function secondsToConverge(name: ControllerName, seed: number): number {
  const later = 5 * SECOND;
  const flows = twoFlows(FAST_PATH, name, seed, later);
  flows.run(later + SECOND);
  let last: [number, number] = [0, 0];
  for (let second = 1; second <= 300; second++) {
    const [a, b] = readUntil(flows, later + SECOND * (1 + second));
    if (second > 1 && b + last[1] >= 0.45 * (a + b + last[0] + last[1])) return second;
    last = [a, b];
  }
  return -1;
}

export const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

export function standardDeviation(values: readonly number[]): number {
  const middle = mean(values);
  return Math.sqrt(values.reduce((sum, value) => sum + (value - middle) * (value - middle), 0) / (values.length - 1));
}

export const NAMES = Object.keys(CONTROLLERS) as ControllerName[];
/** Both within the first second; the second flow 5 s later. */
export const LATER: readonly Micros[] = [0, 5 * SECOND];

/** The stored table's row for a seed: share and Jain's index of each. */
export const row = (seed: number, all: readonly Fairness[]): string =>
  `| ${seed} | ${all.map(({ share, jain }) => `${share.toFixed(1)} | ${jain.toFixed(4)}`).join(' | ')} |`;
