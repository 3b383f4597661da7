import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

// A Redis of a test's own: on loopback, with a password, keeping nothing.

const COMMAND = 'redis-server';
export const PASSWORD = 'geheim';

/** Debian's package has the command's name. */
export const redisIsThere = (): boolean => spawnSync(COMMAND, ['--version']).status === 0;

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

const TRIES = 5;

export class RedisServer {
  readonly port: number;
  readonly #dir: string;
  readonly #child: ChildProcess;

  private constructor(port: number, dir: string, child: ChildProcess) {
    this.port = port;
    this.#dir = dir;
    this.#child = child;
  }

  /** @param port  where it was before, if it is to come back */
  static async start(port?: number): Promise<RedisServer> {
    for (let left = port === undefined ? TRIES : 1; left > 0; left--) {
      const server = await RedisServer.#try(port ?? (await freePort())); // somebody else may have it by then
      if (server !== undefined) return server;
    }
    throw new Error(`${COMMAND} does not start`);
  }

  static async #try(port: number): Promise<RedisServer | undefined> {
    const dir = mkdtempSync(join(tmpdir(), 'quiclab-redis-'));
    const keeping = ['--save', '', '--appendonly', 'no', '--dir', dir];
    const child = spawn(COMMAND, ['--bind', '127.0.0.1', '--port', `${port}`, '--requirepass', PASSWORD, ...keeping], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const serves = await new Promise<boolean>((resolve) => {
      let said = '';
      child.stdout!.setEncoding('utf8').on('data', (text: string) => {
        said += text;
        if (said.includes('Ready to accept connections')) resolve(true);
      });
      child.once('exit', () => resolve(false));
    });
    const server = new RedisServer(port, dir, child);
    if (serves) return server;
    rmSync(dir, { recursive: true });
    return undefined;
  }

  get url(): string {
    return `redis://:${PASSWORD}@127.0.0.1:${this.port}`;
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exit = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await exit;
    rmSync(this.#dir, { recursive: true, force: true });
  }
}
