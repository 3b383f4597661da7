import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, test } from 'vitest';
import { Party } from './loopback.ts';

const main = fileURLToPath(new URL('../src/main.ts', import.meta.url));
const running: ChildProcess[] = [];
afterEach(() => {
  for (const child of running.splice(0)) child.kill('SIGKILL');
});

function relay(...options: string[]) {
  const child = spawn(process.execPath, ['--import', import.meta.resolve('tsx'), main, ...options], { stdio: ['pipe', 'pipe', 'pipe'] });
  running.push(child);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text) => {
    stderr += text;
  });
  const ended = new Promise<{ code: number | null; stderr: string }>((resolve) => {
    child.once('close', (code) => resolve({ code, stderr }));
  });
  return { child, ended, line: async () => (await lines.next()).value as string };
}

test('it carries datagrams, loses what it is told, and prints figures when its input ends', async () => {
  const server = await Party.open();
  const client = await Party.open();
  const program = relay(
    '--target',
    `127.0.0.1:${server.address.port}`,
    '--delay',
    '2ms',
    '--drop',
    'up:2',
    '--down-loss',
    '100%',
    '--json',
  );
  const { listening } = JSON.parse(await program.line());
  await client.sendAll(['one', 'two', 'three'], listening);
  await server.hears(2);
  server.send('never arrives', server.from[0]);
  program.child.stdin.end();
  const figures = JSON.parse(await program.line());
  expect(server.heard).toEqual(['one', 'three']);
  expect(figures).toMatchObject({ clients: 1, up: { datagrams: 3, delivered: 2, dropped: { listed: 1 } }, down: { delivered: 0 } });
  expect(await program.ended).toEqual({ code: 0, stderr: '' });
  server.close();
  client.close();
});

test.each(['SIGINT', 'SIGTERM'] as const)('%s ends it in good order', async (signal) => {
  const program = relay('--target', 'localhost:9');
  expect(await program.line()).toMatch(/^listening 127\.0\.0\.1:\d+, to localhost:9$/);
  program.child.kill(signal);
  expect(await program.line()).toBe('0 clients');
  expect(await program.line()).toBe('up:   0 datagrams, 0 octets; 0 delivered');
  expect((await program.ended).code).toBe(0);
});

test.each([
  [['--target', 'nowhere'], "--target: 'nowhere' is not like 127.0.0.1:4433"],
  [[], "required option '--target <HOST:PORT>' not specified"],
  [['--target', 'localhost:9', '--delay', '20'], "--delay: '20' has no unit"],
  [['--target', 'localhost:9', '--up-loss', '200%'], '--loss'],
  [['--target', 'localhost:9', '--lose', '2%'], "unknown option '--lose'"],
  [['--target', 'localhost:0'], 'port 0 is no place to send to'],
])('%j is refused with a reason', async (options, reason) => {
  const { code, stderr } = await relay(...options).ended;
  expect(code).toBe(1);
  expect(stderr).toContain(reason);
});
