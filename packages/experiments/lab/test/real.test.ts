import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { missing, namespaces } from '@quiclab/lab/tunnel';
import { type PlanRun, planTable } from '@quiclab/report';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { parsePlan } from '../src/plan/load.ts';
import type { PreparedPlan } from '../src/plan/prepare.ts';
import { overTunnel } from '../src/run/over-tunnel.ts';
import { realWorld } from '../src/run/real.ts';
import { planJson } from '../src/run/result.ts';
import { runPlan } from '../src/run/run-plan.ts';

const MAIN = fileURLToPath(new URL('../src/main.ts', import.meta.url));
const PROGRAM = ['--import', import.meta.resolve('tsx'), MAIN];
const scratch = mkdtempSync(join(tmpdir(), 'quiclab-real-'));
afterAll(() => rmSync(scratch, { recursive: true }));
const open: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of open.splice(0)) await close();
});

const PLAN = `
question: who waits over sockets?
workload: small
topology: { both: { rate: 50Mbit, delay: 5ms }, down: { loss: 2% } }
models: [h2, h3]
repeats: 2
firstSeed: 7
`;
const planOf = (text: string): PreparedPlan => parsePlan(text, 'plan.yaml', () => '');
const modified = (...changes: readonly (readonly [string, string])[]): PreparedPlan =>
  planOf(changes.reduce((text, [from, to]) => text.replace(from, to), PLAN));

describe('what of a plan real sockets can do', () => {
  test("QUIC's models run on loopback; where one needs the kernel's TCP or an earlier connection, all run in the tunnel", () => {
    expect(realWorld(modified(['[h2, h3]', '[h3, h3-single]']))).toBe('relay');
    expect(realWorld(modified(['[h2, h3]', '[h3, h3-0rtt]']))).toBe('tunnel');
    const all = '[h1-short, h1-persistent, h1-pipelined, h1-parallel, h1-sharded, h2, h3, h3-single, h3-0rtt]';
    expect(realWorld(modified(['[h2, h3]', all]))).toBe('tunnel');
    expect(realWorld(modified(['repeats', 'vary: { models: [[h3], [h3, h1-short]] }\nrepeats']))).toBe('tunnel');
    expect(realWorld(modified(['repeats', 'controller: newReno\nrepeats']))).toBe('tunnel');
    // whose octets are next is the server's choice where there are several on one connection
    expect(realWorld(modified(['[h2, h3]', '[h1-parallel, h3]'], ['repeats', 'scheduler: sequential\nrepeats']))).toBe('tunnel');
    expect(realWorld(modified(['[h2, h3]', '[h3]'], ['repeats', 'profile: parity\ncontroller: cubic:no-prr\nrepeats']))).toBe('relay');
  });

  const sockets = "'h2' is over the kernel's TCP and Node's HTTP";
  test.each([
    ['profile: parity', `--real: the profile parity sets up TCP as no kernel does; ${sockets}`],
    ['scheduler: sequential', `--real: the scheduler sequential is not that of a server of Node's; ${sockets}`],
    [
      'controller: cubic:no-prr',
      `the controller cubic:no-prr is not the kernel's, which has cubic and newReno without switches; ${sockets}`,
    ],
    ['controller: fixed:64KB', '--real: the controller fixed:64KB is not'],
    ['vary: { profile: [default, parity] }', '--real: the profile parity'],
    ['vary: { topology.down.ecn.mark: [10 packets] }', '--real: topology.down.ecn: sockets do not show ECN bits to the relay'],
    ['vary: { topology.gateway: [{ model: h3, both: { delay: 5ms } }] }', '--real: a gateway is run in virtual time only'],
  ])('%s is refused by name', (line, reason) => {
    expect(() => realWorld(modified(['repeats', `${line}\nrepeats`]))).toThrow(reason);
  });

  test("bulk transfers are refused, and uploads where Node's client makes the requests", () => {
    const flows = modified(['workload: small', 'workload: { flows: [cubic], size: 100KB }'], ['models: [h2, h3]\n', '']);
    expect(() => realWorld(flows)).toThrow('--real: bulk transfers are run in virtual time only');
    const page = {
      name: 'form',
      host: 'a.example',
      objects: [{ id: 'form', path: '/', size: 10, method: 'POST', upload: 100, after: [] }],
    };
    const form = (models: string): PreparedPlan =>
      parsePlan(PLAN.replace('small', 'form.json').replace('[h2, h3]', models), 'plan.yaml', () => JSON.stringify(page));
    expect(() => realWorld(form('[h1-parallel]'))).toThrow("--real: the request of 'form' has content");
    expect(realWorld(form('[h1-pipelined, h3]'))).toBe('tunnel');
  });

  test('a machine without what a tunnel takes is told what is missing, before anything of an earlier run is gone', () => {
    const file = join(scratch, 'plan.yaml');
    const out = join(scratch, 'kept');
    writeFileSync(file, PLAN.replace('repeats: 2', 'repeats: 1'));
    const run = (...args: string[]) =>
      spawnSync(process.execPath, [...PROGRAM, 'run', file, '--no-report', '--out', out, ...args], {
        encoding: 'utf8',
        env: { ...process.env, PATH: mkdtempSync(join(scratch, 'empty-')) },
      });
    expect(run().status).toBe(0);
    const before = readFileSync(join(out, 'runs.jsonl'), 'utf8');
    const { status, stderr } = run('--real');
    expect(status).toBe(1);
    expect(stderr).toMatch(/^error: --real: 'h2' is run in a tunnel of network namespaces, and there is none here; missing:\n/);
    expect(stderr).toContain('- `ip`');
    expect(stderr).toContain('- `ethtool`');
    expect(readFileSync(join(out, 'runs.jsonl'), 'utf8')).toBe(before);
  }, 120_000);
});

const lacks = missing();
const WHY = lacks.length === 0 ? '' : ` (skipped: missing here: ${lacks.join('; ')})`;
const own = (pid: number | undefined): string[] => namespaces().filter((name) => name.includes(`-${pid}-`));

describe.skipIf(lacks.length > 0)(`a plan in the tunnel${WHY}`, () => {
  const runInto = async (plan: PreparedPlan, longest?: number): Promise<PlanRun[]> => {
    const runs: PlanRun[] = [];
    const executor = overTunnel(plan, longest);
    open.push(() => executor.close());
    const signal = new AbortController().signal;
    expect(await runPlan(plan, executor, { runs, add: (run) => runs.push(run) }, { world: 'tunnel', signal })).toBe(true);
    await executor.close();
    expect(own(process.pid)).toEqual([]);
    return runs;
  };

  test('has all figures that can be known with the kernel at an end, and says that they are not simulated (EXPERIMENTS §4)', async () => {
    const plan = planOf(PLAN);
    const runs = await runInto(plan);
    expect(runs.map(({ key }) => key)).toEqual(['h2 seed 7', 'h3 seed 7', 'h2 seed 8', 'h3 seed 8']);
    for (const { failed, figures, lateness, states } of runs) {
      expect([failed, states]).toEqual([undefined, undefined]);
      expect(Object.keys(figures).sort()).toEqual([
        'connections',
        'goodput',
        'handshakes',
        'lost',
        'medianCompletion',
        'packetsDown',
        'packetsUp',
        'pageLoad',
        'queueDropped',
        'ttfb',
      ]);
      expect(figures).toMatchObject({ connections: 1, handshakes: 1, queueDropped: 0 });
      expect(figures.pageLoad).toBeGreaterThan(20_000); // two round trips
      expect(figures.goodput).toBeGreaterThan(0);
      expect(lateness!.p99).toBeGreaterThanOrEqual(lateness!.p50);
    }
    expect(planTable(planJson(plan, 'tunnel', runs, true))).toMatch(/Over real sockets, the kernel's TCP[\s\S]*The relay was late by/);
  }, 120_000);

  test('a page that never comes is given up, and the runs after it are made', async () => {
    const plan = modified(
      ['models: [h2, h3]', 'models: [h1-persistent]'],
      ['repeats: 2', 'vary: { topology.down.loss: [100%, 0%] }\nrepeats: 1'],
    );
    const runs = await runInto(plan, 10_000_000);
    expect(runs[0]).toMatchObject({ figures: {}, failed: 'the page was not there after 10 s' });
    expect(runs[1]!.failed).toBeUndefined();
    expect(runs[1]!.figures.connections).toBe(1);
  }, 120_000);

  test('Ctrl-C keeps what is done and takes the tunnel down; what SIGKILL leaves, the next one removes; --resume goes on', async () => {
    const file = join(scratch, 'long.yaml');
    const out = join(scratch, 'long');
    writeFileSync(file, PLAN.replace('repeats: 2', 'repeats: 50'));
    const args = ['run', file, '--real', '--no-report', '--out', out, '--resume'];
    const stopped = async (...signals: readonly NodeJS.Signals[]): Promise<readonly [pid: number | undefined, code: unknown]> => {
      const child: ChildProcess = spawn(process.execPath, [...PROGRAM, ...args], { stdio: ['ignore', 'ignore', 'pipe'] });
      open.push(() => child.kill('SIGKILL'));
      let said = '';
      const kept = lines();
      await new Promise<void>((resolve) => {
        child.stderr!.on('data', (text) => {
          said += text;
        });
        const look = setInterval(() => {
          if (lines() <= kept && child.exitCode === null) return;
          clearInterval(look);
          resolve();
        }, 20);
      });
      expect(own(child.pid), said).toHaveLength(3);
      for (const signal of signals) child.kill(signal);
      const [code, signal] = await once(child, 'exit');
      return [child.pid, code ?? signal];
    };
    const lines = (): number => {
      try {
        return readFileSync(join(out, 'runs.jsonl'), 'utf8').split('\n').length - 1;
      } catch {
        return 0;
      }
    };
    const [first, code] = await stopped('SIGINT');
    expect([code, own(first)]).toEqual([130, []]);
    const [killed, how] = await stopped('SIGKILL');
    expect([how, own(killed).length]).toEqual(['SIGKILL', 3]);
    const [impatient, again] = await stopped('SIGINT', 'SIGINT');
    expect([again, own(killed), own(impatient)]).toEqual([130, [], []]);
    const [ended, term] = await stopped('SIGTERM');
    expect([term, own(ended)]).toEqual([143, []]);
    const keys = readFileSync(join(out, 'runs.jsonl'), 'utf8')
      .split('\n')
      .slice(0, -1)
      .map((line) => (JSON.parse(line) as PlanRun).key);
    expect(keys.length).toBeGreaterThanOrEqual(4);
    expect(new Set(keys).size).toBe(keys.length);
  }, 240_000);
});
