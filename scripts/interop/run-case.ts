/** One case between two programs: files made, server and client started, everything through the relay, and what arrived looked at. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Random } from '@quiclab/sansio';
import type { InteropCase } from './cases.ts';
import type { CertificateFiles } from './certificate.ts';
import { Evidence } from './evidence.ts';
import { differenceFrom, generateFiles } from './files.ts';
import { openPath } from './path.ts';
import { PcapWriter } from './pcap.ts';
import type { Program } from './peers.ts';
import { ROOT } from './peers.ts';
import { type RunningServer, runClient, startServer } from './programs.ts';
import type { Outcome } from './results.ts';

export interface Verdict {
  readonly outcome: Outcome;
  readonly detail: string;
}

export interface Room {
  /** Empty, and this run's own. */
  readonly directory: string;
  readonly certificate: CertificateFiles;
  readonly random: Random;
  /** Where to write the datagrams that entered the relay. */
  readonly pcap?: string;
  readonly keyLog?: { readonly of: 'client' | 'server'; readonly file: string };
}

/** The exit code by which a program says that it does not do what is asked, as in the QUIC interop runner. */
const UNSUPPORTED = 127;

export async function runCase(test: InteropCase, ends: { client: Program; server: Program }, room: Room): Promise<Verdict> {
  const root = join(room.directory, 'root');
  const out = join(room.directory, 'out');
  mkdirSync(root, { recursive: true });
  mkdirSync(out);
  const expected = generateFiles(root, test.files, room.random.fork('files'));
  const evidence = new Evidence();
  const capture = room.pcap === undefined ? undefined : new PcapWriter(room.pcap);
  const keyLog = (role: 'client' | 'server') => (room.keyLog?.of === role ? ['--keylog', room.keyLog.file] : []);
  const { cert, key } = room.certificate;

  const serverCommand = [...ends.server, 'server', '--alpn', test.alpn, '--cert', cert, '--key', key, '--root', root];
  let server: RunningServer;
  try {
    server = await startServer([...serverCommand, ...keyLog('server'), ...test.serverArguments], ROOT);
  } catch (error) {
    return { outcome: 'failed', detail: (error as Error).message };
  }
  const path = await openPath(server.port, test.link, room.random.fork('path'), (now, direction, client, datagram) => {
    evidence.note(direction, datagram);
    capture?.write(now, direction, client.port, datagram);
  });
  try {
    const clientCommand = [...ends.client, 'client', '--alpn', test.alpn, '--ca', cert, '--out', out, '--timeout', `${test.timeout}`];
    const to = ['--connect', `127.0.0.1:${path.address.port}`];
    const paths = test.files.map((file) => `/${file.name}`);
    const startedAt = performance.now();
    const client = await runClient(
      [...clientCommand, ...to, ...keyLog('client'), ...test.clientArguments, ...paths],
      ROOT,
      (test.timeout + 10) * 1000,
    );
    const seconds = (performance.now() - startedAt) / 1000;
    const ended = await server.stop();
    if (client.code === UNSUPPORTED) return { outcome: 'unsupported', detail: `the client says so: ${client.complaint}` };
    if (ended.code === UNSUPPORTED) return { outcome: 'unsupported', detail: `the server says so: ${ended.complaint}` };
    const problems = [
      client.code === 0 ? undefined : `the client failed: ${client.complaint}`,
      differenceFrom(expected, out),
      ...test.requirements.map((requirement) => evidence.against(requirement)),
    ].filter((problem) => problem !== undefined);
    if (problems.length > 0 && ended.complaint !== '') problems.push(`the server said: ${ended.complaint}`);
    if (problems.length > 0) return { outcome: 'failed', detail: problems.join('; ') };
    const { up, down } = evidence.datagrams;
    return { outcome: 'passed', detail: `${seconds.toFixed(1)} s, ${up} datagrams up, ${down} down` };
  } finally {
    await server.stop();
    await path.close();
    capture?.close();
  }
}
