/** What others say of our HTTP/2: h2spec, nghttp2's programs and curl. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cached, orMissing, PeerMissing, ROOT, run } from '../interop/peers.ts';
import { fetchHttp2, identity, serveHttp2 } from './http2-ends.ts';

export interface Judge {
  readonly name: string;
  /** What it found good; throws what it did not, and PeerMissing where it is not here. */
  judge(): Promise<string>;
}

/** Where h2spec, which knows RFC 7540, and RFC 9113 disagree. A case that is no longer here is an error as well. */
const OUTDATED: Readonly<Record<string, string>> = {
  'Sends HEADERS frame that depend on itself': 'RFC 9113 §5.3.2 has no dependencies any more',
  'Sends PRIORITY frame that depend on itself': 'RFC 9113 §5.3.2 has no dependencies any more',
};

async function onServer<T>(tls: boolean, octets: number, use: (port: number) => Promise<T>): Promise<T> {
  const listener = await serveHttp2(tls, octets);
  try {
    return await use(listener.address.port);
  } finally {
    await listener.close();
  }
}

async function h2spec(tls: boolean): Promise<string> {
  const source = join(ROOT, 'test/interop/judges/h2spec');
  const directory = await cached('h2spec', source, async (target) => {
    await orMissing('no go command', run('go', ['version']));
    const build = ['build', '-o', join(target, 'h2spec'), 'github.com/summerwind/h2spec/cmd/h2spec'];
    await orMissing('go cannot build h2spec', run('go', build, { cwd: source }));
  });
  return inFolder((folder) =>
    onServer(tls, 2_000, async (port) => {
      const report = join(folder, 'report.xml');
      const words = ['--strict', '-h', '127.0.0.1', '-p', String(port), '-j', report, ...(tls ? ['-t', '-k'] : [])];
      await run(join(directory, 'h2spec'), words).catch(() => undefined); // it fails where a case does: the report says which
      const cases = readFileSync(report, 'utf8').split('<testcase ').slice(1);
      const failed = cases.filter((text) => /<(?:failure|error)\b/.test(text)).map((text) => /classname="([^"]*)"/.exec(text)![1]!);
      const wrong = failed.filter((name) => OUTDATED[name] === undefined);
      const gone = Object.keys(OUTDATED).filter((name) => !failed.includes(name));
      if (wrong.length > 0) throw new Error(`${wrong.length} of ${cases.length} failed: ${wrong.join('; ')}`);
      if (gone.length > 0) throw new Error(`passed, and are written down as outdated: ${gone.join('; ')}`);
      return `${cases.length - failed.length} of ${cases.length} passed; ${failed.map((name) => `'${name}': ${OUTDATED[name]}`).join('; ')}`;
    }),
  );
}

/** A program of this system; its output. */
async function program(name: string, words: readonly string[]): Promise<string> {
  await orMissing(`no ${name} command`, run(name, ['--version']));
  const { stdout } = await run(name, words);
  return String(stdout);
}

function must(holds: boolean, what: string): void {
  if (!holds) throw new Error(what);
}

/** Uploads in padded frames, fields in CONTINUATION, trailers, twenty at once. */
function nghttp(tls: boolean): Promise<string> {
  return inFolder((folder) =>
    onServer(tls, 50_000, async (port) => {
      const upload = join(folder, 'upload');
      writeFileSync(upload, new Uint8Array(300_000));
      const words = [
        '-v',
        '-b',
        '200',
        '--continuation',
        '--trailer',
        'x-check: whole',
        '-m',
        '20',
        '-d',
        upload,
        `${tls ? 'https' : 'http'}://127.0.0.1:${port}/`,
      ];
      const said = await program('nghttp', words);
      const answers = said.match(/x-received: 300000 whole/g)?.length ?? 0;
      must(answers === 20, `${answers} of 20 uploads came whole:\n${said.slice(-2_000)}`);
      const pieces = [...said.matchAll(/recv DATA frame <length=(\d+)/g)].reduce((sum, [, length]) => sum + Number(length), 0);
      must(pieces === 20 * 50_000, `${pieces} octets came back`);
      return '20 uploads of 300,000 octets, padded, with trailers, and 50,000 octets for each';
    }),
  );
}

function h2load(tls: boolean): Promise<string> {
  return onServer(tls, 1_024, async (port) => {
    const said = await program('h2load', ['-n', '20000', '-c', '8', '-m', '100', `${tls ? 'https' : 'http'}://127.0.0.1:${port}/`]);
    must(/20000 succeeded, 0 failed, 0 errored, 0 timeout/.test(said), said);
    return `20,000 requests on 8 connections: ${/[\d.]+ req\/s/.exec(said)?.[0]}`;
  });
}

function curl(tls: boolean): Promise<string> {
  return inFolder((folder) =>
    onServer(tls, 3_000_000, async (port) => {
      const upload = join(folder, 'upload');
      writeFileSync(upload, new Uint8Array(3_000_000));
      const how = tls ? ['--http2', '-k', '--tlsv1.3'] : ['--http2-prior-knowledge'];
      const words = ['-s', '-o', '/dev/null', '-w', '%{http_version} %{http_code} %{size_download} %{size_upload}', '-T', upload];
      const said = await program('curl', [...how, ...words, `${tls ? 'https' : 'http'}://127.0.0.1:${port}/up`]);
      must(said === '2 200 3000000 3000000', said);
      return '3,000,000 octets each way';
    }),
  );
}

/** Our client, and nghttp2's server. */
function nghttpd(tls: boolean): Promise<string> {
  return inFolder(async (folder) => {
    await orMissing('no nghttpd command', run('nghttpd', ['--version']));
    writeFileSync(join(folder, 'file'), new Uint8Array(200_000));
    for (const [name, pem] of Object.entries(identity)) writeFileSync(join(folder, name), pem);
    const port = await freePort();
    const keys = tls ? [join(folder, 'key'), join(folder, 'cert')] : ['--no-tls'];
    const server = spawn('nghttpd', ['-a', '127.0.0.1', '-d', folder, '-b', '50', '--echo-upload', String(port), ...keys], {
      stdio: 'ignore',
    });
    try {
      const ca = tls ? identity.cert : undefined;
      const files = await onceUp(server, () => fetchHttp2(port, '/file', 300, 0, ca));
      must(
        files.every((octets) => octets === 200_000),
        `files of ${[...new Set(files)].join()} octets`,
      );
      const echoes = await fetchHttp2(port, '/echo', 50, 100_000, ca);
      must(
        echoes.every((octets) => octets === 100_000),
        `echoes of ${[...new Set(echoes)].join()} octets`,
      );
      return '300 files of 200,000 octets, padded, and 50 echoes of 100,000';
    } finally {
      server.kill();
    }
  });
}

/** Tries until the program listens. */
async function onceUp<T>(server: ChildProcess, use: () => Promise<T>): Promise<T> {
  for (let attempts = 0; ; attempts++) {
    try {
      return await use();
    } catch (error) {
      if (attempts === 50 || server.exitCode !== null || !String(error).includes('ECONNREFUSED')) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}

async function inFolder<T>(use: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'quiclab-judges-'));
  try {
    return await use(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

export { PeerMissing };

export const HTTP2_JUDGES: readonly Judge[] = [false, true].flatMap((tls) => {
  const over = tls ? 'h2 over TLS' : 'h2 over TCP';
  return Object.entries({ h2spec, nghttp, h2load, curl, nghttpd }).map(([name, judge]) => ({
    name: `${over}, ${name}`,
    judge: () => judge(tls),
  }));
});
