import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bernoulli, duplicate, type LinkConfig, reorder, uniformJitter } from '@quiclab/impair';
import { MILLISECOND } from '@quiclab/sansio';
import { definePage } from '@quiclab/workload';
import { afterAll, describe, expect, test } from 'vitest';
import { prepareDocument } from '../src/plan/prepare.ts';
import { planJson } from '../src/run/result.ts';
import { runSpec } from '../src/run/run-spec.ts';
import { Schedule } from '../src/run/specs.ts';
import { type Change, parseAddress, parseDelay } from '../src/whatif/changes.ts';
import { whatIf, whatIfCommand } from '../src/whatif/command.ts';
import { isDropped } from '../src/whatif/fates.ts';
import { partingOf } from '../src/whatif/parting.ts';
import { recordFates, replay } from '../src/whatif/replay.ts';
import { optionsSource, parseDropList, type RunOptions, runSource } from '../src/whatif/source.ts';
import type { SimulatedRun } from '../src/worlds/simulated.ts';

// What-ifs: EXPERIMENTS §4. That runs undone and redone are the same to the byte is in test/worlds/what-if.test.ts.

const link: LinkConfig = { delay: 20 * MILLISECOND, rate: 10e6 };
const run = (model: SimulatedRun['model'], down: LinkConfig = link): SimulatedRun => ({
  model,
  seed: 1,
  page: definePage({ name: 'four', objects: [1, 2, 3, 4].map((n) => ({ path: `/${n}`, size: 20_000 })) }),
  source: () => new Uint8Array(20_000),
  links: { up: link, down },
});
const drop = (text: string, overTcp = false): Change => ({ kind: 'drop', address: parseAddress(text, overTcp) });

const options: RunOptions = {
  page: '4x20KB',
  profile: 'default',
  loss: '0%',
  upLoss: '0%',
  rtt: '40ms',
  rate: '10Mbit',
  queue: 64,
  lookup: '0ms',
};

describe('addresses', () => {
  test.each([
    ['down:47', { link: 'down', index: 47 }],
    ['8@12000', { link: 'down', connection: 0, stream: 8, offset: 12_000, nth: 1 }],
    ['up:1/8@0:2', { link: 'up', connection: 1, stream: 8, offset: 0, nth: 2 }],
    ['max_data:2', { link: 'either', frame: 'MAX_DATA', nth: 2 }],
    ['down:HANDSHAKE_DONE', { link: 'down', frame: 'HANDSHAKE_DONE', nth: 1 }],
  ])('%s', (text, address) => expect(parseAddress(text, false)).toEqual(address));

  test.each([
    ['MAX_DAT', false, "'MAX_DAT' is not a frame; did you mean 'MAX_DATA'?"],
    ['down:0', false, "'down:0' is no datagram"],
    ['8@', false, "'8@' is no datagram"],
    ['8@12000', true, 'over TCP a connection is one stream, 0@12000'],
    ['SIN', true, "did you mean 'SYN'?"],
  ])('%s is refused, and it is said why', (text, overTcp, message) => expect(() => parseAddress(text, overTcp)).toThrow(message));

  test('a delay has a time with a unit', () => {
    expect(parseDelay('down:47=30ms', false)).toEqual({ kind: 'delay', address: { link: 'down', index: 47 }, by: 30_000 });
    for (const text of ['down:47', 'down:47=30', 'down:47=1ms=2ms']) expect(() => parseDelay(text, false)).toThrow();
  });

  test('lists of drops', () => {
    expect(parseDropList('up:3,down:7, down:9')).toEqual({ up: [3], down: [7, 9] });
    expect(() => parseDropList('down:7,8')).toThrow("'8' is not like up:3");
  });
});

test.each(['h2', 'h3'] as const)('%s: a drop by number is the first event at which the runs part', (model) => {
  const before = recordFates(run(model));
  const after = replay(run(model), before.fates, [drop('down:30')]);
  const parting = partingOf(before.course, after.course);
  expect(parting).toMatchObject({
    before: { link: 'down', index: 30, what: 'departs' },
    after: { link: 'down', index: 30, what: 'dropped', cause: 'what-if' },
  });
  expect(parting!.after!.at).toBe(parting!.before!.at);
  expect(parting!.before!.detail).toBe(parting!.before!.at + link.delay);
  // nobody knows before the next datagram comes
  expect(parting!.sentAfter!.at).toBeGreaterThanOrEqual(parting!.before!.detail);
  expect(partingOf(before.course, recordFates(run(model)).course)).toBeUndefined();
});

test('an octet of a stream finds its datagram, and its second sending the repair', () => {
  const { fates } = recordFates(run('h3'));
  const once = replay(run('h3'), fates, [drop('8@12000')]);
  const lost = once.fates.down.filter(isDropped);
  expect(lost).toHaveLength(1);
  const [, from, length] = /^0\/8@(\d+)\+(\d+):1$/.exec(lost[0]!.binding)!.map(Number) as [number, number, number];
  expect(from).toBeLessThanOrEqual(12_000);
  expect(from + length).toBeGreaterThan(12_000);
  const twice = replay(run('h3'), fates, [drop('8@12000'), drop('8@12000:2')]);
  expect(twice.fates.down.filter(isDropped).map(({ binding }) => binding)).toEqual([
    lost[0]!.binding,
    expect.stringMatching(/^0\/8@\d+\+\d+:2$/),
  ]);
  expect(twice.record.finishedAt).toBeGreaterThan(once.record.finishedAt);
  expect(twice.unmet).toEqual([]);
});

test('a frame finds its datagram, whatever else is in it; one that was never sent is told', () => {
  const { fates } = recordFates(run('h3'));
  const { course, record, unmet } = replay(run('h3'), fates, [drop('HANDSHAKE_DONE'), drop('HANDSHAKE_DONE:9')]);
  expect(record.down.drops).toHaveLength(1);
  expect(course.down[record.down.drops[0]!.index - 1]!.kinds).toContain('HANDSHAKE_DONE');
  expect(unmet).toEqual(['drop HANDSHAKE_DONE:9']);
  expect(replay(run('h2'), recordFates(run('h2')).fates, [drop('up:SYN', true)]).record.up.drops.map(({ index }) => index)).toEqual([1]);
});

test('what befell datagrams beside losses is kept where one more is dropped, and new ones pass', () => {
  const rough = run('h3', {
    ...link,
    loss: bernoulli(0.05),
    jitter: uniformJitter(3 * MILLISECOND),
    reorder: reorder(0.05, 10 * MILLISECOND),
    duplicate: duplicate(0.05),
  });
  const before = recordFates(rough);
  const passed = before.fates.down.find((fate) => fate.index > 20 && !isDropped(fate))!;
  const after = replay(rough, before.fates, [drop(`down:${passed.index}`)]);
  const byBinding = new Map(before.fates.down.map(({ index: _index, ...fate }) => [fate.binding, fate]));
  let same = 0;
  for (const { index: _index, ...fate } of after.fates.down) {
    const then = byBinding.get(fate.binding);
    if (fate.binding === passed.binding) expect(fate).toEqual({ ...then, dropped: 'what-if' });
    else if (then === undefined) expect(fate).toEqual({ binding: fate.binding });
    else expect(fate, fate.binding).toEqual(then);
    if (then !== undefined) same++;
  }
  expect(same).toBe(before.fates.down.length);
});

test('a delayed datagram comes so much later', () => {
  const { fates } = recordFates(run('h3'));
  const [change] = [parseDelay('down:30=7ms', false)];
  const { course } = replay(run('h3'), fates, [change]);
  const departed = course.happenings.find(({ link: where, index, what }) => where === 'down' && index === 30 && what === 'departs')!;
  expect(departed.detail).toBe(departed.at + link.delay + 7 * MILLISECOND);
});

test('what draws anew differs from seed to seed, and says the median and its interval', () => {
  const source = optionsSource({ ...options, loss: '15%', upLoss: '15%', seed: 3 });
  const changes = [drop('CRYPTO:2'), drop('8@0')];
  const { fates } = recordFates(source.run);
  const loads = [1, 2, 3, 4, 5, 6, 7, 8].map((seed) => replay(source.run, fates, changes, { seed }).record.finishedAt);
  expect(new Set(loads).size).toBeGreaterThan(1);
  const { overSeeds, difference } = whatIf({ source, changes, seeds: 30 });
  expect(overSeeds!.seeds).toBe(30);
  expect(overSeeds!.pageLoad.low).toBeLessThanOrEqual(overSeeds!.pageLoad.median);
  expect(overSeeds!.pageLoad.median).toBeLessThanOrEqual(overSeeds!.pageLoad.high);
  expect(difference.objects).toHaveLength(4);
});

describe('the command', () => {
  async function said(...args: string[]): Promise<string> {
    let text = '';
    const command = whatIfCommand((more) => void (text += more));
    command.exitOverride().configureOutput({ writeErr: () => {} });
    await command.parseAsync(['--page', '4x20KB', '--loss', '0%', ...args], { from: 'user' });
    return text;
  }

  test('says what changed stream by stream, and where the runs part', async () => {
    const text = await said('--drop', 'down:30');
    for (const part of ['What if: drop down:30', 'The runs part at', 'is dropped: what-if', 'Page load', 'file-4'])
      expect(text).toContain(part);
    expect(JSON.parse(await said('--drop', 'down:30', '--json'))).toMatchObject({
      kind: 'what-if',
      changes: ['drop down:30'],
      overSeeds: null,
    });
  });

  test.each([
    [[], 'say what is to be changed'],
    [['--drop', 'down:9999'], /the link down judged \d+ datagrams/],
    [['--undrop', 'down:30'], 'that passed; nothing was dropped on the link down'],
    [['--frame', 'MAX_DAT'], "--frame: 'MAX_DAT' is not a frame; did you mean 'MAX_DATA'?"],
    [['--drop', 'down:30', '--model', 'h4'], "'h4' is not a model; did you mean 'h2'?"],
    [['--drop', 'down:30', '--run', 'x'], '--run goes with a result.json'],
    [['--drop', 'down:30', '--others', 'draw', '--seeds', '9'], 'fewer than 30 draws say little'],
    [['nowhere', '--drop', 'down:30'], "--page does not go with a plan: 'nowhere' says that itself"],
  ])('%j is refused, and it is said why', async (args, message) => {
    await expect(said(...args)).rejects.toThrow(message);
  });
});

describe('of a result.json', () => {
  const document = {
    plan: {
      question: 'is it the same run?',
      workload: { files: { count: 3, size: '20KB' } },
      topology: { both: { delay: '20ms', rate: '10Mbit' }, down: { loss: '5%' } },
      models: ['h2', 'h3'],
      vary: { 'topology.down.loss': ['2%', '10%'] },
      repeats: 3,
    },
    files: {},
  };
  const plan = prepareDocument(document);
  const runs = Array.from(new Schedule(plan).next().specs, (spec) => runSpec(plan, spec));
  const directory = mkdtempSync(join(tmpdir(), 'quiclab-whatif-'));
  const file = join(directory, 'result.json');
  const write = (result: unknown): void => writeFileSync(file, JSON.stringify(result));
  afterAll(() => rmSync(directory, { recursive: true }));

  test('any run of it can be had again, by its key, or the one in the middle', async () => {
    write(planJson(plan, 'simulated', runs, true));
    for (const { key, model, seed, figures } of runs) {
      const source = await runSource(file, { ...options, run: key });
      expect([source.run.model, source.run.seed, source.pageLoad]).toEqual([model, seed, figures.pageLoad]);
      const { difference } = whatIf({ source, changes: [drop('up:1', true)], seeds: 0 });
      expect(difference.pageLoad.before, key).toBe(figures.pageLoad);
    }
    const { pageLoad } = await runSource(file, { ...options, model: 'h3', variant: 2 });
    const own = runs.filter(({ model, variant }) => model === 'h3' && variant === 1).map(({ figures }) => figures.pageLoad!);
    expect(pageLoad).toBe(own.sort((a, b) => a - b)[1]);
  });

  test('a run that is another one now, another kind of result, a key that is none: said', async () => {
    const result = planJson(plan, 'simulated', runs, true);
    write(result);
    await expect(runSource(file, { ...options, run: runs[0]!.key.replace('seed', 'sed') })).rejects.toThrow('did you mean');
    await expect(runSource(file, { ...options, seed: 77 })).rejects.toThrow('has no such run');
    write({ ...result, runs: runs.map((run) => ({ ...run, figures: { ...run.figures, pageLoad: 1 } })) });
    const source = await runSource(file, options);
    expect(() => whatIf({ source, changes: [drop('up:1', true)], seeds: 0 })).toThrow('took 0.001 ms there');
    write({ ...result, world: 'relay' });
    await expect(runSource(file, options)).rejects.toThrow('runs over real sockets');
    write({ ...result, kind: 'models' });
    await expect(runSource('nowhere', options)).rejects.toThrow("there is no plan 'nowhere'");
    await expect(runSource(file, options)).rejects.toThrow("is a result of 'models', not of a plan");
  });
});
