import { type PlanDetail, type PlanInfluence, type PlanJson, type PlanRun, summarisePlan } from '@quiclab/report';
import { integerBelow, seededRandom } from '@quiclab/sansio';

const MODELS = ['h1-parallel', 'h2', 'h3'];
const LOSSES = ['0%', '1%', '3%'];

/** A result as a plan's runs would give it. */
export function samplePlan({ seeds = 8, question = 'Who waits?' }: { readonly seeds?: number; readonly question?: string } = {}): PlanJson {
  const random = seededRandom('plan sample');
  const runs = LOSSES.flatMap((loss, variant) =>
    Array.from({ length: seeds }, (_, i) =>
      MODELS.map((model, m): PlanRun => {
        const transit = 200_000 + 40_000 * m + integerBelow(random, 20_000);
        const undetected = variant * (30_000 + integerBelow(random, 90_000));
        const held = m === 1 ? integerBelow(random, 1 + undetected) : 0;
        const pageLoad = 52_000 + transit + undetected + held;
        return {
          key: `topology.down.loss=${loss} ${model} seed ${i + 1}`,
          variant,
          model,
          seed: i + 1,
          figures: {
            pageLoad,
            medianCompletion: Math.round(pageLoad / 3),
            goodput: Math.round(8e12 / pageLoad),
            blockedOther: held,
            lost: variant * 3,
          },
          states: { connecting: 52_000, transit, undetected, 'held(other)': held },
          gaps: 0,
        };
      }),
    ).flat(),
  );
  const json = {
    schema: 1,
    kind: 'plan',
    world: 'simulated',
    version: '0.1.0',
    question,
    plan: { plan: { question, models: MODELS }, files: {} },
    variables: [{ key: 'topology.down.loss', values: LOSSES }],
    variants: LOSSES.map((loss) => ({ values: { 'topology.down.loss': loss }, workload: 'three objects', path: `down: loss ${loss}` })),
    reference: { model: 'h2', values: {} },
    figures: ['pageLoad', 'medianCompletion'],
    runs,
    complete: true,
  } as const;
  return { ...json, summaries: summarisePlan(json) };
}

/** Runs to look at, two of each variant and model; every stream has the given name. */
export const sampleDetails = ({ runs }: PlanJson, file = 'a.css'): PlanDetail[] =>
  runs
    .filter(({ seed }) => seed <= 2)
    .map(({ key, variant, model, seed, figures }) => ({
      key,
      variant,
      model,
      seed,
      ranks: seed === 1 ? ['median'] : ['p95', 'worst'],
      page: {
        pageLoad: figures.pageLoad!,
        streams: [0, 4, 8].map((id) => ({
          id,
          file,
          bytes: 1_000 * (id + 1),
          requested: 1_000 * id,
          firstByte: 60_000,
          completion: 180_000,
          lostPackets: variant,
          lostAt: variant > 0 ? [70_000] : [],
          blocked: { own: 10_000, other: 20_000 },
          blockedByteTime: 30_000,
          intervals: [
            { from: 80_000, to: 90_000, blame: 'own' as const },
            { from: 90_000, to: 105_000, blame: id === 0 ? 4 : 0 },
            { from: 110_000, to: 115_000, blame: 'connection' as const },
          ],
          states: [1_000 * id, 52_000, 7, 52_000, 80_000, 5, 80_000, 100_000, 18, 100_000, 105_000, 0, 105_000, 180_000 + 1_000 * id, 5],
        })),
        drops: { up: [], down: variant > 0 ? [70_000, 72_000] : [] },
        links: { up: { entered: 20, lost: 0, queueDropped: 0 }, down: { entered: 200, lost: 2 * variant, queueDropped: 0 } },
      },
      curves: {
        endedAt: figures.pageLoad!,
        flows: [
          {
            name: 'connection 1',
            curves: {
              window: [0, 12_000, 60_000, 24_000, 110_000, 30_000],
              threshold: [],
              inFlight: [0, 1_200, 60_000, 20_000, 110_000, 8_000],
              pacingRate: [0, 200_000, 60_000, 400_000],
              goodput: [0, 0, 60_000, 300_000],
              latestRtt: [52_000, 52_000, 90_000, 58_000],
              smoothedRtt: [52_000, 52_000, 90_000, 53_000],
              minRtt: [52_000, 52_000],
            },
            marks: { lost: variant > 0 ? [95_000] : [], spurious: [], timeouts: [] },
            phases: [{ at: 0, phase: 'slow-start' }],
          },
        ],
        more: 0,
        queue: [50_000, 1, 60_000, 12, 70_000, 0],
        queueDrops: [],
      },
    }));

/** Matrices of two models: of three packets the second carried octets of two streams. */
export const sampleInfluences = (name = 'a.css'): PlanInfluence[] =>
  ['h2', 'h3'].map((model) => ({
    variant: 0,
    model,
    streams: [1, 2, 3].map((number) => ({ name, number })),
    fewer: 4,
    rows: [
      { lost: 2, carried: [], completion: [90_000, 90_000, 90_000], slot: [80_000, 80_000, 80_000], wait: [0, 0, 0] },
      { lost: 7, carried: [0, 1], completion: [3_000, -200, 0], slot: [500, 400, 0], wait: [2_000, 1_000, model === 'h2' ? 700 : 0] },
      { lost: 12, carried: [2], completion: [0, 0, 1_000], slot: [0, 0, 100], wait: [model === 'h2' ? 800 : 0, 0, 900] },
    ],
    packets: 40,
    failed: 1,
    queueDrops: 0,
  }));
