import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer, connect as netConnect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { latin1 } from '@quiclab/bytes';
import { nodeProvider, systemRandom, toPem } from '@quiclab/crypto/node';
import { afterEach, describe, expect, test } from 'vitest';
import { clientHandshake, serverHandshake, ticketKeeper } from '../src/index.ts';
import type { TlsStreamOptions } from '../src/record/index.ts';
import { identities, NOW, root } from './certificates.ts';
import { OnSocket } from './record-socket.ts';

const missing = spawnSync('openssl', ['version']).status !== 0;
const WHY = missing ? ' (skipped: there is no openssl command)' : '';
const { certificate, privateKey } = identities.p256;

const open: (() => unknown)[] = [];
afterEach(() => {
  for (const close of open.splice(0)) close();
});

function directory(): string {
  const path = mkdtempSync(join(tmpdir(), 'quiclab-openssl-'));
  open.push(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** OpenSSL's test programs, and what they say. */
class OpenSsl {
  readonly process: ChildProcessWithoutNullStreams;
  output = '';
  #changed: () => void = () => {};

  constructor(...args: string[]) {
    this.process = spawn('openssl', args);
    open.push(() => this.process.kill('SIGKILL'));
    for (const stream of [this.process.stdout, this.process.stderr])
      stream.on('data', (data: Buffer) => {
        this.output += data.toString('latin1');
        this.#changed();
      });
  }

  async says(text: string): Promise<void> {
    while (!this.output.includes(text)) await new Promise<void>((resolve) => (this.#changed = resolve));
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

describe.skipIf(missing)(`records, with OpenSSL at the other end${WHY}`, () => {
  test('our client sends early data, which is taken (RFC 9846 §2.3, §4.5)', async () => {
    const here = directory();
    writeFileSync(join(here, 'cert.pem'), toPem('CERTIFICATE', certificate));
    writeFileSync(join(here, 'key.pem'), toPem('PRIVATE KEY', privateKey));
    const port = await freePort();
    const server = new OpenSsl(
      ...['s_server', '-accept', `127.0.0.1:${port}`, '-cert', join(here, 'cert.pem'), '-key', join(here, 'key.pem')],
      ...['-alpn', 'h2', '-early_data'],
    );
    await server.says('ACCEPT');
    const connect = async (options: Partial<TlsStreamOptions>): Promise<OnSocket> => {
      const socket = netConnect(port, '127.0.0.1');
      open.push(() => socket.destroy());
      await once(socket, 'connect');
      const handshake = clientHandshake({ provider: nodeProvider, trust: { ca: [root] } });
      return new OnSocket(socket, { side: 'client', serverName: 'server.example', alpn: ['h2'], handshake, ...options });
    };
    const first = await connect({});
    const { data: session } = await first.event('session');
    first.stream.finish(NOW);
    const second = await connect({ session, earlyData: true });
    second.send('before anything is agreed\n');
    expect(await second.event('secured')).toMatchObject({ resumed: true, earlyData: 'accepted' });
    second.send('and after\n');
    await server.says('before anything is agreed');
    await server.says('and after');
  });

  test('our server takes early data, and answers it; keys are updated as the client asks (RFC 9846 §4.5, §4.6.3)', async () => {
    const here = directory();
    writeFileSync(join(here, 'early'), 'early words');
    const tickets = ticketKeeper({ provider: nodeProvider, random: systemRandom });
    const handshake = serverHandshake({ provider: nodeProvider, certificates: [certificate], privateKey, tickets, earlyData: true });
    const ends: OnSocket[] = [];
    const listening = createServer({ allowHalfOpen: true }, (socket) => {
      open.push(() => socket.destroy());
      const end = new OnSocket(socket, { side: 'server', serverName: '', alpn: ['h2'], handshake });
      end.onData = (text) => void end.stream.write(NOW, latin1(`<${text.trim()}>`));
      ends.push(end);
    }).listen(0, '127.0.0.1');
    await once(listening, 'listening');
    open.push(() => listening.close());
    const to = ['-connect', `127.0.0.1:${(listening.address() as AddressInfo).port}`, '-servername', 'server.example', '-alpn', 'h2'];

    const first = new OpenSsl('s_client', ...to, '-sess_out', join(here, 'session'));
    await first.says('Verify return code');
    first.process.stdin.write('K\n');
    await first.says('KEYUPDATE');
    first.process.stdin.write('under new keys\n');
    await first.says('<under new keys>');
    first.process.stdin.end();
    await once(first.process, 'exit');

    const second = new OpenSsl('s_client', ...to, '-sess_in', join(here, 'session'), '-early_data', join(here, 'early'));
    await second.says('<early words>');
    await second.says('Early data was accepted');
    expect(await ends[1]!.event('secured')).toMatchObject({ resumed: true, earlyData: 'accepted' });
    second.process.stdin.write('late words\n');
    await second.says('<late words>');
  });
});
