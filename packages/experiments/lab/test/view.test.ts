import { mkdtempSync, rmSync } from 'node:fs';
import { get, type IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { inProcess, parsePlan, runPlan } from '../src/index.ts';
import { type View, viewReport } from '../src/report/view.ts';
import { openStore, writeResult } from '../src/run/run-plan.ts';

const LIMIT = 30_000;

describe('quiclab view', { timeout: 2 * LIMIT }, () => {
  const dir = mkdtempSync(join(tmpdir(), 'quiclab-view-'));
  const plan = parsePlan(
    `question: Who waits?
workload: { files: { count: 2, size: 4KB } }
topology:
  both: { rate: 10Mbit, delay: 5ms, queue: 64 packets }
models: [h3]
repeats: 2
`,
    'p.yaml',
    () => '',
  );
  const store = openStore(plan, { dir, resume: false, world: 'simulated' });
  let view: View;
  beforeAll(async () => {
    view = await viewReport(dir);
  });
  afterAll(async () => {
    await view?.close();
    store.close();
    rmSync(dir, { recursive: true, force: true });
  });

  const ask = (path: string, host?: string): Promise<IncomingMessage> =>
    new Promise((resolve, reject) => {
      const request = get({ port: view.port, host: '127.0.0.1', path, ...(host !== undefined && { headers: { host } }) }, resolve);
      request.setTimeout(LIMIT, () => request.destroy(new Error('no answer')));
      request.on('error', reject);
    });
  const textOf = async (path: string): Promise<string> => {
    let text = '';
    for await (const part of await ask(path)) text += part;
    return text;
  };

  test('shows what there is, tells readers of more, and shows that', async () => {
    expect(await textOf('/')).toContain('Nothing has been run yet.');
    const events = await ask('/events');
    expect(events.headers['content-type']).toBe('text/event-stream');
    const more = new Promise<void>((resolve, reject) => {
      events.on('data', (part: Buffer) => part.toString().includes('data: more') && resolve());
      events.on('error', reject);
    });
    await runPlan(plan, inProcess(plan), store, { world: 'simulated', signal: new AbortController().signal });
    await more;
    events.destroy();
    const soFar = await textOf('/');
    expect(soFar).toContain('2 runs: h3. Not all runs of the plan are done.');
    expect(soFar).toContain("new EventSource('/events')");
    writeResult(plan, dir, 'simulated', store.runs, true, false);
    expect(await textOf('/')).toContain('2 runs: h3.</p>');
  });

  test('is for nobody who comes by another name, and has nothing else', async () => {
    const foreign = await ask('/', 'example.org');
    expect(foreign.statusCode).toBe(403);
    foreign.destroy();
    const other = await ask('/result.json');
    expect(other.statusCode).toBe(404);
    other.destroy();
  });

  test('says where nothing was run', async () => {
    await expect(viewReport(join(dir, 'nowhere'))).rejects.toThrow(/there is no .*result\.json/);
  });
});
