import type { Amount, CongestionController } from '@quiclab/congestion';
import { cubic, newReno } from '@quiclab/congestion';
import { MILLISECOND, type Micros, NEVER } from '@quiclab/sansio';
import { Flows } from './flows.ts';

const DATAGRAM = 1_200;
const SKIPPED = 20;
const MEASURED = 20;

interface Options {
  readonly maxDatagramSize: number;
  readonly initialSlowStartThreshold: Amount;
}
export const CONTROLLERS = {
  cubic: (options: Options) => cubic(options),
  'cubic, no fast convergence': (options: Options) => cubic({ ...options, fastConvergence: false }),
  newReno: (options: Options) => newReno(options),
} as const satisfies Record<string, (options: Options) => CongestionController>;
export type ControllerName = keyof typeof CONTROLLERS;
const NAMES = Object.keys(CONTROLLERS) as ControllerName[];

/** One drop in so many packets, and the windows of RFC 9438's Tables 1 and 2 (§5.2): of CUBIC at 100 and at 10 ms, of Reno at either. */
const TABLES = [
  [100, 12, 12, 12],
  [1_000, 38, 38, 38],
  [10_000, 187, 120, 120],
  [100_000, 1_054, 379, 379],
] as const;

export interface Point {
  readonly name: ControllerName;
  readonly rtt: Micros;
  readonly every: number;
  readonly expected: number;
}

export const POINTS: readonly Point[] = TABLES.flatMap(([every, at100, at10, reno]) =>
  [100, 10].flatMap((milliseconds) =>
    NAMES.map((name) => ({
      name,
      rtt: milliseconds * MILLISECOND,
      every,
      expected: name === 'newReno' ? reno : milliseconds === 100 ? at100 : at10,
    })),
  ),
);

/**
 * The window in datagrams, averaged over the time from the 20th drop to the 40th, when one in so many packets on the way to the client
 * is lost, whatever it carries; constant round trips, no rate limit.
 */
export function averageWindow({ name, rtt, every, expected }: Point): number {
  let drops = 0;
  let began: Micros = NEVER;
  let ended: Micros = 0;
  const everyNth = {
    judge(now: Micros, { index }: { readonly index: number }, fate: { dropped: string }): void {
      if (index % every !== 0) return;
      fate.dropped = 'loss';
      drops++;
      if (drops === SKIPPED) began = now;
      ended = now;
    },
  };
  let window = 0;
  let since: Micros = 0;
  let area = 0;
  /** The window was this until now. */
  const count = (until: Micros): void => {
    if (until > began) area += window * (until - Math.max(since, began));
    since = until;
  };
  const flows = new Flows({
    seed: 1,
    up: { delay: rtt / 2 },
    down: { delay: rtt / 2, loss: everyNth },
    starts: [0],
    // slow start ends where the table says, so that none of the drops is spent on finding that out
    controller: ({ maxDatagramSize }) => {
      const controller = CONTROLLERS[name]({ maxDatagramSize, initialSlowStartThreshold: { packets: expected } });
      const { onAck, onLoss } = controller;
      controller.onAck = (now, ...rest) => {
        count(now);
        onAck.call(controller, now, ...rest);
        window = controller.congestionWindow;
      };
      controller.onLoss = (now, ...rest) => {
        count(now);
        onLoss.call(controller, now, ...rest);
        window = controller.congestionWindow;
      };
      return controller;
    },
    sendBuffer: 8 << 20,
  });
  flows.run(NEVER, () => drops < SKIPPED + MEASURED);
  count(ended);
  return area / (ended - began) / DATAGRAM;
}

/** A row of the stored table. */
export function row({ name, rtt, every, expected }: Point, window: number): string {
  const off = (100 * (window / expected - 1)).toFixed(1);
  return `| ${rtt / MILLISECOND} ms | 1/${every} | ${name} | ${expected} | ${window.toFixed(1)} | ${off}% |`;
}

export const HEAD = [
  '# Response function (RFC 9438 §5.2, Tables 1 and 2)',
  '',
  'Average window in datagrams with one drop every 1/p packets: constant round trips, no rate limit, 1,200-octet datagrams, 20 drops',
  'skipped and 20 measured. Simulated; written by test/tables/response-function.test.ts.',
  '',
  '| RTT | p | controller | RFC | measured | off |',
  '| --- | --- | --- | --- | --- | --- |',
];
