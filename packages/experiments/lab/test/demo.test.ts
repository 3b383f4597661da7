import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseResult } from '@quiclab/report';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const MAIN = fileURLToPath(new URL('../src/main.ts', import.meta.url));
const scratch = mkdtempSync(join(tmpdir(), 'quiclab-demo-'));
const site = join(scratch, 'site');

/** Runs the program as a user does. */
function demo(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<{ code: number; out: string; err: string }> {
  const { SSLKEYLOGFILE: _keys, QLOGDIR: _qlog, ...clean } = process.env;
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      ['--import', 'tsx', MAIN, 'demo', ...args],
      { env: { ...clean, ...env }, maxBuffer: 1 << 26 },
      (error, out, err) => resolve({ code: error === null ? 0 : Number(error.code), out, err }),
    );
  });
}

const result = (dir: string) => parseResult(JSON.parse(readFileSync(join(dir, 'result.json'), 'utf8')));

beforeAll(() => {
  mkdirSync(join(site, 'deep er'), { recursive: true });
  writeFileSync(
    join(site, 'large.bin'),
    new Uint8Array(90_000).map((_, i) => i * 31),
  );
  writeFileSync(join(site, 'deep er', 'ü & 100%.txt'), 'x'.repeat(30_000));
  writeFileSync(join(site, 'small.txt'), 'small');
  writeFileSync(join(site, 'empty'), '');
});
afterAll(() => rmSync(scratch, { recursive: true }));

describe('pnpm demo', () => {
  test('over real sockets: three processes, both models, every file verified, all results written', async () => {
    const out = join(scratch, 'relay');
    const run = await demo(['--dir', site, '--delay', '2ms', '--loss', '1%', '--rate', '50Mbit', '--out', out]);
    expect(run.err).toBe('h3 …\nh3-single …\n');
    expect(run.code).toBe(0);
    expect(run.out).toContain('All 3 files arrived as they are on disk (SHA-256), in every run.');
    const { world, runs, comparison, plan } = result(out);
    expect(world).toBe('relay');
    expect(plan.files).toBe(3);
    expect(runs.map(({ model }) => model)).toEqual(['h3', 'h3-single']);
    expect(comparison?.sentence).toMatch(/\.$/);
    for (const { streams, links } of runs) {
      expect(streams.map(({ file, bytes }) => [file, bytes])).toEqual([
        ['large.bin', 90_000],
        ['deep er/ü & 100%.txt', 30_000],
        ['small.txt', 5],
      ]);
      expect(links.down.entered).toBeGreaterThan(100);
    }
    expect(readdirSync(join(out, 'qlog')).sort()).toEqual([
      'h3-seed1-client.sqlog',
      'h3-seed1-server.sqlog',
      'h3-single-seed1-client.sqlog',
      'h3-single-seed1-server.sqlog',
    ]);
    expect(readFileSync(join(out, 'keys.log'), 'utf8').match(/^SERVER_TRAFFIC_SECRET_0 /gm)?.length).toBe(2);
    expect(readFileSync(join(out, 'report.html'), 'utf8')).toContain('<html');
  });

  test('simulated: the same seed gives the same bytes, another seed others', async () => {
    const run = (name: string, seed: string) =>
      demo(['--simulated', '--dir', site, '--seed', seed, '--loss', '3%', '--json', '--out', join(scratch, name)]);
    const [first, again, other] = await Promise.all([run('a', '5'), run('b', '5'), run('c', '6')]);
    expect(first.code).toBe(0);
    expect(again.out).toBe(first.out);
    expect(other.out).not.toBe(first.out);
    for (const file of [...readdirSync(join(scratch, 'a', 'qlog')).map((name) => join('qlog', name)), 'keys.log', 'report.html'])
      expect(readFileSync(join(scratch, 'b', file)).equals(readFileSync(join(scratch, 'a', file))), file).toBe(true);
  });

  test('without loss nothing is blocked, and that is what it says', async () => {
    const out = join(scratch, 'lossless');
    const run = await demo(['--simulated', '--dir', site, '--loss', '0%', '--out', out]);
    for (const { streams } of result(out).runs) for (const { blocked } of streams) expect(blocked).toEqual({ own: 0, other: 0 });
    expect(run.out).toContain('no difference in waiting');
  });

  test('--qlog qvis: traces in the dialect that qvis reads', async () => {
    const out = join(scratch, 'qvis');
    expect((await demo(['--simulated', '--dir', site, '--model', 'h3', '--qlog', 'qvis', '--out', out])).code).toBe(0);
    for (const side of ['client', 'server'])
      expect(readFileSync(join(out, 'qlog', `h3-seed1-${side}.sqlog`), 'utf8').slice(1)).toMatch(
        /^{"qlog_version":"0.3","qlog_format":"JSON-SEQ"/,
      );
  });

  test('SSLKEYLOGFILE and QLOGDIR are honoured', async () => {
    const keys = join(scratch, 'elsewhere.log');
    const qlog = join(scratch, 'elsewhere');
    const run = await demo(['--simulated', '--dir', site, '--model', 'h3', '--out', join(scratch, 'd')], {
      SSLKEYLOGFILE: keys,
      QLOGDIR: qlog,
    });
    expect(run.code).toBe(0);
    expect(readFileSync(keys, 'utf8')).toMatch(/^CLIENT_HANDSHAKE_TRAFFIC_SECRET [0-9a-f]{64} /m);
    expect(readdirSync(qlog)).toEqual(['h3-seed1-client.sqlog', 'h3-seed1-server.sqlog']);
  });

  test.each([
    [['--loss', '2'], "'2' has no unit"],
    [['--loss', '200%'], 'above 100%'],
    [['--delay', '20 parsecs'], "'parsecs' in '20 parsecs' is not a unit"],
    [['--rate', 'fast'], "'fast' is not a quantity"],
    [['--files', '0'], "'0' is not a whole number, 1 or more"],
    [['--repeat', '1.5'], "'1.5' is not a whole number, 1 or more"],
    [['--seed', '-1'], 'not a whole number'],
    [['--qlog', 'old'], 'Allowed choices are current, qvis'],
    [['--model', 'h2'], 'Allowed choices are h3, h3-single'],
    [['--dir', '/no/such/place'], "there is no '/no/such/place'"],
    [['--dir', fileURLToPath(import.meta.url)], 'is not a directory'],
    [['--nonsense'], "unknown option '--nonsense'"],
  ])('%j is refused with a reason', async (args, reason) => {
    const run = await demo([...args, '--out', join(scratch, 'refused')]);
    expect(run.err).toContain(reason);
    expect(run.code).toBe(1);
    expect(run.out).toBe('');
  });
});
