import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { makeCertificate, toPem } from '@quiclab/crypto/node';
import { createClient } from '@quiclab/web';
import { afterAll, afterEach, describe, expect, test } from 'vitest';

const MAIN = fileURLToPath(new URL('../src/main.ts', import.meta.url));
const PROGRAM = ['--import', 'tsx', MAIN, 'gateway'];
const scratch = mkdtempSync(join(tmpdir(), 'quiclab-gateway-'));
afterAll(() => rmSync(scratch, { recursive: true }));

const cleanUp: (() => unknown)[] = [];
afterEach(async () => {
  for (const action of cleanUp.splice(0).reverse()) await action();
});

/** A run that ends by itself. */
const refused = (...args: string[]): Promise<{ code: number; out: string; err: string }> =>
  new Promise((resolve) => {
    execFile(process.execPath, [...PROGRAM, ...args], (error, out, err) =>
      resolve({ code: error === null ? 0 : Number(error.code), out, err }),
    );
  });

interface Running {
  readonly child: ChildProcess;
  readonly secure: string;
  readonly clear: string;
  readonly ended: Promise<{ code: number | null; out: string; err: string }>;
}

/** A gateway that listens. */
async function running(...args: string[]): Promise<Running> {
  const child = spawn(process.execPath, [...PROGRAM, '--port', '0', '--h1-port', '0', ...args]);
  cleanUp.push(() => child.kill('SIGKILL'));
  let out = '';
  let err = '';
  child.stdout.on('data', (piece) => (out += piece));
  const ended = once(child, 'close').then(([code]) => ({ code: code as number | null, out, err }));
  await new Promise<void>((resolve, reject) => {
    child.stderr.on('data', (piece) => {
      err += piece;
      if (/in clear text/.test(err)) resolve();
    });
    void ended.then(() => reject(new Error(err)));
  });
  return { child, secure: /https:\/\/\S+/.exec(err)![0], clear: / (http:\/\/\S+) {2}/.exec(err)![1]!, ended };
}

/** An origin that answers when it is told to; `asked` resolves with the next response to give. */
async function origin(): Promise<{ url: string; asked(): Promise<ServerResponse> }> {
  const waiting: ((response: ServerResponse) => void)[] = [];
  const server = createServer((_request, response) => {
    const next = waiting.shift();
    if (next === undefined) response.end('at once');
    else next(response);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanUp.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked: () => new Promise((resolve) => waiting.push(resolve)),
  };
}

describe('quiclab gateway', () => {
  test('says where it listens, carries requests, writes a line for each, and ends in order', async () => {
    const { url } = await origin();
    const { child, secure, clear, ended } = await running('--origin', url, '--via', 'mine', '--forwarded', 'both');
    const response = await fetch(`${clear}/x`);
    expect([response.status, await response.text(), response.headers.get('via')]).toEqual([200, 'at once', '1.1 mine']);
    await using client = createClient({ verify: false });
    expect(await (await client.fetch(`${secure}/y`)).text()).toBe('at once');
    child.kill('SIGTERM');
    const { code, out, err } = await ended;
    expect([code, err.split('\n')[0]]).toEqual([0, `mine in front of ${url}, which is asked over HTTP/1.1`]);
    const lines = out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    const requests = lines.filter(({ request }) => request !== undefined); // HTTP/3: when the client has acknowledged it
    expect(requests.map(({ msg, front, status }) => [msg, front, status])).toEqual([
      ['complete', 'HTTP/1.1', 200],
      ['complete', 'HTTP/3', 200],
    ]);
    expect(lines.at(-1)).toMatchObject({ msg: 'closed', brokenOff: 0 });
  });

  test('SIGINT lets what is under way finish: the exit code is 0', async () => {
    const { url, asked } = await origin();
    const { child, clear, ended } = await running('--origin', url, '--log-level', 'silent');
    const coming = asked();
    const answer = fetch(clear).then((response) => response.text());
    const response = await coming;
    child.kill('SIGINT');
    await once(child.stderr!, 'data');
    await expect(fetch(clear)).rejects.toThrow(); // nothing new
    response.end('finished');
    expect(await answer).toBe('finished');
    const { code, out } = await ended;
    expect([code, out]).toEqual([0, '']);
  });

  test('what takes longer than --grace is broken off, and the exit code says so', async () => {
    const { url, asked } = await origin();
    const { child, clear, ended } = await running('--origin', url, '--grace', '50ms', '--log-level', 'silent');
    const coming = asked();
    const answer = fetch(clear).then((response) => response.text());
    const failed = expect(answer).rejects.toThrow();
    await coming;
    child.kill('SIGTERM');
    await failed;
    const { code, err } = await ended;
    expect(code).toBe(1);
    expect(err).toContain('SIGTERM: requests under way: 1\nbroken off: 1\n');
  });

  test('a second signal ends it at once', async () => {
    const { url, asked } = await origin();
    const { child, clear, ended } = await running('--origin', url);
    const coming = asked();
    const failed = expect(fetch(clear)).rejects.toThrow();
    await coming;
    child.kill('SIGTERM');
    await once(child.stderr!, 'data');
    child.kill('SIGTERM');
    await failed;
    expect((await ended).code).toBe(143);
  });

  test('a certificate of one’s own, for clients and of the origin', async () => {
    const now = Date.now() * 1000;
    const made = makeCertificate({ names: ['127.0.0.1'], keyType: 'p256', notBefore: now - 60e6, notAfter: now + 3600e6 });
    const [cert, key] = [join(scratch, 'cert.pem'), join(scratch, 'key.pem')];
    writeFileSync(cert, toPem('CERTIFICATE', made.certificate));
    writeFileSync(key, toPem('PRIVATE KEY', made.privateKey));
    const { url } = await origin();
    const inner = await running('--origin', url, '--cert', cert, '--key', key, '--listen', 'h2');
    const outer = await running('--origin', inner.secure, '--back', 'h2', '--origin-ca', cert);
    expect(await (await fetch(outer.clear)).text()).toBe('at once');
    expect(await (await fetch((await running('--origin', inner.secure, '--back', 'h2')).clear)).text()).toContain(
      'certificate is not trusted',
    );
  });
});

describe('wrong arguments are said to be wrong, and cost no stack trace', () => {
  const sane = ['--origin', 'http://127.0.0.1:9'];
  const cases: [string[], RegExp][] = [
    [[], /required option '--origin <url>'/],
    [['--origin', 'localhost'], /'localhost' is no URL; an origin is something like http:\/\/localhost:3000/],
    [[...sane, '--listen', 'h1,h4'], /'h4' is none of h1, h2, h3/],
    [[...sane, '--cert', '/nowhere.pem'], /--cert: there is no file '\/nowhere.pem'/],
    [[...sane, '--cert', MAIN], /--cert: '.*main\.ts' is no PEM/],
    [[...sane, '--origin-ca', MAIN], /--origin-ca: '.*main\.ts' is no PEM/],
    [['--origin', 'localhost:3000'], /'localhost:3000' is no URL; an origin is something like http:\/\/localhost:3000/],
    [['--orign', 'http://127.0.0.1:9'], /unknown option '--orign' \(Did you mean --origin\?\)/],
    [[...sane, '--host', '192.0.2.1'], /192\.0\.2\.1:\d+ is no address of this machine/],
  ];
  test.each(cases)('%j', async (args, expected) => {
    const { code, out, err: said } = await refused(...args);
    const err = said.replace('\n(Did you', ' (Did you'); // commander has its suggestion on a line of its own
    expect([code, out, err.startsWith('error: '), err.trim().split('\n').length]).toEqual([1, '', true, 1]);
    expect(err).toMatch(expected);
  });

  test('a port that is in use', async () => {
    const other = createTcpServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    cleanUp.push(() => other.close());
    const { port } = other.address() as AddressInfo;
    const { code, err } = await refused(...sane, '--port', `${port}`);
    expect([code, err]).toEqual([1, `error: 127.0.0.1:${port} is in use (EADDRINUSE); --port and --h1-port take another one\n`]);
  });
});
