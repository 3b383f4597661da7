import { RangeSet } from '@quiclab/bytes';
import { Observer, type PacketView } from '@quiclab/quic';
import type { Micros } from '@quiclab/sansio';
import { FrameType } from '@quiclab/wire';

/** At the sender: which octets of the stream each 1-RTT packet carried, three numbers each: packet number, offset, length. And what it was told of. */
export class SenderLog extends Observer {
  readonly carried: number[] = [];
  /** Probe timeouts, not the packets that left because of them. RFC 9002 §6.2. */
  timeouts = 0;

  override packetSent(_now: Micros, { level, packetNumber, frames }: PacketView): void {
    if (level !== 'application') return;
    for (let i = 0; i < frames.length; i++)
      if ((frames.type(i) & ~1) === FrameType.STREAM) this.carried.push(packetNumber, frames.offset(i), frames.size(i));
  }
  override probeTimeout(): void {
    this.timeouts++;
  }
}

/** At the receiver: which 1-RTT packets came. */
export class ReceiverLog extends Observer {
  readonly #came = new RangeSet();

  override packetReceived(_now: Micros, { level, packetNumber }: PacketView): void {
    if (level === 'application') this.#came.add(packetNumber, packetNumber + 1);
  }

  came(packetNumber: number): boolean {
    return this.#came.has(packetNumber);
  }
}

export interface Repairs {
  /** Packets that carried octets which had been sent before. */
  readonly packets: number;
  /** Of them: all that they repeated arrives in an earlier copy, even if later. EXPERIMENTS §4. */
  readonly spurious: number;
  readonly octets: number;
}

/** Of one stream, whose octets are first sent in order. */
export function repairsOf({ carried }: SenderLog, receiver: ReceiverLog): Repairs {
  /** Octets that arrive in the copies looked at so far. */
  const arriving = new RangeSet();
  let packets = 0;
  let spurious = 0;
  let octets = 0;
  let sent = 0;
  for (let i = 0; i < carried.length; ) {
    const packetNumber = carried[i]!;
    const first = i;
    let repeated = 0;
    let inVain = true;
    for (; carried[i] === packetNumber; i += 3) {
      const from = carried[i + 1]!;
      const to = Math.min(from + carried[i + 2]!, sent);
      if (from >= to) continue;
      repeated += to - from;
      inVain &&= arriving.hasAll(from, to);
    }
    if (repeated > 0) {
      packets++;
      octets += repeated;
      if (inVain) spurious++;
    }
    const came = receiver.came(packetNumber);
    for (let j = first; j < i; j += 3) {
      const end = carried[j + 1]! + carried[j + 2]!;
      if (came) arriving.add(carried[j + 1]!, end);
      sent = Math.max(sent, end);
    }
  }
  return { packets, spurious, octets };
}
