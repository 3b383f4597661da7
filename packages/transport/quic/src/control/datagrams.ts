import type { FrameReader } from '@quiclab/wire';
import { datagramSize, FrameType, TransportError, TransportErrorCode, writeDatagramHeader } from '@quiclab/wire';
import type { EventQueue } from '../connection/event-queue.ts';
import type { PacketBuilder } from '../packet/builder.ts';

/** Counted for each datagram that waits beside its octets, since an empty one is not free. */
const COST_OF_ONE = 64;

interface Waiting {
  readonly handle: number;
  readonly data: Uint8Array;
}

/**
 * DATAGRAM frames: sent once, in order, as soon as the congestion controller lets them, and never again; what became of each
 * is told. Those that come are handed out as events, of which the queue keeps the newest. RFC 9221.
 */
export class Datagrams {
  /** The first that waits did not fit beside what else a packet had to say: it goes into the next one before all else. */
  needsPacket: boolean;
  /** DATAGRAM frames so far; one may count as lost and, when its acknowledgement comes late, as acknowledged too. */
  framesSent: number;
  framesReceived: number;
  framesAcknowledged: number;
  framesLost: number;
  readonly #events: EventQueue;
  readonly #largestFrame: number;
  readonly #sendBuffer: number;
  #waiting: Waiting[];
  #octets: number;
  #nextHandle: number;

  /**
   * @param largestFrame  our max_datagram_frame_size
   * @param sendBuffer    octets that may wait to be sent
   */
  constructor(events: EventQueue, largestFrame: number, sendBuffer: number) {
    this.needsPacket = false;
    this.framesSent = 0;
    this.framesReceived = 0;
    this.framesAcknowledged = 0;
    this.framesLost = 0;
    this.#events = events;
    this.#largestFrame = largestFrame;
    this.#sendBuffer = sendBuffer;
    this.#waiting = [];
    this.#octets = 0;
    this.#nextHandle = 0;
  }

  get hasToSend(): boolean {
    return this.#waiting.length > 0;
  }

  /** Copies the data. -1 when there is no room; else by what number 'datagram-acked' and 'datagram-lost' speak of it. */
  queue(data: Uint8Array): number {
    const cost = data.length + COST_OF_ONE;
    if (this.#octets + cost > this.#sendBuffer) return -1;
    this.#octets += cost;
    const handle = this.#nextHandle++;
    this.#waiting.push({ handle, data: data.slice() });
    return handle;
  }

  /**
   * Writes those that fit.
   * @param largest  octets of the largest that the peer takes and a packet of the path has room for, now
   */
  writeFrames(packet: PacketBuilder, largest: number): void {
    let done = 0;
    for (const { handle, data } of this.#waiting) {
      const room = packet.remaining - 1;
      if (data.length > largest)
        this.onLost(handle); // the path has become smaller, or the server has rejected early data
      else if (data.length > room) {
        this.needsPacket = true;
        break;
      } else {
        // as for STREAM: without a Length field it ends where the packet ends; PADDING before it fills what is too small for that field
        const withLength = datagramSize(data.length) <= packet.remaining;
        if (!withLength) packet.writer.zeros(room - data.length);
        writeDatagramHeader(packet.writer, data.length, withLength);
        packet.writer.octets(data);
        packet.log(FrameType.DATAGRAM, 0, handle, data.length);
        this.framesSent++;
      }
      this.#octets -= data.length + COST_OF_ONE;
      this.needsPacket = false;
      done++;
    }
    if (done > 0) this.#waiting.splice(0, done);
  }

  onAcked(handle: number): void {
    this.framesAcknowledged++;
    this.#events.push({ type: 'datagram-acked', handle });
  }
  /** Told, and not said again. An acknowledgement may come late all the same. RFC 9221 §5.2. */
  onLost(handle: number): void {
    this.framesLost++;
    this.#events.push({ type: 'datagram-lost', handle });
  }

  /** A frame of the peer's. Throws PROTOCOL_VIOLATION when it is larger than we take (RFC 9221 §3). @param early  it came in 0-RTT */
  receive(frame: FrameReader, early: boolean): void {
    const size = frame.position - frame.start;
    if (size > this.#largestFrame)
      throw new TransportError(
        TransportErrorCode.PROTOCOL_VIOLATION,
        this.#largestFrame === 0
          ? 'a DATAGRAM frame came, and we take none'
          : `a DATAGRAM frame has ${size} octets, we take ${this.#largestFrame}`,
        frame.rawType,
      );
    this.framesReceived++;
    this.#events.pushDatagram({ type: 'datagram', data: frame.data().slice(), early }, frame.length + COST_OF_ONE);
  }
}
