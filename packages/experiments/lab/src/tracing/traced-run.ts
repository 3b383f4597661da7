import { nodeProvider } from '@quiclab/crypto/node';
import type { Policies } from '@quiclab/quic';
import { Capture, type Dialect, KeyLogObserver, keyLogLine, networkQlog, QlogObserver, TeeObserver } from '@quiclab/trace';
import { TeeWatch } from '../observe/tee-watch.ts';
import type { RunRecord } from '../record.ts';
import { VERSION } from '../version.ts';
import { runSimulated, type SimulatedRun } from '../worlds/simulated.ts';
import { CapturedLink } from './captured-link.ts';

/** A file of traces, in pieces. */
export interface TraceFile {
  readonly name: string;
  readonly pieces: Iterable<string | Uint8Array>;
}

export interface TracedRun {
  readonly record: RunRecord | undefined;
  /** Why there is no record; '' where there is one. What happened until then is in the files all the same. */
  readonly failure: string;
  readonly files: readonly TraceFile[];
}

const SIDES = ['client', 'server'] as const;
type Side = (typeof SIDES)[number];

export interface TraceOptions {
  /** Of the connections' qlogs. */
  readonly dialect: Dialect;
  /** At which ends. */
  readonly at: readonly Side[];
}

/** A simulated run that is watched, for whoever makes it. */
export interface Tracing {
  readonly run: SimulatedRun;
  /** What was seen of it until now. */
  files(): TraceFile[];
}

/** A simulated run with all that can be seen of it, made. */
export function tracedRun(run: SimulatedRun, options: TraceOptions): TracedRun {
  const tracing = traced(run, options);
  let record: RunRecord | undefined;
  let failure = '';
  try {
    record = runSimulated(tracing.run);
  } catch (error) {
    failure = error instanceof Error ? error.message : String(error);
  }
  return { record, failure, files: tracing.files() };
}

/**
 * Has a simulated run watched wherever it can be: qlog of each QUIC connection and end (`client.sqlog`, `client-2.sqlog` …) and of the links
 * (`network.sqlog`), and a capture at each end with the secrets inside (`client.pcapng`). Its packets are protected as real ones are, whatever the run says;
 * nothing else of it changes.
 */
export function traced(run: SimulatedRun, { dialect, at }: TraceOptions): Tracing {
  if (run.watch !== undefined) throw new Error('a run that is traced has watches of its own');
  const title = `${run.model}, seed ${run.seed}`;
  const qlogs: TraceFile[] = [];
  const captures = Object.fromEntries(
    SIDES.map((side) => [side, new Capture({ name: side, description: `simulated, ${title}`, application: `quiclab ${VERSION}` })]),
  ) as Record<Side, Capture>;
  const networkPieces: string[] = [];
  const network = networkQlog({ title, write: (record) => networkPieces.push(record) });
  const secret = (line: string): void => {
    for (const side of SIDES) captures[side].secret(line);
  };
  const observer =
    (side: Side, counted: { connections: number }): Policies['observer'] =>
    ({ originalId }) => {
      const nth = ++counted.connections;
      const pieces: string[] = [];
      if (at.includes(side)) qlogs.push({ name: nth === 1 ? `${side}.sqlog` : `${side}-${nth}.sqlog`, pieces });
      const qlog = new QlogObserver({
        side,
        originalId,
        dialect,
        title,
        write: (record) => pieces.push(record),
      });
      return side === 'client' ? new TeeObserver([qlog, new KeyLogObserver(secret)]) : qlog;
    };
  return {
    run: {
      ...run,
      ends: { ...run.ends, crypto: nodeProvider },
      observers: { client: observer('client', { connections: 0 }), server: observer('server', { connections: 0 }) },
      tlsSecrets: (...told) => secret(`${keyLogLine(...told)}\n`),
      watch: {
        up: new TeeWatch([network.up, new CapturedLink('up', captures.client, captures.server)]),
        down: new TeeWatch([network.down, new CapturedLink('down', captures.server, captures.client)]),
      },
    },
    files: () => [
      ...qlogs.sort((a, b) => (a.name < b.name ? -1 : 1)),
      { name: 'network.sqlog', pieces: networkPieces },
      ...at.map((side) => ({ name: `${side}.pcapng`, pieces: captures[side].blocks() })),
    ],
  };
}
