/** One case between two programs: files made, server and client started, everything through the relay, and what arrived looked at. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Micros, Random } from '@quiclab/sansio';
import type { InteropCase } from './cases.ts';
import type { CertificateFiles } from './certificate.ts';
import { Evidence } from './evidence.ts';
import { differenceFrom, generateFiles } from './files.ts';
import { freePort } from './free-port.ts';
import { loopback, type OpenPath, openPath, openSecondPath, type PathWatcher } from './path.ts';
import { PcapWriter } from './pcap.ts';
import type { Program } from './peers.ts';
import { ROOT } from './peers.ts';
import { EndedEarly, type Finished, type RunningServer, runClient, startServer } from './programs.ts';
import {
  FEWEST_FOR_QUANTILES,
  type HandshakeTimes,
  handshakeTimes,
  type Outcome,
  RELAY_LATE,
  type Role,
  UNSUPPORTED_BY_CLIENT,
  UNSUPPORTED_BY_SERVER,
} from './results.ts';
import { inspect } from './tshark.ts';

export interface Verdict {
  readonly outcome: Outcome;
  readonly detail: string;
  /** In kbit/s, where the case asks for it. */
  readonly figure?: number;
  /** Where there were enough of them. */
  readonly handshakes?: HandshakeTimes;
}

export interface Room {
  /** Empty, and this run's own. */
  readonly directory: string;
  readonly certificates: { readonly short: CertificateFiles; readonly long: CertificateFiles };
  readonly random: Random;
  /** Where to write the datagrams that entered the relay. */
  readonly pcap?: string;
  readonly keyLog?: { readonly of: Role; readonly file: string };
}

export interface Ends {
  readonly client: Program;
  readonly server: Program;
}

/** The exit code by which a program says that it does not do what is asked, as in the QUIC interop runner. */
const UNSUPPORTED = 127;

/** What one run of a case came to. */
interface Run {
  readonly client: Finished;
  readonly server: Finished;
  readonly evidence: Evidence;
  /** Why the files are not what they should be, or undefined when they are. */
  readonly difference: string | undefined;
  readonly seconds: number;
  /** How late the relay was. */
  readonly lateness: Micros;
}

/** What timers cannot do better is not worth a word. */
const LATE: Micros = 5_000;

/** @param ours  the end whose secrets Wireshark may have */
export async function runCase(test: InteropCase, ends: Ends, ours: Role, room: Room): Promise<Verdict> {
  const dissects = test.requirements.some((requirement) => requirement.dissects);
  const pcap = room.pcap ?? (dissects ? join(room.directory, 'connection.pcap') : undefined);
  const keyLog = room.keyLog ?? { of: ours, file: join(room.directory, 'keys.log') };
  const figures: number[] = [];
  let lateness = 0;
  let verdict: Verdict;
  do {
    const directory = join(room.directory, `run-${figures.length}`);
    const random = room.random.at(figures.length);
    let run: Run;
    try {
      run = await runOnce(test, ends, { ...room, directory, random, keyLog, ...(pcap === undefined ? {} : { pcap }) });
    } catch (error) {
      if (!(error instanceof EndedEarly)) throw error;
      if (error.code === UNSUPPORTED) return { outcome: 'unsupported', detail: `${UNSUPPORTED_BY_SERVER}: ${error.complaint}` };
      return { outcome: 'failed', detail: error.message };
    }
    if (dissects && run.client.code === 0) run.evidence.dissected = await inspect(pcap!, keyLog.file);
    verdict = judge(test, run);
    if (verdict.outcome !== 'passed') return verdict;
    lateness = Math.max(lateness, run.lateness);
    figures.push(run.evidence.goodput(test.files.reduce((sum, { octets }) => sum + octets, 0)));
  } while (figures.length < test.goodputRuns);
  if (test.goodputRuns === 0) return verdict;
  const inOrder = figures.map(Math.round).sort((a, b) => a - b);
  const figure = inOrder[inOrder.length >> 1];
  return { outcome: 'passed', detail: [`median ${figure} kbit/s of ${inOrder.join(', ')}`, ...late(lateness)].join('; '), figure };
}

async function runOnce(test: InteropCase, ends: Ends, room: Room): Promise<Run> {
  const root = join(room.directory, 'root');
  const out = join(room.directory, 'out');
  mkdirSync(root, { recursive: true });
  mkdirSync(out);
  const expected = generateFiles(root, test.files, room.random.fork('files'));
  const evidence = new Evidence();
  const capture = room.pcap === undefined ? undefined : new PcapWriter(room.pcap);
  const flood = new AbortController();
  const watcher: PathWatcher = {
    entered: (now, direction, client, datagram, entrance) => {
      evidence.entered(now, direction, client.port, datagram, entrance);
      if (evidence.flooded) flood.abort();
      else capture?.write(now, direction, client.port, datagram);
    },
    arrived: (now, direction, datagram) => evidence.arrived(now, direction, datagram),
  };
  const keyLog = (role: Role) => (room.keyLog?.of === role ? ['--keylog', room.keyLog.file] : []);
  const { cert, key, ca } = room.certificates[test.chain];
  const plan = test.path();
  const host = loopback(plan);

  const opened: OpenPath[] = [];
  let server: RunningServer | undefined;
  try {
    const serverArguments = ['--host', host, '--alpn', test.alpn, '--cert', cert, '--key', key, '--root', root, ...keyLog('server')];
    if (plan.preferredAddress) {
      const port = await freePort(host);
      opened.push(await openSecondPath(port, plan, room.random.fork('second-path'), watcher));
      serverArguments.push('--port', `${port}`, '--preferred', `${host}:${opened[0].address.port}`);
    }
    server = await startServer([...ends.server, 'server', ...serverArguments, ...test.serverArguments], ROOT);
    const path = await openPath(server.port, plan, room.random.fork('path'), watcher);
    opened.push(path);

    const handshakes: number[] = [];
    const clientArguments = ['--alpn', test.alpn, '--ca', ca, '--out', out, '--timeout', `${test.timeout}`, ...keyLog('client')];
    const to = ['--connect', plan.ipv6 ? `[${host}]:${path.address.port}` : `${host}:${path.address.port}`];
    const paths = test.files.map((file) => `/${file.name}`);
    const startedAt = performance.now();
    const client = await runClient(
      [...ends.client, 'client', ...clientArguments, ...to, ...test.clientArguments, ...paths],
      ROOT,
      (test.timeout + 10) * 1000,
      (line) => {
        const match = /^handshake ([\d.]+)$/.exec(line);
        if (match !== null) handshakes.push(Number(match[1]));
      },
      flood.signal,
    );
    evidence.handshakes = handshakes;
    const seconds = (performance.now() - startedAt) / 1000;
    const lateness = Math.max(...opened.map((one) => one.lateness()));
    return { client, server: await server.stop(), evidence, difference: differenceFrom(expected, out), seconds, lateness };
  } finally {
    await server?.stop();
    for (const path of opened) await path.close();
    capture?.close();
  }
}

/** Above ten milliseconds the relay knows no quantiles, only the worst. */
function late(lateness: Micros): string[] {
  if (lateness < LATE) return [];
  const milliseconds = Math.round(lateness / 1000);
  const how =
    milliseconds > 10 ? `by over 10 ms for a hundredth of the datagrams, at worst by ${milliseconds} ms` : `by ${milliseconds} ms (p99)`;
  return [`${RELAY_LATE} ${how}`];
}

function judge(test: InteropCase, { client, server, evidence, difference, seconds, lateness }: Run): Verdict {
  if (client.code === UNSUPPORTED) return { outcome: 'unsupported', detail: `${UNSUPPORTED_BY_CLIENT}: ${client.complaint}` };
  if (server.code === UNSUPPORTED) return { outcome: 'unsupported', detail: `${UNSUPPORTED_BY_SERVER}: ${server.complaint}` };
  const gaveUp = test.mayEndWithout && client.code === 1;
  const problems = [
    client.code === 0 || gaveUp ? undefined : `the client failed: ${client.complaint}`,
    gaveUp ? undefined : difference,
    evidence.flooded ? `${evidence.datagrams.up} datagrams went up and ${evidence.datagrams.down} down: a flood` : undefined,
    ...(client.code === 0 || gaveUp ? test.requirements.map((requirement) => requirement.against(evidence)) : []),
  ].filter((problem) => problem !== undefined);
  if (problems.length > 0 && gaveUp) problems.push(`the client gave up: ${client.complaint}`);
  if (problems.length > 0 && server.complaint !== '') problems.push(`the server said: ${server.complaint}`);
  if (problems.length > 0) problems.push(...late(lateness));
  if (problems.length > 0) return { outcome: 'failed', detail: problems.join('; ') };
  const { up, down } = evidence.datagrams;
  const facts = [`${seconds.toFixed(1)} s, ${up} datagrams up, ${down} down`, ...late(lateness)];
  if (gaveUp) facts.unshift(`the client gave up: ${client.complaint}`);
  if (evidence.handshakes.length < FEWEST_FOR_QUANTILES) return { outcome: 'passed', detail: facts.join('; ') };
  const handshakes = handshakeTimes(evidence.handshakes);
  facts.push(`${handshakes.count} handshakes, median ${handshakes.median.toFixed(2)} s, p99 ${handshakes.p99.toFixed(2)} s`);
  return { outcome: 'passed', detail: facts.join('; '), handshakes };
}
