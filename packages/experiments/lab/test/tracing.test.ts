import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import type { ModelName } from '../src/index.ts';
import { capturedLosses, udpOf } from '../src/recorded/captures.ts';
import { traceCommand } from '../src/tracing/command.ts';
import { type TracedRun, tracedRun } from '../src/tracing/traced-run.ts';
import { optionsSource, type RunOptions } from '../src/whatif/source.ts';
import { runSimulated } from '../src/worlds/simulated.ts';

// That tshark takes the captures is in test/worlds/captures.test.ts.

const OPTIONS: RunOptions = {
  page: '4x20KB',
  profile: 'default',
  loss: '2%',
  upLoss: '2%',
  rtt: '40ms',
  rate: '10Mbit',
  queue: 64,
  lookup: '0ms',
};
const BOTH = { dialect: 'current', at: ['client', 'server'] } as const;
const runOf = (model: ModelName, options: Partial<RunOptions> = {}) => optionsSource({ ...OPTIONS, ...options, model }).run;

/** The octets of each file, by name. */
const contents = ({ files }: TracedRun): Record<string, Buffer> =>
  Object.fromEntries(files.map(({ name, pieces }) => [name, Buffer.concat([...pieces].map((piece) => Buffer.from(piece as string)))]));

describe('a traced run', () => {
  test.each(['h3', 'h3-0rtt', 'h2', 'h1-parallel'] as const)(
    'under %s has the same bytes twice, and its figures are those without traces',
    (model) => {
      const run = runOf(model);
      const traced = tracedRun(run, BOTH);
      const [first, second] = [contents(traced), contents(tracedRun(run, BOTH))];
      expect(Object.keys(second)).toEqual(Object.keys(first));
      for (const [name, octets] of Object.entries(first)) expect([name, octets.equals(second[name]!)]).toEqual([name, true]);
      const untraced = runSimulated(run);
      const { log: _, ...figures } = traced.record!;
      const { log: __, ...expected } = untraced;
      expect(JSON.stringify(figures)).toBe(JSON.stringify(expected));
    },
  );

  test('has a qlog for each QUIC connection and end, none for TCP, and a capture for each end', () => {
    const names = (model: ModelName, at: readonly ('client' | 'server')[] = BOTH.at) =>
      tracedRun(runOf(model), { ...BOTH, at }).files.map(({ name }) => name);
    expect(names('h3')).toEqual(['client.sqlog', 'server.sqlog', 'network.sqlog', 'client.pcapng', 'server.pcapng']);
    expect(names('h3', ['server'])).toEqual(['server.sqlog', 'network.sqlog', 'server.pcapng']);
    expect(names('h2')).toEqual(['network.sqlog', 'client.pcapng', 'server.pcapng']);
  });

  test('captures at the sender what is lost, and at the receiver what is not', () => {
    const { record, ...traced } = tracedRun(runOf('h3', { page: '4x60KB' }), BOTH);
    const { 'client.pcapng': client, 'server.pcapng': server } = contents({ record, ...traced });
    const lost = record!.down.drops.map(({ index }) => index);
    expect(lost.length).toBeGreaterThan(1);
    const found = capturedLosses(udpOf(server!), udpOf(client!));
    expect(found).toMatchObject({ flow: '192.0.2.2:443', lost, sent: record!.down.entered });
    const comments = server!.toString('latin1').match(/down:\d+; dropped: loss/g);
    expect(comments).toEqual(lost.map((index) => `down:${index}; dropped: loss`));
    expect(client!.toString('latin1')).not.toMatch(/down:\d+; dropped/);
  });

  test('that fails has what happened until then', () => {
    const run = runOf('h3');
    const serve = () => ({ onHttp: () => {} }); // nothing is ever answered
    const { record, failure, files } = tracedRun({ ...run, serve: () => serve }, BOTH);
    expect(record).toBeUndefined();
    expect(failure).toContain('h3, seed 1');
    expect(files.map(({ name }) => name)).toContain('client.sqlog');
    expect(udpOf(contents({ record, failure, files })['client.pcapng']!).length).toBeGreaterThan(5);
  });
});

describe('the trace command', () => {
  const dir = mkdtempSync(join(tmpdir(), 'quiclab-trace-'));
  afterAll(() => rmSync(dir, { recursive: true }));
  const call = async (...args: string[]): Promise<string> => {
    let said = '';
    const command = traceCommand((text) => (said += text))
      .exitOverride()
      .configureOutput({ writeErr: () => {} });
    await command.parseAsync(args, { from: 'user' });
    return said;
  };

  test('writes its files where it is told, and says what they are', async () => {
    const out = join(dir, 'new', 'one');
    const said = await call('--page', '2x10KB', '--model', 'h3', '--seed', '7', '--out', out, '--qlog', 'qvis');
    expect(readdirSync(out).sort()).toEqual(['client.pcapng', 'client.sqlog', 'network.sqlog', 'server.pcapng', 'server.sqlog']);
    for (const name of readdirSync(out)) expect(said).toContain(join(out, name));
    expect(said).toContain('h3');
    expect(said).toContain('seed 7');
    expect(readFileSync(join(out, 'client.sqlog'), 'utf8')).toContain('"qlog_version":"0.3"');
  });

  test.each([
    [['--model', 'h4'], "'h4' is not a model; did you mean 'h2'?"],
    [['--at', 'middle'], 'Allowed choices are client, server'],
    [['one-los'], "did you mean 'one-loss'"],
    [['one-loss', '--rtt', '20ms'], '--rtt does not go with a plan'],
    [['--qlog', '1.0'], 'Allowed choices are current, qvis'],
    [['two-flows'], 'the plan is about bulk transfers'],
  ])('%j is refused, and nothing is written', async (args, problem) => {
    const out = join(dir, 'refused');
    await expect(call(...args, '--out', out)).rejects.toThrow(problem);
    expect(existsSync(out)).toBe(false);
  });
});
