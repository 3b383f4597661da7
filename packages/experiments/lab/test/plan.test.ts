import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { definePlan, loadPlan, PlanError, parsePlan, prepareDocument, preparePlan } from '../src/index.ts';
import { planJsonSchema } from '../src/plan/json-schema.ts';

const scratch = mkdtempSync(join(tmpdir(), 'quiclab-plan-'));
afterAll(() => rmSync(scratch, { recursive: true }));

const PLAN = `question: who?
workload: median
models: [h2, h3]
topology:
  both: { rate: 10Mbit, delay: 25ms, queue: 64 packets }
  down: { loss: 1% }
`;
const nothing = (name: string): string => {
  throw new Error(`there is no file '${name}'`);
};
const parse = (text: string) => parsePlan(text, 'p.yaml', nothing);

/** What is said of a plan that cannot be run. */
function problemsOf(text: string): string {
  try {
    parse(text);
  } catch (error) {
    if (error instanceof PlanError) return error.message;
    throw error;
  }
  return 'none';
}

describe('a plan', () => {
  test('in quantities as people write them becomes whole microseconds, bit/s and packets', () => {
    const [variant] = parse(PLAN).variants;
    expect(variant!.setup.links.down).toMatchObject({ delay: 25_000, rate: 10e6, queue: { packets: 64 } });
    expect([variant!.setup.links.up.loss, variant!.setup.links.down.loss].map((loss) => (loss as unknown[]).length)).toEqual([0, 1]);
    expect(variant!.path).toBe('both: rate 10Mbit, delay 25ms, queue 64 packets; down: loss 1%');
  });

  test('crosses what it varies, the last variable fastest, and puts each value in its place', () => {
    const plan = parse(`${PLAN}vary:
  topology.down.loss: [0%, { model: bursts, share: 1%, mean: 4 packets }]
  topology.both.delay: [10ms, 150ms]
reference: { topology.both.delay: 10ms }
`);
    expect(plan.variables).toEqual([
      { key: 'topology.down.loss', values: ['0%', 'bursts, share 1%, mean 4 packets'] },
      { key: 'topology.both.delay', values: ['10ms', '150ms'] },
    ]);
    expect(plan.variants.map(({ choices, setup }) => [...choices, setup.links.up.delay])).toEqual([
      [0, 0, 10_000],
      [0, 1, 150_000],
      [1, 0, 10_000],
      [1, 1, 150_000],
    ]);
    expect(plan.reference).toEqual({ choices: [undefined, 0] });
  });

  test('calls a long value by its label, and tells what is wrong within it where it stands', () => {
    const text = `${PLAN}vary:
  topology.down:
    - { label: clean, value: {} }
    - { label: bursts, value: { loss: { model: bursts, share: 1%, mean: 4 packets } } }
reference: { topology.down: clean }
`;
    const plan = parse(text);
    expect(plan.variables).toEqual([{ key: 'topology.down', values: ['clean', 'bursts'] }]);
    expect(plan.reference).toEqual({ choices: [0] });
    expect(plan.variants.map(({ setup }) => (setup.links.down.loss as unknown[]).length)).toEqual([0, 1]);
    expect(problemsOf(text.replace('share: 1%', 'shar: 1%'))).toBe(
      'p.yaml:10:39: vary.topology.down[1].value.loss.share: is missing\n' +
        "p.yaml:10:56: vary.topology.down[1].value.loss.shar: 'shar' is not a key of loss in bursts; did you mean 'share'?",
    );
  });

  test('in TypeScript is the same as in YAML', async () => {
    const input = definePlan({
      question: 'who?',
      workload: 'median',
      models: ['h2', 'h3'],
      topology: { both: { rate: '10Mbit', delay: '25ms', queue: '64 packets' }, down: { loss: '1%' } },
    });
    expect(preparePlan(input, nothing, { source: 'p' }).document).toEqual(parse(PLAN).document);
    const file = join(scratch, 'plan.mjs');
    writeFileSync(file, `export default ${JSON.stringify(input)};\n`);
    expect((await loadPlan(file)).document).toEqual(parse(PLAN).document);
  });

  test('with the files that it names can be prepared anywhere from its document', async () => {
    writeFileSync(join(scratch, 'page.json'), JSON.stringify({ name: 'mine', objects: [{ path: '/', size: 1_000 }] }));
    const file = join(scratch, 'plan.yaml');
    writeFileSync(file, PLAN.replace('workload: median', 'workload: ./page.json'));
    const plan = await loadPlan(file);
    const again = prepareDocument(JSON.parse(JSON.stringify(plan.document)));
    expect(again.document).toEqual(plan.document);
    expect(again.variants[0]!.workload).toBe("page 'mine', 1 objects, 1000 octets");
  });
});

describe('what is wrong with a plan is told with line, column, key and the name that was meant', () => {
  test.each([
    ['a key', PLAN.replace('loss:', 'los:'), "p.yaml:6:11: topology.down.los: 'los' is not a key of a link; did you mean 'loss'?"],
    [
      'a unit',
      PLAN.replace('25ms', '25sm'),
      "p.yaml:5:32: topology.both.delay: 'sm' in '25sm' is not a unit that I know (units: us, µs, ms, s, min)",
    ],
    ['no unit', PLAN.replace('25ms', '25'), 'p.yaml:5:32: topology.both.delay: 25 has no unit; write it like 20ms'],
    ['no unit where there are several forms', PLAN.replace('1%', '1'), 'p.yaml:6:17: topology.down.loss: 1 has no unit; write it like 1%'],
    ['a model', PLAN.replace('h2', 'h1-paralel:3'), "p.yaml:3:10: models[0]: 'h1-paralel:3' is not a model; did you mean 'h1-parallel'?"],
    [
      'a page',
      PLAN.replace('median', 'meidan'),
      "p.yaml:2:11: workload: 'meidan' is not a page; did you mean 'median'? (a page of your own is a file that ends with .json)",
    ],
    [
      'a kind of workload',
      PLAN.replace('median', '{ flws: [cubic] }'),
      "p.yaml:2:11: workload: 'flws' is not a workload; did you mean 'flows'?",
    ],
    ['a file that is not there', PLAN.replace('median', './x.json'), "p.yaml:2:11: workload: there is no file './x.json'"],
    [
      'a path on this machine',
      PLAN.replace('median', '/etc/x.har').replace('/etc/x.har', '{ har: /etc/x.har }'),
      'p.yaml:2:18: workload.har: must be a file named from where the plan is, as ./page.json',
    ],
    [
      'a loss model',
      PLAN.replace('1%', '{ model: burst }'),
      "p.yaml:6:26: topology.down.loss.model: 'burst' is not a loss model; did you mean 'bursts'?",
    ],
    ['a value that is missing', PLAN.replace('1%', '{ model: bursts, share: 1% }'), 'p.yaml:6:17: topology.down.loss.mean: is missing'],
    [
      'what cannot be',
      PLAN.replace('1%', '{ model: bursts, share: 99%, mean: 1 packet }'),
      'p.yaml:6:9: topology.down: bursts of 1 packets cannot make a loss rate of 0.99',
    ],
    [
      'a delay that is missing',
      PLAN.replace('delay: 25ms, ', ''),
      'p.yaml:5:3: topology: has no delay up: say both: { delay: 25ms }, preset: lte, or up: { delay: 25ms }',
    ],
    [
      'a value that is varied',
      `${PLAN}vary:\n  topology.down.loss: [0%, 1x]\n`,
      "p.yaml:8:28: vary.topology.down.loss[1]: 'x' in '1x' is not a unit that I know (units: %)",
    ],
    [
      'a key that is varied',
      `${PLAN}vary:\n  topology.down.los: [0%]\n`,
      "p.yaml:8:3: vary.topology.down.los: 'los' is not a key of a link; did you mean 'loss'?",
    ],
    ['a reference', `${PLAN}reference: h4\n`, "p.yaml:7:12: reference: 'h4' is not among what is compared; did you mean 'h2'?"],
    [
      'a figure',
      `${PLAN}outputs: { figures: [pageload] }\n`,
      "p.yaml:7:22: outputs.figures[0]: 'pageload' is not a figure; did you mean 'pageLoad'?",
    ],
    [
      'controllers where transfers have them',
      PLAN.replace('median', '{ flows: [cubic] }'),
      'p.yaml:3:9: models: does not go with bulk transfers, which are QUIC streams with a controller each',
    ],
    ['YAML', `${PLAN}question: why?\n`, 'p.yaml:7:1: Map keys must be unique'],
    ['a list', '- h3\n', 'p.yaml:1:1: must be keys with values'],
    ['nothing', '# only a comment\n', 'p.yaml: is empty'],
  ])('%s', (_what, text, expected) => {
    expect(problemsOf(text)).toBe(expected);
  });

  test('all problems at once', () => {
    expect(problemsOf(PLAN.replace('1%', '1x').replace('10Mbit', '10Mbat')).split('\n')).toHaveLength(2);
  });
});

describe('a hostile plan costs little', () => {
  test('aliases that multiply are refused', () => {
    const bomb = [
      'a: &a [x,x,x,x,x,x,x,x,x]',
      ...['b', 'c', 'd', 'e'].map((key, i) => `${key}: &${key} [${Array(9).fill(`*${'abcd'[i]}`)}]`),
    ];
    expect(problemsOf(bomb.join('\n'))).toMatch(/alias/);
  });
  test('nesting without end is refused', () => {
    expect(problemsOf('['.repeat(20_000))).toMatch(/nested too deeply/);
  });
  test('a sweep that explodes is refused before anything is made of it', () => {
    const values = Array.from({ length: 1_000 }, (_, i) => `${i}us`).join(', ');
    expect(problemsOf(`${PLAN}vary:\n  topology.up.delay: [${values}]\n  topology.down.delay: [${values}]\n`)).toBe(
      'p.yaml:8:3: vary: makes 1000000 combinations; 10000 are the most',
    );
  });
});

test('the published JSON Schema is what the schema says now (pnpm lab schema > packages/experiments/lab/plan.schema.json)', () => {
  expect(readFileSync(new URL('../plan.schema.json', import.meta.url), 'utf8')).toBe(planJsonSchema());
});
