/** A download of QUIC's beside one flow of the kernel's TCP, through a tunnel: the one case for which a UDP relay is not enough. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { PathPlan } from '@quiclab/lab';
import { addressOf, Tunnel } from '@quiclab/lab/tunnel';
import { MILLISECOND } from '@quiclab/sansio';
import { besideTcp, type Shares } from '../tunnel/cross-traffic.ts';
import type { InteropCase } from './cases.ts';
import { differenceFrom, generateFiles } from './files.ts';
import { PeerMissing, ROOT } from './peers.ts';
import { EndedEarly, runClient, startServer } from './programs.ts';
import { RELAY_LATE } from './results.ts';
import type { Ends, Room, Verdict } from './run-case.ts';

/** The path of the other cases. */
const PATH: PathPlan = { delay: 15 * MILLISECOND, rate: 10e6, loss: 0, queue: 25 };
const LATE = 5 * MILLISECOND;

export interface Download {
  readonly shares: Shares;
  /** Why it is worth nothing, or undefined. */
  readonly failure: string | undefined;
}

/**
 * The figure is the median of QUIC's goodput, in kbit/s. Throws PeerMissing where there can be no tunnel.
 * @param packet  octets of the server's full IP packets: TCP's are made as large, since a controller's share goes with its packets
 */
export async function runCrossTraffic(test: InteropCase, ends: Ends, packet: number, room: Room): Promise<Verdict> {
  const tunnel = openTunnel(packet);
  const done: Shares[] = [];
  try {
    while (done.length < test.goodputRuns) {
      const { shares, failure } = await downloadBesideTcp(tunnel, test, ends, room, PATH, done.length + 1);
      if (failure !== undefined) return { outcome: 'failed', detail: failure };
      done.push(shares);
    }
  } catch (error) {
    if (error instanceof EndedEarly) return { outcome: 'failed', detail: error.message };
    throw error;
  } finally {
    tunnel.close();
  }
  const { quic, text } = summary(done);
  return { outcome: 'passed', detail: text, figure: quic };
}

/** Medians in kbit/s, and how late the relay was if that is worth a word. */
export function summary(runs: readonly Shares[]): { readonly quic: number; readonly text: string } {
  const median = (of: (run: Shares) => number): number => Math.round(runs.map(of).sort((a, b) => a - b)[runs.length >> 1]!);
  const all = (of: (run: Shares) => number): string => runs.map((run) => Math.round(of(run))).join(', ');
  const quic = median((run) => run.quic);
  const latest = Math.max(...runs.map(({ lateness }) => lateness.p99));
  const facts = [
    `median ${quic} kbit/s of ${all((run) => run.quic)}`,
    `the kernel's TCP meanwhile ${all((run) => run.tcp)}`,
    `together ${median((run) => run.quic + run.tcp)}`,
    `IP packets of ${median(({ packets }) => packets.quic)} and ${median(({ packets }) => packets.tcp)} octets`,
    ...(latest > LATE ? [`${RELAY_LATE} by ${Math.round(latest / MILLISECOND)} ms (p99)`] : []),
  ];
  return { quic, text: facts.join('; ') };
}

/** One download of the case's files, which come whole or not at all. */
export async function downloadBesideTcp(
  tunnel: Tunnel,
  test: InteropCase,
  ends: Ends,
  room: Room,
  path: PathPlan,
  seed: number,
): Promise<Download> {
  const directory = join(room.directory, `beside-tcp-${seed}`);
  const [root, out] = [join(directory, 'root'), join(directory, 'out')];
  mkdirSync(root, { recursive: true });
  mkdirSync(out);
  const expected = generateFiles(root, test.files, room.random.at(seed).fork('files'));
  const content = test.files.reduce((sum, { octets }) => sum + octets, 0);
  const { cert, key, ca } = room.certificates[test.chain];
  const host = addressOf('server');
  const serves = ['server', '--host', host, '--alpn', test.alpn, '--cert', cert, '--key', key, '--root', root];
  const server = await startServer([...tunnel.command('server'), ...ends.server, ...serves, ...test.serverArguments], ROOT);
  try {
    const asks = ['client', '--alpn', test.alpn, '--ca', ca, '--out', out, '--timeout', `${test.timeout}`, ...test.clientArguments];
    const to = ['--connect', `${host}:${server.port}`, ...test.files.map((file) => `/${file.name}`)];
    const client = [...tunnel.command('client'), ...ends.client, ...asks, ...to];
    const { result, shares } = await besideTcp(tunnel, { path, seed, content }, () =>
      runClient(client, ROOT, (test.timeout + 10) * 1_000, () => {}),
    );
    const problem = result.code === 0 ? differenceFrom(expected, out) : `the client failed: ${result.complaint}`;
    const unread = shares.unread === 0 ? undefined : `${shares.unread} packets were not read in time: this machine was too slow`;
    return { shares, failure: problem ?? unread };
  } finally {
    await server.stop();
  }
}

function openTunnel(tcpPacket: number): Tunnel {
  try {
    return new Tunnel({ tcpPacket });
  } catch (error) {
    throw new PeerMissing((error as Error).message.replaceAll(/\n- /g, ' '));
  }
}
