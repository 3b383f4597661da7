import { toHex } from '@quiclab/bytes';
import { flowOf, REQUEST, RESPONSE, RunLog, type RunLogColumns } from '@quiclab/ledger';
import type { Address, Micros } from '@quiclab/sansio';
import { Carried } from './carried.ts';
import type { DatagramWatch } from './datagram-watch.ts';

/**
 * What is noted of a run while it goes on: by both ends, where they are in one process, or by one of them. Connections are numbered as they
 * came up; what the two ends of a connection both know it by is its key, so that what two processes noted can be put together.
 */
export class RunNotes {
  readonly log = new RunLog();
  /** By direction: which packets each datagram on the path carried. */
  readonly carried: readonly [up: Carried, down: Carried];
  readonly keys: string[] = [];
  readonly clock: () => Micros;
  /** By direction: who else is told what leaves. */
  readonly watches: readonly [up: DatagramWatch | undefined, down: DatagramWatch | undefined];

  /** @param counts  nobody tells what enters the links: the nth datagram of an end is taken for the nth that enters */
  constructor(clock: () => Micros, counts = false, watch?: { readonly up: DatagramWatch; readonly down: DatagramWatch }) {
    this.clock = clock;
    this.watches = [watch?.up, watch?.down];
    this.carried = [new Carried(counts), new Carried(counts)];
  }

  /** The number of a connection; a new one where the key is new. */
  numberOf(key: string): number {
    const known = this.keys.indexOf(key);
    return known >= 0 ? known : this.keys.push(key) - 1;
  }

  /** As JSON. */
  part(): NotesPart {
    return { keys: this.keys, log: this.log, carried: { up: this.carried[REQUEST].rows, down: this.carried[RESPONSE].rows } };
  }
}

/** What one process has noted. */
export interface NotesPart {
  readonly keys: readonly string[];
  readonly log: RunLogColumns & { readonly end: Micros };
  /** By link, rows as in Carried. */
  readonly carried: { readonly up: readonly number[]; readonly down: readonly number[] };
}

/** Puts together what both processes noted, with the numbers that connections have at the client. */
export function joinNotes(client: NotesPart, server: NotesPart): { readonly log: RunLog; readonly carried: NotesPart['carried'] } {
  const log = new RunLog();
  log.append(client.log);
  const numbers = server.keys.map((key) => client.keys.indexOf(key));
  log.append(server.log, numbers);
  const down = server.carried.down.map((value, i) => (i % 3 === 1 ? flowOf(numbers[Math.floor(value / 2)]!, RESPONSE) : value));
  return { log, carried: { up: client.carried.up, down } };
}

/** What both ends know a QUIC connection by. */
export const quicKey = ({ originalId }: { readonly originalId: Uint8Array }): string => toHex(originalId);

/** And a TCP connection: the client's address. */
export const tcpKey = ({ host, port }: Address): string => `${host}:${port}`;
