import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bernoulli, type LinkConfig } from '@quiclab/impair';
import { runSimulated } from '@quiclab/lab';
import { MILLISECOND, seededRandom } from '@quiclab/sansio';
import { QlogObserver } from '@quiclab/trace';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { LATER_NODE, laterNode } from './later-node.ts';
import { equalObjects } from './one-loss.ts';

// The same seed gives the same bytes, in this process, in another, and on another Node. ARCHITECTURE §3, EXPERIMENTS §2.

describe('in one process', () => {
  const link: LinkConfig = { delay: 20 * MILLISECOND, rate: 20_000_000, loss: bernoulli(0.02) };

  /** Everything that a run says: its record, and the qlog of both sides. */
  function everything(model: 'h3' | 'h3-single', seed: number) {
    const qlog = { client: '', server: '' };
    const watch = (side: 'client' | 'server') => ({
      observer: ({ originalId }: { originalId: Uint8Array }) =>
        new QlogObserver({ side, originalId, reference: 0, title: model, write: (text) => void (qlog[side] += text) }),
    });
    const record = runSimulated({
      model,
      seed,
      links: { up: link, down: link },
      page: equalObjects(6, 30_000),
      source: () => new Uint8Array(30_000),
      observers: { client: watch('client').observer, server: watch('server').observer },
    });
    return { record: JSON.stringify(record), ...qlog };
  }

  test.each(['h3', 'h3-single'] as const)('%s: one seed twice gives the same record and qlog to the byte, another seed others', (model) => {
    const first = everything(model, 1);
    expect(first.client.length).toBeGreaterThan(10_000);
    expect(first.server.length).toBeGreaterThan(10_000);
    expect(everything(model, 1)).toEqual(first);
    const other = everything(model, 2);
    for (const what of ['record', 'client', 'server'] as const) expect(other[what]).not.toBe(first[what]);
  });
});

describe('the demo, simulated', () => {
  const main = fileURLToPath(new URL('../../packages/experiments/lab/src/main.ts', import.meta.url));
  const tsx = import.meta.resolve('tsx');
  let top = '';
  let runs = 0;
  let first: Record<string, string>;

  beforeAll(() => {
    top = mkdtempSync(join(tmpdir(), 'quiclab-determinism-'));
    first = hashes(process.execPath, 1);
  }, 120_000);
  afterAll(() => rmSync(top, { recursive: true, force: true }));

  /** Files to serve: the same each time, in a new place. */
  function files(): string {
    const dir = join(top, `served-${runs}`);
    mkdirSync(dir);
    for (let i = 0; i < 5; i++) {
      const content = new Uint8Array(20_000 + 7_000 * i);
      seededRandom(i).fill(content);
      writeFileSync(join(dir, `file-${i}`), content);
    }
    return dir;
  }

  /** Runs the program on a Node; a hash for each file that it wrote, by name. */
  function hashes(node: string, seed: number, env: Readonly<Record<string, string>> = {}): Record<string, string> {
    runs++;
    const out = join(top, `out-${runs}`);
    const { QLOGDIR: _qlog, SSLKEYLOGFILE: _keys, NODE_OPTIONS: _options, ...usual } = process.env;
    const { status, stdout, stderr } = spawnSync(
      node,
      ['--import', tsx, main, 'demo', '--simulated', '--dir', files(), '--seed', `${seed}`, '--out', out],
      { encoding: 'utf8', env: { ...usual, ...env } },
    );
    expect(status, stdout + stderr).toBe(0);
    const all: Record<string, string> = {};
    for (const entry of readdirSync(out, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      const path = join(entry.parentPath, entry.name);
      all[relative(out, path).split(sep).join('/')] = createHash('sha256').update(readFileSync(path)).digest('hex');
    }
    return all;
  }

  test('writes result.json, the page, the key log, and qlog of both sides for both models', () => {
    expect(Object.keys(first).sort()).toEqual([
      'keys.log',
      'qlog/h3-seed1-client.sqlog',
      'qlog/h3-seed1-server.sqlog',
      'qlog/h3-single-seed1-client.sqlog',
      'qlog/h3-single-seed1-server.sqlog',
      'report.html',
      'result.json',
    ]);
  });

  test('one seed twice gives the same bytes, whatever the place, the time zone and the language', () => {
    expect(hashes(process.execPath, 1, { TZ: 'Asia/Kathmandu', LANG: 'tr_TR.UTF-8', LC_ALL: 'tr_TR.UTF-8' })).toEqual(first);
  });

  test('another seed gives others', () => {
    const other = Object.values(hashes(process.execPath, 2));
    expect(other.length).toBe(Object.keys(first).length);
    for (const hash of Object.values(first)) expect(other).not.toContain(hash);
  });

  test(`Node ${LATER_NODE} gives the same bytes`, { timeout: 300_000 }, (context) => {
    let node: string;
    try {
      node = laterNode();
    } catch (error) {
      if (process.env.CI) throw error;
      context.skip(String(error));
      return;
    }
    expect(node).not.toContain(dirname(process.execPath));
    expect(hashes(node, 1)).toEqual(first);
  });
});
