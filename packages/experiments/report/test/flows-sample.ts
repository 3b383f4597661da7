import type { FlowResult, FlowsJson } from '../src/index.ts';

/** Made up: three runs of a flow each, or one of three. Nothing in it but its shape is like a real one. */
export function sampleFlows(together: boolean, name = 'cubic'): FlowsJson {
  const steps = (value: (i: number) => number): number[] => Array.from({ length: 400 }, (_, i) => [25_000 * i, value(i)]).flat();
  const flow = (nth: number): FlowResult => ({
    name,
    startedAt: 0,
    requestedAt: 50_000,
    completedAt: nth === 2 ? -1 : 9_000_000,
    octets: 10_000_000,
    repairs: 30,
    spuriousRepairs: 1,
    lost: 30,
    spuriouslyLost: 1,
    probes: 2,
    persistentCongestions: 0,
    curves: {
      window: steps((i) => 20_000 + 1_000 * nth + 300 * (i % 100)),
      threshold: steps((i) => 20_000 + i),
      inFlight: steps((i) => 10_000 + 300 * (i % 100)),
      pacingRate: steps((i) => 1_000_000 + i),
      goodput: steps((i) => 900_000 - 100 * i),
      latestRtt: steps((i) => 40_000 + 100 * (i % 100)),
      smoothedRtt: steps((i) => 40_000 + 90 * (i % 100)),
      minRtt: [50_000, 40_000],
    },
    marks: { lost: [2_500_000, 5_000_000], spurious: [5_040_000], timeouts: [7_000_000] },
    phases: [
      { at: 0, phase: 'slow-start' },
      { at: 2_500_000, phase: 'recovery' },
      { at: 2_600_000, phase: 'congestion-avoidance' },
    ],
  });
  const run = (flows: readonly FlowResult[]): FlowsJson['runs'][number] => ({
    endedAt: 10_000_000,
    flows,
    links: { up: { entered: 4_000, lost: 0, queueDropped: 0 }, down: { entered: 9_000, lost: 20, queueDropped: 10 } },
    queue: steps((i) => i % 30),
    injectedDrops: [2_400_000],
    queueDrops: [4_900_000],
  });
  return {
    schema: 1,
    kind: 'flows',
    seed: 7,
    world: 'simulated',
    version: '0.1.0',
    arguments: ['--seed', '7'],
    path: { rate: 10e6, rtt: 40_000, queue: '41 packets', impairments: ['loss 1% down'] },
    octets: 10_000_000,
    runs: together ? [run([0, 1, 2].map(flow))] : [0, 1, 2].map((nth) => run([flow(nth)])),
  };
}
