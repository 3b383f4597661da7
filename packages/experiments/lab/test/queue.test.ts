import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { PlanRun } from '@quiclab/report';
import { Queue, QueueEvents } from 'bullmq';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { inProcess, parsePlan, type RunSpec, runPlan, Schedule } from '../src/index.ts';
import { connect } from '../src/queue/connection.ts';
import { EVENTS_KEPT, PREFIX, QUEUE } from '../src/queue/jobs.ts';
import { overQueue } from '../src/queue/over-queue.ts';
import { parseQueueUrl } from '../src/queue/url.ts';
import { openStore } from '../src/run/run-plan.ts';
import { runLinesByKey } from '../src/run/store.ts';
import { PASSWORD, RedisServer, redisIsThere } from './redis-server.ts';

const MAIN = fileURLToPath(new URL('../src/main.ts', import.meta.url));
const scratch = mkdtempSync(join(tmpdir(), 'quiclab-queue-'));
afterAll(() => rmSync(scratch, { recursive: true }));
const at = (name: string): string => join(scratch, name);

const planText = (repeats: number): string => `question: Does it matter where a run is made?
workload: { files: { count: 1, size: 2KB } }
topology:
  both: { rate: 10Mbit, delay: 5ms }
  down: { loss: 5% }
models: [h2, h3]
repeats: ${repeats}
`;
const exportRuns = (dir: string): string => [...runLinesByKey(dir)].join('');
const planOf = (repeats: number) => parsePlan(planText(repeats), 'p.yaml', () => '');

const specsOf = (plan: ReturnType<typeof planOf>): RunSpec[] => [...new Schedule(plan).next().specs];

/** The runs of a plan, made here. */
async function madeHere(repeats: number): Promise<string> {
  const plan = planOf(repeats);
  const store = openStore(plan, { dir: at(`here${repeats}`), resume: false, world: 'simulated' });
  await runPlan(plan, inProcess(plan), store, { world: 'simulated', signal: new AbortController().signal });
  store.close();
  return exportRuns(at(`here${repeats}`));
}

interface Program {
  readonly child: ChildProcess;
  /** Resolves when it has said so on stderr; rejects when it ends without. */
  said(what: RegExp): Promise<void>;
  readonly ended: Promise<{ code: number | null; err: string }>;
}

const running = new Set<ChildProcess>();
afterEach(() => {
  for (const child of running) child.kill('SIGKILL'); // a test that has failed leaves them
});

function program(...args: string[]): Program {
  const child = spawn(process.execPath, ['--import', 'tsx', MAIN, ...args], { stdio: ['ignore', 'ignore', 'pipe'] });
  running.add(child);
  let err = '';
  const listeners = new Set<() => void>();
  child.stderr!.setEncoding('utf8').on('data', (text: string) => {
    err += text;
    for (const listener of [...listeners]) listener();
  });
  const ended = new Promise<{ code: number | null; err: string }>((resolve) => {
    child.once('close', (code) => {
      running.delete(child);
      resolve({ code, err });
      for (const listener of [...listeners]) listener();
    });
  });
  const said = (what: RegExp): Promise<void> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        if (what.test(err)) resolve();
        else if (!running.has(child)) reject(new Error(`ended without saying ${what}: ${err}`));
        else return;
        listeners.delete(look);
      };
      listeners.add(look);
      look();
    });
  return { child, said, ended };
}

async function worker(url: string, ...args: string[]): Promise<Program> {
  const started = program('worker', '--queue', url, ...args);
  await started.said(/^Making runs of/m);
  return started;
}

describe.skipIf(!redisIsThere())('runs over a queue (needs redis-server)', () => {
  let redis: RedisServer;
  let client: Redis;
  let queue: Queue;
  beforeEach(async () => {
    redis = await RedisServer.start();
    client = new Redis(redis.url, { maxRetriesPerRequest: null });
    client.on('error', () => {}); // tests stop it
    queue = new Queue(QUEUE, { connection: client, prefix: PREFIX });
    queue.on('error', () => {});
  }, 60_000);
  afterEach(async () => {
    await queue.close();
    client.disconnect();
    await redis.stop();
  }, 60_000);

  /** What is left of runs. */
  const left = (): Promise<Record<string, number>> => queue.getJobCounts('waiting', 'completed', 'failed', 'delayed');
  const NOTHING = { waiting: 0, completed: 0, failed: 0, delayed: 0 };

  test('two workers, 1,000 runs, one worker killed half-way: the same octets as from one process', async () => {
    writeFileSync(at('thousand.yaml'), planText(500));
    const events = new QueueEvents(QUEUE, { connection: client, prefix: PREFIX });
    await events.waitUntilReady();
    const takenBack = new Promise<void>((resolve) => events.on('stalled', () => resolve()));
    const [stays, goes] = await Promise.all([worker(redis.url), worker(redis.url)]);
    const asks = program('run', at('thousand.yaml'), '--no-report', '--out', at('thousand'), '--queue', redis.url);
    await asks.said(/^500 of 1000 runs/m);
    goes.child.kill('SIGKILL');
    const { code, err } = await asks.ended;
    expect([code, err]).toEqual([0, expect.stringMatching(/^900 of 1000 runs/m)]);
    await takenBack; // the one that the killed worker was at
    await events.close();

    const exported = spawnSync(process.execPath, ['--import', 'tsx', MAIN, 'export', at('thousand')], {
      maxBuffer: 1 << 26,
    }).stdout.toString();
    const keys = exported
      .trimEnd()
      .split('\n')
      .map((line) => (JSON.parse(line) as PlanRun).key);
    expect(new Set(keys).size).toBe(1_000);
    expect(keys).toEqual(keys.toSorted());
    expect(exported === (await madeHere(500))).toBe(true); // a difference of a megabyte is not to be read
    expect(await left()).toEqual(NOTHING);
    expect((await client.keys('*')).filter((key) => !key.startsWith(`${PREFIX}:`))).toEqual([]);
    expect(await client.xlen(`${PREFIX}:${QUEUE}:events`)).toBeLessThan(2 * EVENTS_KEPT);

    stays.child.kill('SIGTERM');
    expect(await stays.ended).toMatchObject({
      code: 0,
      err: expect.stringMatching(/^a run whose worker is gone is made again\n[\s\S]*runs made\.$/m),
    });
  }, 600_000);

  test('who asks is interrupted, then killed, and goes on each time: the same octets, and nothing is left on the queue', async () => {
    writeFileSync(at('interrupted.yaml'), planText(50));
    const ask = (...args: string[]): Program =>
      program('run', at('interrupted.yaml'), '--no-report', '--out', at('interrupted'), '--queue', redis.url, ...args);
    const works = await worker(redis.url, '--concurrency', '2');
    const interrupted = ask();
    await interrupted.said(/^20 of 100 runs/m);
    interrupted.child.kill('SIGINT');
    expect(await interrupted.ended).toMatchObject({ code: 130, err: expect.stringContaining('--resume goes on') });
    expect(await left()).toMatchObject({ waiting: 0, failed: 0 });

    const killed = ask('--resume');
    await killed.said(/^60 of 100 runs/m);
    killed.child.kill('SIGKILL');
    await killed.ended;
    const whole = await madeHere(50);
    expect(whole.split('\n')).toEqual(expect.arrayContaining(exportRuns(at('interrupted')).split('\n')));

    expect((await ask('--resume').ended).code).toBe(0);
    expect(exportRuns(at('interrupted'))).toBe(whole);
    works.child.kill('SIGINT');
    expect((await works.ended).code).toBe(0);
    expect(await left()).toEqual(NOTHING);
  }, 600_000);

  test('a run that throws ends the plan with its key and the reason, after the runs before it', async () => {
    const plan = planOf(2);
    const works = await worker(redis.url);
    const executor = await overQueue(plan, parseQueueUrl(redis.url));
    const [first, second, third] = specsOf(plan);
    const made: string[] = [];
    await expect(async () => {
      const specs = [first!, { ...second!, variant: 7 }, third!];
      for await (const { key } of executor.run(specs, new AbortController().signal)) made.push(key);
    }).rejects.toThrow(/^'h3 seed 1' could not be made: the plan has no variant 7 \(worker .+:\d+\)$/);
    expect(made).toEqual([first!.key]);
    await executor.close();
    works.child.kill('SIGTERM');
    expect((await works.ended).err).toMatch(/^'h3 seed 1' could not be made: the plan has no variant 7/m);
    expect(await left()).toEqual(NOTHING);
  }, 300_000);

  test('another version of quiclab makes no run: who asks is told, and the worker ends', async () => {
    const plan = planOf(2);
    const works = await worker(redis.url);
    const executor = await overQueue(plan, parseQueueUrl(redis.url), { version: '0.0.9' });
    await expect(async () => {
      for await (const { key } of executor.run(specsOf(plan), new AbortController().signal)) expect(key).toBe('none');
    }).rejects.toThrow(/worker .+:\d+ is quiclab \d+\.\d+\.\d+, and the run is asked for by 0\.0\.9$/);
    await executor.close();
    expect(await works.ended).toMatchObject({
      code: 1,
      err: expect.stringMatching(/^error: worker .*asked for by 0\.0\.9: their figures/m),
    });
    expect(await left()).toEqual(NOTHING);
  }, 300_000);

  test('a plan that is not what its hash says is not run', async () => {
    const plan = planOf(1);
    const executor = await overQueue(plan, parseQueueUrl(redis.url));
    const [key] = await client.keys(`${PREFIX}:plan:*`);
    expect(await client.ttl(key!)).toBeGreaterThan(0);
    await client.set(key!, '{}');
    await worker(redis.url);
    await expect(async () => {
      for await (const run of executor.run(specsOf(plan), new AbortController().signal)) expect(run).toBe('none');
    }).rejects.toThrow("'h2 seed 1' could not be made: its plan is not in Redis, or is not what its hash says");
    await executor.close();
  }, 300_000);

  test('Redis goes away in mid-run: who asks and who works say so and end, and what is done is gone on with', async () => {
    const plan = planOf(50);
    const works = await worker(redis.url, '--patience', '100ms');
    const store = openStore(plan, { dir: at('away'), resume: false, world: 'simulated' });
    const signal = new AbortController().signal;
    const executor = await overQueue(plan, parseQueueUrl(redis.url), { patience: 100 });
    const shown = `Redis at redis://127.0.0.1:${redis.port}`;
    let stopped: Promise<void> | undefined;
    const onRun = (done: number): void => {
      if (done === 20) stopped = redis.stop();
    };
    await expect(runPlan(plan, executor, store, { world: 'simulated', signal, onRun })).rejects.toThrow(`${shown} is not there any more`);
    await executor.close();
    await stopped;
    store.close();
    const { code, err } = await works.ended;
    expect([code, err]).toEqual([1, expect.stringContaining(`error: ${shown} is not there any more`)]);
    expect(err).not.toContain(PASSWORD);
    expect(store.count).toBeLessThan(100);

    redis = await RedisServer.start(redis.port);
    await worker(redis.url);
    const resumed = openStore(plan, { dir: at('away'), resume: true, world: 'simulated' });
    const again = await overQueue(plan, parseQueueUrl(redis.url));
    expect(await runPlan(plan, again, resumed, { world: 'simulated', signal })).toBe(true);
    await again.close();
    resumed.close();
    expect(exportRuns(at('away'))).toBe(await madeHere(50));
  }, 600_000);

  test('Redis comes back soon, and knows of nothing: both go on by themselves', async () => {
    const plan = planOf(50);
    await worker(redis.url);
    const executor = await overQueue(plan, parseQueueUrl(redis.url), { patience: 60_000 });
    const runs: PlanRun[] = [];
    let restarted: Promise<void> | undefined;
    const onRun = (done: number): void => {
      if (done === 20)
        restarted = redis.stop().then(async () => {
          redis = await RedisServer.start(redis.port);
        });
    };
    const into = { runs, add: (run: PlanRun) => void runs.push(run) };
    expect(await runPlan(plan, executor, into, { world: 'simulated', signal: new AbortController().signal, onRun })).toBe(true);
    await restarted;
    await executor.close();
    const lines = runs.map((run) => `${JSON.stringify(run)}\n`);
    expect(lines.toSorted()).toEqual((await madeHere(50)).split(/(?<=\n)/).toSorted());
  }, 600_000);

  test('no more is asked for than may be ahead, and after an abort nothing of it is there', async () => {
    const plan = planOf(500);
    const said: string[] = [];
    let nobodyThere: () => void = () => {};
    const told = new Promise<void>((resolve) => {
      nobodyThere = resolve;
    });
    const say = (line: string): void => {
      said.push(line);
      nobodyThere();
    };
    const executor = await overQueue(plan, parseQueueUrl(redis.url), { ahead: 8, say });
    let asked = 0;
    const specs = (function* () {
      for (const spec of specsOf(plan)) {
        asked++;
        yield spec;
      }
    })();
    const stop = new AbortController();
    const next = executor.run(specs, stop.signal)[Symbol.asyncIterator]().next();
    await told;
    expect([asked, await left()]).toEqual([8, { ...NOTHING, waiting: 8 }]);
    expect(said).toEqual([`Nobody works on the queue yet: quiclab worker --queue redis://127.0.0.1:${redis.port}`]);
    stop.abort();
    expect((await next).done).toBe(true);
    await executor.close();
    expect(await left()).toEqual(NOTHING);
  });

  test('a Redis that refuses what is asked of it is told, and nobody waits for it', async () => {
    await client.config('SET', 'maxmemory', '1');
    const shown = `Redis at redis://127.0.0.1:${redis.port}`;
    await expect(overQueue(planOf(1), parseQueueUrl(redis.url))).rejects.toThrow(`${shown}: OOM command not allowed`);
    await client.config('SET', 'maxmemory', '0');
    const executor = await overQueue(planOf(1), parseQueueUrl(redis.url));
    await client.config('SET', 'maxmemory', '1');
    const runs = executor.run(specsOf(planOf(1)), new AbortController().signal)[Symbol.asyncIterator]();
    await expect(runs.next()).rejects.toThrow(`${shown}: OOM command not allowed`);
    await executor.close();
  });

  test('a wrong password and a database that is not there are told, without the password', async () => {
    const url = (text: string) => parseQueueUrl(text);
    const onLost = (): void => {};
    await expect(connect(url(redis.url.replace(PASSWORD, 'falsch')), 0, { onLost })).rejects.toThrow(
      /^Redis at redis:\/\/127\.0\.0\.1:\d+ cannot be used \(WRONGPASS((?!falsch).)*$/,
    );
    await expect(connect(url(`${redis.url}/99`), 0, { onLost })).rejects.toThrow(
      /:\d+\/99 cannot be used \(ERR DB index is out of range\)$/,
    );
  });
});

describe("a queue's URL", () => {
  test('has a host, and the rest by default', () => {
    expect(parseQueueUrl('redis://[::1]')).toMatchObject({
      host: '::1',
      port: 6379,
      db: 0,
      tls: false,
      password: '',
      shown: 'redis://[::1]:6379',
    });
    expect(parseQueueUrl('rediss://ann:s%40y@queue.example:7000/2')).toEqual({
      host: 'queue.example',
      port: 7000,
      db: 2,
      tls: true,
      username: 'ann',
      password: 's@y',
      shown: 'rediss://queue.example:7000/2',
    });
  });

  test.each([
    'http://h',
    'redis://',
    'localhost:6379',
    'redis://u:geheim@h/x',
    'redis://u:geheim@h?family=6',
    'redis://u:ge%heim@h',
    'redis://u:geheim@h:port',
  ])('%s is none, and no password is printed', (text) => {
    expect(() => parseQueueUrl(text)).toThrow(/^--queue: '((?!geheim|ge%heim).)*' is not like redis:\/\/host:6379 /);
  });

  test('that leads nowhere leaves what an earlier run has written', async () => {
    writeFileSync(at('nowhere.yaml'), planText(1));
    await madeHere(1);
    const before = readFileSync(at('here1/runs.jsonl'), 'utf8');
    const { code, err } = await program('run', at('nowhere.yaml'), '--out', at('here1'), '--queue', `redis://:${PASSWORD}@127.0.0.1:1`)
      .ended;
    expect([code, err]).toEqual([1, 'error: Redis at redis://127.0.0.1:1 cannot be used (connect ECONNREFUSED 127.0.0.1:1)\n']);
    expect(readFileSync(at('here1/runs.jsonl'), 'utf8')).toBe(before);
  });
});

test('the library loads nothing of Redis before it is asked to', () => {
  const script = `await import(${JSON.stringify(new URL('../src/index.ts', import.meta.url).href)});
    const { _cache } = (await import('node:module')).default;
    const names = () => ['bullmq', 'ioredis'].filter((name) => Object.keys(_cache).some((file) => file.includes('/node_modules/' + name + '/')));
    const before = names();
    await import('bullmq');
    console.log(JSON.stringify([before, names()]));`;
  const { stdout } = spawnSync(process.execPath, ['--import', 'tsx', '--input-type=module', '--eval', script], {
    cwd: fileURLToPath(new URL('..', import.meta.url)),
  });
  expect(JSON.parse(stdout.toString())).toEqual([[], expect.arrayContaining(['bullmq'])]);
}, 120_000);
