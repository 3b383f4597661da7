import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bernoulli, Link, LinkObserver, type LinkPacket } from '@quiclab/impair';
import { parsePlan } from '@quiclab/lab';
import { cleanUp, missing, namespaces, Stage, Tunnel, type TunnelOptions } from '@quiclab/lab/tunnel';
import { seededRandom } from '@quiclab/sansio';
import { smallPage } from '@quiclab/workload';
import { afterEach, describe, expect, test } from 'vitest';
import { type PageRun, runPages } from '../../scripts/tunnel/page-runs.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const PROGRAM = ['--import', import.meta.resolve('tsx'), join(ROOT, 'scripts/tunnel.ts')];
const lacks = missing();
const WHY = lacks.length === 0 ? '' : ` (skipped: missing here: ${lacks.join('; ')})`;

const open: (() => void)[] = [];
afterEach(() => {
  for (const close of open.splice(0)) close();
});

function tunnel(options: TunnelOptions = {}): Tunnel {
  const made = new Tunnel(options);
  open.push(() => made.close());
  return made;
}

/** Which of the first `count` packets of a link a seed loses. */
function lostBy(seed: number, direction: 'up' | 'down', loss: number, count: number): number[] {
  const lost: number[] = [];
  class Watcher extends LinkObserver {
    override dropped(_now: number, packet: LinkPacket): void {
      lost.push(packet.index);
    }
  }
  const address = { host: '192.0.2.1', port: 1 };
  const link = new Link({ delay: 0, loss: bernoulli(loss) }, seededRandom(seed).fork(`link/${direction}`), new Watcher(), 0);
  for (let i = 0; i < count; i++) {
    link.push(i, new Uint8Array(100), 100, address, address, 0);
    while (link.poll(i) !== undefined);
  }
  return lost;
}

describe.skipIf(lacks.length > 0)(`a tunnel${WHY}`, () => {
  test("carries a page over the kernel's TCP and over our QUIC, and the draws are those of the seed (EXPERIMENTS §2)", {
    timeout: 120_000,
  }, async () => {
    const runs: PageRun[] = [];
    const path = { delay: 5_000, rate: 50e6, loss: 0.03, queue: 1_000 };
    const models = ['h1-parallel', 'h1-pipelined', 'h2', 'h3', 'h3-0rtt'] as const;
    await runPages(tunnel(), { page: smallPage, models, path, seed: 7, runs: 1, maxLate: Infinity }, (run) => runs.push(run));
    expect(runs.map(({ model }) => model)).toEqual(models);
    const octets = smallPage.objects.reduce((sum, { size }) => sum + size, 0);
    for (const run of runs) {
      expect(run.objects.length).toBe(smallPage.objects.length);
      expect(run.objects.reduce((sum, { bytes }) => sum + bytes, 0)).toBe(octets);
      expect(run.unread).toBe(0);
      for (const direction of ['up', 'down'] as const) {
        const { entered, drops } = run[direction];
        expect(drops.map(({ index }) => index)).toEqual(lostBy(7, direction, 0.03, entered));
      }
    }
  });

  test("has the links of a plan's variant, and any controller that the kernel has", { timeout: 120_000 }, async () => {
    const plan = parsePlan(
      `question: who is lost?
workload: small
topology: { both: { rate: 50Mbit, delay: 5ms }, down: { loss: 5% } }
models: [h1-parallel, h3]
controller: newReno
`,
      'plan.yaml',
      () => '',
    );
    const stage = new Stage(tunnel({ controller: 'reno' }));
    try {
      await stage.relay.ask({ type: 'plan', document: plan.document }, 'planned');
      for (const model of ['h1-parallel', 'h3'] as const) {
        const asked = { model, page: smallPage, ends: { controller: 'newReno' }, path: { variant: 0 }, seed: 11 };
        const { up, down } = await stage.fetch(asked);
        expect(down.drops.length).toBeGreaterThan(0);
        expect(down.drops.map(({ index }) => index)).toEqual(lostBy(11, 'down', 0.05, down.entered));
        expect(up.drops).toEqual([]);
      }
    } finally {
      await stage.close();
    }
  });

  test('goes with whoever made it: by its end, by Ctrl-C, and after a crash when the next one comes', { timeout: 180_000 }, async () => {
    tunnel();
    expect(namespaces().filter((name) => name.includes(`-${process.pid}-`)).length).toBe(3);
    open.pop()!();
    expect(namespaces().filter((name) => name.includes(`-${process.pid}-`))).toEqual([]);
    for (const [signal, times] of [
      ['SIGINT', 1],
      ['SIGINT', Number.POSITIVE_INFINITY], // as from tsx, which passes each on, or from whoever is impatient
      ['SIGKILL', 1],
    ] as const) {
      const child = spawn(process.execPath, [...PROGRAM, '--runs', '50'], { stdio: ['ignore', 'ignore', 'pipe'] });
      open.push(() => child.kill('SIGKILL'));
      await once(child.stderr!, 'data'); // a first run is there
      const its = (): string[] => namespaces().filter((name) => name.includes(`-${child.pid}-`));
      cleanUp();
      expect(its().length).toBe(3); // it has an owner
      let killed = 0;
      const kill = (): void => void (killed++ < times && child.kill(signal));
      const again = setInterval(kill, 5);
      kill();
      await once(child, 'exit');
      clearInterval(again);
      if (signal === 'SIGKILL') cleanUp();
      expect(its()).toEqual([]);
    }
  });

  test("removes nobody else's namespaces", () => {
    const foreign = 'quiclab-tunnel-of-somebody-else';
    spawnSync('ip', ['netns', 'add', foreign]);
    open.push(() => spawnSync('ip', ['netns', 'del', foreign]));
    tunnel();
    expect(cleanUp()).not.toContain(foreign);
    expect(spawnSync('ip', ['netns', 'list'], { encoding: 'utf8' }).stdout).toContain(foreign);
    expect(namespaces()).not.toContain(foreign);
  });
});

test('a machine without the programs is told which', () => {
  const nothing = mkdtempSync(join(tmpdir(), 'quiclab-empty-'));
  open.push(() => rmSync(nothing, { recursive: true }));
  const { status, stderr } = spawnSync(process.execPath, [...PROGRAM, '--runs', '1'], {
    encoding: 'utf8',
    env: { ...process.env, PATH: nothing },
  });
  expect(status).toBe(1);
  expect(stderr).toContain('`ip`');
  expect(stderr).toContain('`ethtool`');
});

test.each([
  [['--model', 'h4'], "there is no model 'h4'"],
  [['--page', 'largePage'], "there is no page 'largePage'"],
  [['--loss', '101'], '0 to 100'],
  [['--rate', 'fast'], 'must be a number'],
  [['--queue', '0'], '1 or more'],
])('%j is refused with a reason', (args, reason) => {
  const { status, stderr } = spawnSync(process.execPath, [...PROGRAM, ...args], { encoding: 'utf8' });
  expect(status).toBe(1);
  expect(stderr).toContain(reason);
});
