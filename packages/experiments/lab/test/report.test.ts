import type { PlanJson } from '@quiclab/report';
import { beforeAll, describe, expect, test } from 'vitest';
import { inProcess, parsePlan, planJson, runPlan } from '../src/index.ts';
import { type Details, detailsOf } from '../src/report/details.ts';
import { reportOf } from '../src/report/write-report.ts';

async function resultOf(text: string): Promise<PlanJson> {
  const plan = parsePlan(text, 'p.yaml', () => '');
  const store = { runs: [] as PlanJson['runs'][number][], add: (run: PlanJson['runs'][number]) => void store.runs.push(run) };
  await runPlan(plan, inProcess(plan), store, { world: 'simulated', signal: new AbortController().signal });
  return planJson(plan, 'simulated', store.runs, true);
}

describe('the runs of a report', () => {
  let result: PlanJson;
  let made: Details;
  beforeAll(async () => {
    result = await resultOf(`question: Who waits?
workload: { files: { count: 4, size: 20KB } }
topology:
  both: { rate: 10Mbit, delay: 25ms, queue: 64 packets }
  down: { loss: 5% }
models: [h2, h3, h3-0rtt]
repeats: 4
`);
    made = detailsOf(result);
  });

  test('are the median, the 95th percentile and the worst of each model, as they were', () => {
    expect(made.missing).toBe('');
    for (const model of ['h2', 'h3', 'h3-0rtt']) {
      const own = made.details.filter((detail) => detail.model === model);
      expect(own.flatMap(({ ranks }) => ranks).sort()).toEqual(['median', 'p95', 'worst']);
      const loads = result.runs.flatMap((run) => (run.model === model ? [run.figures.pageLoad!] : [])).sort((a, b) => a - b);
      expect(own.find(({ ranks }) => ranks.includes('median'))!.page!.pageLoad).toBe(loads[1]);
      expect(own.find(({ ranks }) => ranks.includes('worst'))!.page!.pageLoad).toBe(loads[3]);
    }
  });

  test('have states without gaps from request to completion, as many drops as the links, and curves that begin with the page', () => {
    for (const { page, curves, model } of made.details) {
      const { streams, drops, links, pageLoad } = page!;
      for (const { states, requested, completion } of streams) {
        expect(states[0]).toBe(requested);
        for (let i = 3; i < states.length; i += 3) expect(states[i]).toBe(states[i - 2]);
        expect(states.at(-2)).toBe(requested + completion);
      }
      expect(drops.down.length).toBe(links.down.lost + links.down.queueDropped);
      expect(curves!.flows.map(({ name }) => name)).toEqual(['connection 1']);
      const [{ curves: own, marks }] = curves!.flows as [(typeof curves & object)['flows'][number]];
      for (const steps of [own.window, own.inFlight, own.goodput, own.smoothedRtt]) {
        expect(steps.length).toBeGreaterThan(4);
        expect(steps[0]).toBeLessThan(pageLoad);
      }
      expect(own.pacingRate.length > 0).toBe(model !== 'h2'); // as in practice, TCP does not pace
      expect(marks.lost.every((at) => at >= 0)).toBe(true);
    }
  });

  test('are on the page', () => {
    const html = reportOf(result, made);
    expect(html).toContain('aria-label="Waterfall of h3-0rtt:');
    expect(html).toContain('id="curves"');
    expect(JSON.parse(/id="result">(.*)<\/script>/.exec(html)![1]!).details).toEqual(JSON.parse(JSON.stringify(made.details)));
  });

  test('that asks for influence has its matrices once for all that differ in nothing but what is lost: under h3 nobody waits who was not in the packet', async () => {
    const asking = await resultOf(`question: Who waits?
workload: { files: { count: 4, size: 6KB } }
topology:
  both: { rate: 10Mbit, delay: 20ms, queue: 1000 packets }
models: [h2, h3]
profile: parity
vary:
  topology.down.loss: [0%, 1%]
repeats: 1
outputs: { influence: 9 }
`);
    const { influences = [], influenceMissing } = detailsOf(asking);
    expect(influenceMissing).toBe('');
    expect(influences.map(({ variant, model }) => [variant, model])).toEqual([
      [0, 'h2'],
      [0, 'h3'],
    ]);
    const waitsBeside = influences.map(({ rows }) =>
      rows.flatMap(({ wait, carried }) => (carried.length > 0 ? wait.filter((_, i) => !carried.includes(i)) : [])),
    );
    expect(Math.max(...waitsBeside[0]!)).toBeGreaterThan(0);
    expect(new Set(waitsBeside[1])).toEqual(new Set([0]));
    for (const { rows, streams, fewer } of influences) {
      expect(rows).toHaveLength(9);
      expect(streams.map(({ number }) => number)).toEqual([1, 2, 3, 4]);
      expect(fewer).toBe(0);
    }
    expect(reportOf(asking, detailsOf(asking))).toContain('aria-label="Influence under h3:');
  });

  test('that come out in another way, or not at all, are left out, and the page says so', () => {
    const other = result.runs.map((run) => (run.model === 'h3' ? { ...run, figures: { ...run.figures, pageLoad: 1 } } : run));
    const { details, missing } = detailsOf({ ...result, runs: other, version: '0.0.1' });
    expect(new Set(details.map(({ model }) => model))).toEqual(new Set(['h2', 'h3-0rtt']));
    expect(missing).toMatch(
      /^\d runs? (is|are) left out: made again by this quiclab .* in another way than in the result, which quiclab 0\.0\.1 made\.$/,
    );
  });

  test('of bulk transfers are curves, and over real sockets there are none', async () => {
    const flows = await resultOf(`question: Who wins?
workload: { flows: [cubic, cubic], size: 200KB }
topology:
  both: { rate: 10Mbit, delay: 10ms, queue: 32 packets }
repeats: 1
`);
    const { details } = detailsOf(flows);
    expect(details.map(({ curves }) => curves!.flows.map(({ name }) => name))).toEqual([['cubic', 'cubic 2']]);
    expect(details[0]!.ranks).toEqual(['median', 'p95', 'worst']);
    expect(detailsOf({ ...result, world: 'relay' }).details).toEqual([]);
    expect(detailsOf(flows, undefined, 5)).toMatchObject({
      influences: [],
      influenceMissing: 'There are influence matrices of pages alone, and of none through a gateway.',
    });
    expect(detailsOf(result, undefined, 1).influences!.map(({ model, rows }) => [model, rows.length])).toEqual([
      ['h2', 1],
      ['h3', 1],
      ['h3-0rtt', 1],
    ]);
  });
});
