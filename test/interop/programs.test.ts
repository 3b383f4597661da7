import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { EndedEarly, runClient, startServer } from '../../scripts/interop/programs.ts';

const node = (script: string): string[] => [process.execPath, '-e', script];
const WITHOUT_END = 'setInterval(() => {}, 1_000)';
const ignore = (): void => {};

describe('programs have an end', () => {
  test('a client that takes too long is killed', async () => {
    expect(await runClient(node(WITHOUT_END), '.', 50, ignore)).toEqual({ code: undefined, complaint: 'no end after 0.05 s' });
  });

  test('one that has made enough is killed', async () => {
    const enough = new AbortController();
    const script = `console.log('more'); ${WITHOUT_END}`;
    const { code } = await runClient(node(script), '.', 60_000, () => enough.abort(), enough.signal);
    expect(code).toBeUndefined();
    expect((await runClient(node(WITHOUT_END), '.', 60_000, ignore, AbortSignal.abort())).code).toBeUndefined();
  });

  test.each(['stdout', 'stderr'])('one that prints without end on %s is killed, and its words are not kept', async (stream) => {
    const script = `const more = () => process.${stream}.write('x'.repeat(65_536), more); more();`;
    let longest = 0;
    const finished = await runClient(node(script), '.', 60_000, (line) => {
      longest = Math.max(longest, line.length);
    });
    expect(finished).toEqual({ code: undefined, complaint: 'it printed more than 16 MiB' });
    expect(longest).toBe(0);
  });

  test('lines come whole, however they were cut', async () => {
    const lines: string[] = [];
    await runClient(node(`process.stdout.write('one\\ntw', () => process.stdout.write('o\\n'))`), '.', 60_000, (line) => lines.push(line));
    expect(lines).toEqual(['one', 'two']);
  });

  test('a server that ignores SIGTERM is killed', async () => {
    const server = await startServer(
      node(`process.on('SIGTERM', () => console.error('not now')); console.log('listening 7'); ${WITHOUT_END}`),
      '.',
    );
    expect(server.port).toBe(7);
    expect(await server.stop()).toEqual({ code: undefined, complaint: 'not now' });
  });

  test('a server that ends before it serves says why', async () => {
    const never = startServer(node(`console.error('no certificate'); process.exit(127)`), '.');
    await expect(never).rejects.toThrow(EndedEarly);
    await expect(never).rejects.toMatchObject({ code: 127, complaint: 'no certificate' });
  });

  test('a program does not outlive a runner that was killed', async () => {
    const listener = createServer().listen(0, '127.0.0.1');
    await once(listener, 'listening');
    const connected = once(listener, 'connection') as Promise<[Socket]>;
    const script = fileURLToPath(new URL('runner-of-one.ts', import.meta.url));
    const port = `${(listener.address() as AddressInfo).port}`;
    const runner = spawn(process.execPath, ['--import', import.meta.resolve('tsx'), script, port], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [socket] = await connected;
    const ended = once(socket.on('error', ignore).resume(), 'close');
    await once(runner.stdout!, 'data');
    runner.kill('SIGKILL');
    await ended;
    listener.close();
  });
});
