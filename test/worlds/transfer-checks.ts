import { RangeSet } from '@quiclab/bytes';
import type { AckSummary, CongestionController, LossSummary, RttView } from '@quiclab/congestion';
import { Observer, type PacketView } from '@quiclab/quic';
import type { Micros } from '@quiclab/sansio';
import { FrameType } from '@quiclab/wire';

type Side = 'client' | 'server';

/** Watches one end: what is sent keeps to the credit that came, and every octet arrives once. RFC 9000 §2.2, §4.1. */
export class TransferCheck {
  readonly #side: Side;
  /** What we may send: until the peer's first MAX_… comes, what its transport parameters say, which are the same for both ends. */
  readonly #streamCredit: number;
  readonly #streamLimits = new Map<number, number>();
  #connectionLimit: number;
  /** Highest offset sent, by stream, and their sum. */
  readonly #sent = new Map<number, number>();
  #sentInAll = 0;
  readonly #arrived = new Map<number, RangeSet>();

  constructor(side: Side, streamCredit: number, connectionCredit: number) {
    this.#side = side;
    this.#streamCredit = streamCredit;
    this.#connectionLimit = connectionCredit;
  }

  /** An observer for the one connection that there is. */
  watching(flight: FlightCheck): Observer {
    const check = this;
    return new (class extends Observer {
      override packetSent(_now: Micros, packet: PacketView): void {
        eachFrame(packet, (type, id, offset, size) => {
          if ((type & ~1) === FrameType.STREAM) check.#onSent(id, offset + size);
        });
      }
      override packetReceived(_now: Micros, packet: PacketView): void {
        eachFrame(packet, (type, id, limit) => {
          if (type === FrameType.MAX_STREAM_DATA) check.#streamLimits.set(id, Math.max(limit, check.#streamLimit(id)));
          else if (type === FrameType.MAX_DATA) check.#connectionLimit = Math.max(limit, check.#connectionLimit);
        });
      }
      override streamArrived(_now: Micros, id: number, offset: number, length: number): void {
        check.#onArrived(id, offset, offset + length);
      }
      override keysDiscarded(): void {
        flight.forget();
      }
    })();
  }

  /** What arrived is, stream by stream, exactly the octets that the application got. */
  checkArrived(read: ReadonlyMap<number, number>): void {
    for (const [id, octets] of read) {
      const arrived = this.#arrived.get(id);
      const whole = octets === 0 ? arrived === undefined : arrived?.count === 1 && arrived.start(0) === 0 && arrived.end(0) === octets;
      if (!whole) throw new Error(`at the ${this.#side} stream ${id} was read up to ${octets}, but something else had arrived`);
    }
  }

  #streamLimit(id: number): number {
    return this.#streamLimits.get(id) ?? this.#streamCredit;
  }

  #onSent(id: number, end: number): void {
    const before = this.#sent.get(id) ?? 0;
    if (end <= before) return;
    this.#sent.set(id, end);
    this.#sentInAll += end - before;
    if (end > this.#streamLimit(id))
      throw new Error(`the ${this.#side} sent stream ${id} up to ${end}, its credit is ${this.#streamLimit(id)}`);
    if (this.#sentInAll > this.#connectionLimit)
      throw new Error(`the ${this.#side} sent ${this.#sentInAll} octets in all, the connection's credit is ${this.#connectionLimit}`);
  }

  #onArrived(id: number, start: number, end: number): void {
    let arrived = this.#arrived.get(id);
    if (arrived === undefined) this.#arrived.set(id, (arrived = new RangeSet()));
    for (let i = 0; i < arrived.count; i++)
      if (arrived.start(i) < end && start < arrived.end(i))
        throw new Error(`at the ${this.#side} octets ${start} to ${end} of stream ${id} arrived, some of them again`);
    arrived.add(start, end);
  }
}

/**
 * Watches one end's controller: what recovery says is in flight is what was sent less what was acknowledged and lost,
 * counted here once more. RFC 9002 §2, Appendix B.2.
 */
export class FlightCheck {
  readonly #side: Side;
  #sum = 0;
  #forgotten = false; // packets of discarded keys leave without a word

  constructor(side: Side) {
    this.#side = side;
  }

  forget(): void {
    this.#forgotten = true;
  }

  checkEmpty(bytesInFlight: number): void {
    if (bytesInFlight !== 0 || this.#sum !== 0)
      throw new Error(`the ${this.#side} ends with ${bytesInFlight} octets in flight; sent less acknowledged and lost are ${this.#sum}`);
  }

  around(inner: CongestionController): CongestionController {
    const check = this;
    return {
      get congestionWindow() {
        return inner.congestionWindow;
      },
      get pacingRate() {
        return inner.pacingRate;
      },
      get phase() {
        return inner.phase;
      },
      onPacketSent(now: Micros, bytes: number, bytesInFlight: number): void {
        check.#sum += bytes;
        check.#compare(bytesInFlight, 'after sending');
        inner.onPacketSent(now, bytes, bytesInFlight);
      },
      onAck(now: Micros, ack: AckSummary, rtt: RttView): void {
        check.#sum -= ack.ackedBytes;
        check.#compare(ack.bytesInFlight, 'after an acknowledgement');
        inner.onAck(now, ack, rtt);
      },
      onLoss(now: Micros, loss: LossSummary, rtt: RttView): void {
        check.#sum -= loss.lostBytes;
        inner.onLoss(now, loss, rtt);
      },
      onEcnMarks: (now, newMarks, largestSentAt) => inner.onEcnMarks(now, newMarks, largestSentAt),
      onSpuriousLoss: (now, bytes, sentAt) => inner.onSpuriousLoss(now, bytes, sentAt),
      onMaxDatagramSize: (bytes) => inner.onMaxDatagramSize(bytes),
    };
  }

  #compare(bytesInFlight: number, when: string): void {
    if (this.#forgotten && bytesInFlight < this.#sum) {
      this.#sum = bytesInFlight;
      this.#forgotten = false;
    }
    if (bytesInFlight !== this.#sum)
      throw new Error(
        `${when} the ${this.#side} says that ${bytesInFlight} octets are in flight; sent less acknowledged and lost are ${this.#sum}`,
      );
  }
}

function eachFrame(packet: PacketView, tell: (type: number, id: number, offset: number, size: number) => void): void {
  const { frames } = packet;
  for (let i = 0; i < frames.length; i++) tell(frames.type(i), frames.stream(i), frames.offset(i), frames.size(i));
}
