import { fixedWindow } from '@quiclab/congestion';
import { nullProtection } from '@quiclab/crypto';
import { nodeProvider } from '@quiclab/crypto/node';
import { bernoulli, type Judge, listed } from '@quiclab/impair';
import { ledgerOf, type ModelName, PARITY_PROFILE, type Profile, type RunRecord, runSimulated } from '@quiclab/lab';
import { directionOf, RESPONSE } from '@quiclab/ledger';
import { MILLISECOND, type Micros } from '@quiclab/sansio';
import { roundRobinByPacket, type StreamScheduler } from '@quiclab/streams';
import { definePage } from '@quiclab/workload';

// How many octets come in time but are late for whoever reads, since an earlier one was lost: what streams of their own are worth where
// it can be worked out. N equal objects, a window that nothing changes, equal packets, parity otherwise. EXPERIMENTS §1, §4.

const crypto = nullProtection(nodeProvider);
const CONTENT = new Uint8Array(1 << 27);
const STREAM_OCTETS = 1_168; // of a full packet, in either transport

export interface Scene {
  readonly model: ModelName;
  readonly objects: number;
  /** Packets that may be in flight. */
  readonly window: number;
  /** Packets that carry the objects, all together. */
  readonly packets: number;
  readonly scheduler?: () => StreamScheduler;
}

const withWindow = (packets: number, scheduler: () => StreamScheduler): Profile => {
  const { quic, tcp } = PARITY_PROFILE;
  return {
    ...PARITY_PROFILE,
    scheduler,
    quic: { ...quic, policies: { ...quic.policies, congestion: ({ maxDatagramSize }) => fixedWindow(packets * maxDatagramSize) } },
    tcp: { ...tcp, policies: { ...tcp.policies, congestion: ({ maxSegmentSize }) => fixedWindow(packets * maxSegmentSize) } },
  };
};

function run({ model, objects, window, packets, scheduler = () => roundRobinByPacket() }: Scene, seed: number, loss?: Judge): RunRecord {
  const size = Math.floor(packets / objects) * STREAM_OCTETS;
  const delay = 25 * MILLISECOND;
  return runSimulated({
    model,
    seed,
    page: definePage({ name: 'equal', objects: Array.from({ length: objects }, (_, i) => ({ path: `/${i}`, size })) }),
    source: () => CONTENT.subarray(0, size),
    links: { up: { delay }, down: { delay, ...(loss && { loss }) } },
    profile: withWindow(window, scheduler),
    ends: { crypto },
  });
}

/** Octets that arrived, and of those the ones that became deliverable only later. */
export function lateShare(scene: Scene, p: number, seed: number): { readonly late: number; readonly all: number; readonly sent: number } {
  const record = run(scene, seed, bernoulli(p));
  let late = 0;
  let all = 0;
  for (const { bytes, lateBytes, carrier } of ledgerOf(record).exchanges()) {
    if (directionOf(carrier) !== RESPONSE) continue;
    late += lateBytes;
    all += bytes;
  }
  return { late, all, sent: record.down.entered };
}

/** L: packets that arrive between a lost packet's slot and its repair, with exactly the nth of the way down lost. */
export function packetsBetween(scene: Scene, lost: number): number {
  const base = arrivals(run(scene, 1));
  const changed = arrivals(run(scene, 1, listed(lost)));
  // the first arrival that differs is that of the packet behind the hole; what came for the hole fills it
  const at = base.findIndex((arrival, i) => key(arrival) !== key(changed[i]!));
  const [, carrier, offset] = base[at]!;
  const repair = changed.findIndex(([, c, o], i) => i >= at && c === carrier && o === offset);
  if (at < 0 || repair < 0) throw new Error(`packet ${lost} carried nothing of the objects, or was not repaired`);
  return repair - at;
}

type Arrival = readonly [at: Micros, carrier: number, offset: number, length: number];
const key = ([, carrier, offset, length]: Arrival): string => `${carrier} ${offset} ${length}`;

function arrivals({ log: { receipts } }: RunRecord): Arrival[] {
  const found: Arrival[] = [];
  for (let i = 0; i < receipts.length; i += 4)
    if (directionOf(receipts[i + 1]!) === RESPONSE) found.push([receipts[i]!, receipts[i + 1]!, receipts[i + 2]!, receipts[i + 3]!]);
  return found;
}
