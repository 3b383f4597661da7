import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { ENTRIES } from '../scripts/bench/contest.ts';
import { figure, figures, table } from '../scripts/bench/summary.ts';

const BENCH = fileURLToPath(new URL('../scripts/bench.ts', import.meta.url));
const bench = (...args: string[]) => spawnSync(process.execPath, ['--import', 'tsx', BENCH, ...args], { encoding: 'utf8' });

const run = (value: number, client: number, server: number) => ({ value, cpuSeconds: { client, server }, notes: {} });

describe('figures of a bench', () => {
  test('the median is the middle run, or lies between the two in the middle', () => {
    const odd = figure([run(30, 3, 1), run(10, 1, 3), run(20, 2, 2)]);
    expect(odd).toEqual({ median: 20, lowest: 10, highest: 30, runs: 3, cpuSeconds: { client: 2, server: 2 } });
    expect(figure([run(40, 1, 1), run(10, 1, 1), run(20, 1, 1), run(30, 1, 1)]).median).toBe(25);
  });

  test('what never came to an end is not there', () => {
    const [quic, second] = ENTRIES;
    const all = figures(
      new Map([
        [quic, [run(50, 1, 2)]],
        [second, []],
      ]),
    );
    expect(all).toEqual({
      goodputMBps: { 'quic-1200': { median: 50, lowest: 50, highest: 50, runs: 1, cpuSeconds: { client: 1, server: 2 } } },
    });
    expect(table(all)).toContain('quic-1200');
  });
});

describe('the bench command', () => {
  test('downloads between two processes over QUIC, TLS and HTTP/2, and writes what it found', { timeout: 60_000 }, () => {
    const directory = mkdtempSync(join(tmpdir(), 'quiclab-bench-'));
    try {
      const json = join(directory, 'figures.json');
      const only = ['quic-1200', 'quic-1452', 'quic-mtu', 'https', 'http2', 'h2'].flatMap((name) => ['--only', `goodputMBps/${name}`]);
      const { status, stderr } = bench('--runs', '1', '--bytes', '1MB', '--json', json, ...only);
      expect(status, stderr).toBe(0);
      const { goodputMBps } = JSON.parse(readFileSync(json, 'utf8'));
      expect(Object.keys(goodputMBps)).toEqual(['quic-1200', 'quic-1452', 'quic-mtu', 'https', 'http2', 'h2']);
      // by its own account, the server found that loopback carries more
      const found = stderr.match(/quic-mtu: .* maxDatagramSize (\d+)/);
      if (existsSync('/sys/class/net/lo/mtu')) expect(Number(found?.[1])).toBeGreaterThan(1_452);
      for (const found of Object.values<{ runs: number; lowest: number }>(goodputMBps)) {
        expect(found.runs).toBe(1);
        expect(found.lowest).toBeGreaterThan(0);
      }
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  test('resumes sessions of QUIC, with early data, and of TLS', { timeout: 60_000 }, () => {
    const only = ['quic-0rtt', 'https-resumed'].flatMap((name) => ['--only', `handshakesPerSecond/${name}`]);
    const { status, stderr, stdout } = bench('--runs', '1', ...only);
    expect(status, stderr).toBe(0); // either end throws where a session, or early data, was not taken
    expect(stdout).toContain('quic-0rtt');
    expect(stdout).toContain('https-resumed');
  });

  test.each([
    [['--runs', '0'], 'at least 1'],
    [['--only', 'speed'], 'no such measurement'],
    [['--bytes', '256'], '64KB'],
    [['--fast'], 'unknown option'],
    [['quic'], 'too many arguments'],
  ])('refuses %j and says why', (args, reason) => {
    const { status, stderr, stdout } = bench(...args);
    expect(status).toBe(1);
    expect(stderr).toContain(reason);
    expect(stdout).toBe('');
  });
});
