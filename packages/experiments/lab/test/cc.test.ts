import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { FlowsJson } from '@quiclab/report';
import { afterAll, describe, expect, test } from 'vitest';
import { flowsCommand } from '../src/flows/options.ts';

const MAIN = fileURLToPath(new URL('../src/main.ts', import.meta.url));
const scratch = mkdtempSync(join(tmpdir(), 'quiclab-cc-'));
afterAll(() => rmSync(scratch, { recursive: true }));

/** Runs the program as a user does. */
function cc(...args: readonly string[]): Promise<{ code: number; out: string; err: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, ['--import', 'tsx', MAIN, 'cc', ...args], { maxBuffer: 1 << 26 }, (error, out, err) =>
      resolve({ code: error === null ? 0 : Number(error.code), out, err }),
    );
  });
}

const resultIn = (dir: string): FlowsJson => JSON.parse(readFileSync(join(dir, 'result.json'), 'utf8')) as FlowsJson;
const dataOf = (page: string): unknown => JSON.parse(/id="result">(.*)<\/script>/.exec(page)![1]!);

describe('pnpm lab:cc', () => {
  const asked = ['--controller', 'cubic,newReno:hystart', '--size', '300KB', '--down-loss', '2%', '--seed', '5'];

  test('the page shows what qlog says of the same run, to the octet and the microsecond', async () => {
    const out = join(scratch, 'qlog');
    const run = await cc(...asked, '--qlog', 'current', '--out', out);
    expect(run).toMatchObject({ code: 0, err: 'cubic …\nnewReno:hystart …\n' });
    const result = resultIn(out);
    expect(dataOf(readFileSync(join(out, 'cc.html'), 'utf8'))).toEqual({ ...result, names: ['cubic', 'newReno:hystart'] });
    const files = readdirSync(join(out, 'qlog')).sort();
    expect(files).toEqual(['1-cubic-server.sqlog', '2-newReno-hystart-server.sqlog']);
    const curves = {
      window: 'congestion_window',
      threshold: 'ssthresh',
      inFlight: 'bytes_in_flight',
      smoothedRtt: 'smoothed_rtt',
      minRtt: 'min_rtt',
    } as const;
    for (const [i, file] of files.entries()) {
      const [flow] = result.runs[i]!.flows;
      const events = readFileSync(join(out, 'qlog', file), 'utf8')
        .split('\x1e')
        .slice(2)
        .map((record) => JSON.parse(record) as { time: number; name: string; data: Record<string, number | string> });
      for (const [curve, metric] of Object.entries(curves)) {
        const steps = new Map<number, number>(); // of one instant the last
        for (const { time, name, data } of events)
          if (name === 'quic:recovery_metrics_updated' && metric in data)
            steps.set(Math.round(time * 1_000), Math.round(Number(data[metric]) * (metric.endsWith('rtt') ? 1_000 : 1)));
        const shown = flow!.curves[curve as keyof typeof curves];
        expect(valuesAt(shown, [...steps.keys()]), `${file} ${metric}`).toEqual([...steps.values()]);
        expect(shown.length).toBeLessThanOrEqual(2 * steps.size);
      }
      const instants = (name: string, more: (data: Record<string, unknown>) => boolean = () => true) =>
        events.filter((event) => event.name === name && more(event.data)).map(({ time }) => Math.round(time * 1_000));
      expect(flow!.marks.lost).toEqual(instants('quic:packet_lost'));
      expect(flow!.marks.lost.length).toBeGreaterThan(2);
      expect(flow!.phases.map(({ at }) => at)).toEqual(instants('quic:congestion_state_updated'));
      expect(flow!.marks.timeouts).toEqual(
        instants('quic:timer_updated', (data) => data.timer_type === 'pto' && data.event_type === 'expired'),
      );
    }
  });

  test('the same arguments give the same bytes, and the page says which they were', async () => {
    const run = (name: string, ...args: string[]) => cc(...args, '--json', '--out', join(scratch, name));
    const first = await run('a', ...asked);
    const again = await run('b', ...resultIn(join(scratch, 'a')).arguments);
    expect(first.code).toBe(0);
    expect(again.out).toBe(first.out);
    for (const file of ['result.json', 'cc.html'])
      expect(readFileSync(join(scratch, 'b', file)).equals(readFileSync(join(scratch, 'a', file))), file).toBe(true);
    expect(first.out).toBe(readFileSync(join(scratch, 'a', 'result.json'), 'utf8'));
  });

  test('several on one path, for a time', async () => {
    const out = join(scratch, 'together');
    const run = await cc('--controller', 'cubic,cubic', '--together', '--stagger', '500ms', '--time', '1.5s', '--out', out);
    expect(run.out).toContain('cubic (1) and cubic (2) on one path. 10 Mbit/s, 30.0 ms there and back, a queue of 31 packets, seed 1.');
    const { runs, arguments: args } = resultIn(out);
    expect(args).toEqual(['--controller', 'cubic,cubic', '--together', '--stagger', '500ms', '--time', '1500ms']);
    expect(runs.map(({ endedAt, flows }) => [endedAt, flows.map(({ startedAt }) => startedAt)])).toEqual([[1_500_000, [0, 500_000]]]);
  });

  test('the path is written as everywhere, for both directions or one', async () => {
    const out = join(scratch, 'path');
    const path = [
      '--rate',
      '100Mbit',
      '--delay',
      '5ms',
      '--up-delay',
      '35ms',
      '--queue',
      '64KB',
      '--loss',
      '1%',
      '--down-loss',
      '2%',
      '--jitter',
      '1ms',
    ];
    await cc(...path, '--drop', 'down:20', '--size', '20KB', '--out', out);
    expect(resultIn(out).path).toEqual({
      rate: 100e6,
      rtt: 40_000,
      queue: '64KB',
      impairments: ['delay 35ms up', 'loss 1% up', 'loss 2% down', 'jitter 1ms each way', 'down:20 dropped'],
    });
    await cc('--rate', 'none', '--controller', 'fixed:64KB', '--size', '20KB', '--out', out);
    expect(resultIn(out).path).toMatchObject({ rate: 0, queue: '' });
  });

  test.each([
    [['--controller', 'tahoe'], "'tahoe' is not a controller; there are cubic, newReno or fixed:SIZE"],
    [['--controller', 'cubic,cubic:fast'], 'is not a switch of cubic; there are pacing, hystart'],
    [['--controller', 'cubic,cubic,cubic,cubic,cubic,cubic,cubic'], '--controller: 7 of them; a page shows 6 at most'],
    [['--loss', '2'], "--loss: '2' has no unit"],
    [['--down-delay', '20 parsecs'], "'parsecs' in '20 parsecs' is not a unit"],
    [['--rate', 'fast'], "--rate: 'fast' is not a quantity"],
    [['--queue', 'long'], "--queue: 'long' is not a quantity"],
    [['--size', '10'], "'10' has no unit"],
    [['--size', '1MB', '--time', '1s'], 'a transfer ends by one of the two'],
    [['--time', '2000min'], '--time: more than nothing, and an hour at most'],
    [['--stagger', '1s'], '--stagger needs --together'],
    [['--together', '--controller', 'cubic,cubic', '--stagger', '2s', '--time', '2s'], 'the last one would start when the time is over'],
    [['--drop', 'sideways:3'], "--drop: 'sideways:3' is not like up:3 or down:7"],
    [['--reorder-delay', '1ms'], '--reorder-delay needs --reorder'],
    [['--seed', '-1'], 'not a whole number'],
    [['--nonsense'], "unknown option '--nonsense'"],
  ])('%j is refused with a reason', (args, reason) => {
    let told = '';
    const command = flowsCommand(() => expect.unreachable('it is run')).exitOverride();
    command.configureOutput({ writeErr: (text) => (told += text) });
    try {
      command.parse(args, { from: 'user' });
    } catch (error) {
      told += (error as Error).message;
    }
    expect(told).toContain(reason);
  });

  test('and the program says so, and nothing else', async () => {
    expect(await cc('--loss', '2', '--out', scratch)).toEqual({
      code: 1,
      out: '',
      err: "error: --loss: '2' has no unit; write it like 2% (units: %)\n",
    });
  });
});

/** Of the steps instant, value, …: the values at these instants, which ascend. */
function valuesAt(steps: readonly number[], instants: readonly number[]): number[] {
  let i = 0;
  return instants.map((instant) => {
    while (i + 2 < steps.length && steps[i + 2]! <= instant) i += 2;
    return steps[i]! <= instant ? steps[i + 1]! : -1;
  });
}
