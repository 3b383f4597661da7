import type { AckRequest, AckRequester, AckRequests, Recovery } from '@quiclab/recovery';
import { type Micros, NEVER } from '@quiclab/sansio';
import {
  ackFrequencySize,
  type FrameReader,
  FrameType,
  TransportError,
  TransportErrorCode,
  writeAckFrequency,
  writeImmediateAck,
} from '@quiclab/wire';
import type { PacketBuilder } from '../packet/builder.ts';
import type { ReceivedPackets } from '../space/received.ts';

/** max_ack_delay is below 2^14 ms. RFC 9000 §18.2. */
const LARGEST_MAX_ACK_DELAY = 0x3fff * 1_000 + 999;

/**
 * How often ACKs come: what we ask of the peer, and what the peer asks of us. draft-ietf-quic-ack-frequency. Nothing is asked before
 * the peer has sent min_ack_delay, nor is anything taken unless we have.
 */
export class AckFrequency {
  /** An ACK_FREQUENCY frame is to be sent. */
  pending: boolean;
  readonly #requests: AckRequests;
  /** Our min_ack_delay; -1: we have sent none. */
  readonly #minAckDelay: Micros;
  readonly #sender: { -readonly [K in keyof AckRequester]: AckRequester[K] };
  /** What the peer does, and is to do: the same once it is acknowledged. */
  #current: AckRequest;
  #wanted: AckRequest;
  /** Of the next frame, and the one whose fate is not known; -1: there is none. */
  #sequence: number;
  #awaited: number;
  #askedAt: Micros;
  /** The largest of the peer's frames that we followed. */
  #largestFollowed: number;
  #usable: boolean;

  /** @param minAckDelay  ours; -1 for none */
  constructor(requests: AckRequests, minAckDelay: Micros, recovery: Recovery) {
    this.pending = false;
    this.#requests = requests;
    this.#minAckDelay = minAckDelay;
    this.#sender = { window: 0, inSlowStart: true, rtt: recovery.rtt, packetThreshold: 0, minAckDelay: 0 };
    this.#current = { ackElicitingThreshold: 1, maxAckDelay: 0, reorderingThreshold: 1 }; // §4: what RFC 9000 has, in its terms
    this.#wanted = this.#current;
    this.#sequence = 0;
    this.#awaited = -1;
    this.#askedAt = 0;
    this.#largestFollowed = -1;
    this.#usable = false;
  }

  /** The peer's parameters are there; never those of an earlier connection (§3). @param minAckDelay  the peer's; undefined: it takes no such frames */
  onPeer(minAckDelay: Micros | undefined, maxAckDelay: Micros): void {
    if (minAckDelay === undefined || this.#minAckDelay < 0) return;
    this.#usable = true;
    this.#sender.minAckDelay = minAckDelay;
    this.#current = { ...this.#current, maxAckDelay };
    this.#wanted = this.#current;
  }

  /** An ACK came, and has been taken note of. Nothing is asked without packets in flight: two ends that ask each other would never fall silent. */
  onAck(now: Micros, recovery: Recovery, datagramSize: number): void {
    if (!this.#usable || this.#awaited >= 0 || recovery.bytesInFlight === 0) return;
    if (this.#sequence > 0 && now < this.#askedAt + recovery.rtt.smoothed) return;
    const sender = this.#sender;
    sender.window = Math.floor(recovery.controller.congestionWindow / datagramSize);
    sender.inSlowStart = recovery.controller.phase === 'slow-start';
    sender.packetThreshold = recovery.packetThreshold;
    const wanted = this.#requests.request(sender, this.#current);
    if (wanted === undefined) return;
    this.#wanted = { ...wanted, maxAckDelay: Math.max(sender.minAckDelay, Math.min(wanted.maxAckDelay, LARGEST_MAX_ACK_DELAY)) };
    this.pending = true;
  }

  writeFrames(now: Micros, packet: PacketBuilder, recovery: Recovery): void {
    if (!this.pending) return;
    const { ackElicitingThreshold, maxAckDelay, reorderingThreshold } = this.#wanted;
    const sequence = this.#sequence;
    if (ackFrequencySize(sequence, ackElicitingThreshold, maxAckDelay, reorderingThreshold) > packet.remaining) return;
    writeAckFrequency(packet.writer, sequence, ackElicitingThreshold, maxAckDelay, reorderingThreshold);
    packet.log(FrameType.ACK_FREQUENCY, ackElicitingThreshold, sequence, maxAckDelay);
    this.pending = false;
    this.#sequence++;
    this.#awaited = sequence;
    this.#askedAt = now;
    recovery.maxAckDelay = Math.max(recovery.maxAckDelay, maxAckDelay); // §7: the peer does one or the other
  }

  /** A probe is answered at once, by whom we may ask to. §7. */
  writeImmediateAck(packet: PacketBuilder): void {
    if (!this.#usable || !this.#requests.immediateForProbes || packet.remaining === 0) return;
    writeImmediateAck(packet.writer);
    packet.log(FrameType.IMMEDIATE_ACK, 0, 0, 0);
  }

  onAcked(sequence: number, recovery: Recovery): void {
    if (sequence !== this.#sequence - 1) return; // the peer has heard, or will, of a newer one
    this.#awaited = -1;
    this.pending = false;
    this.#current = this.#wanted;
    recovery.maxAckDelay = this.#current.maxAckDelay;
  }

  /** Said again with a number of its own, unless a newer one has left. §4. */
  onLost(sequence: number): void {
    if (sequence !== this.#awaited) return;
    this.#awaited = -1;
    this.pending = true;
  }

  /** The peer's ACK_FREQUENCY. Throws FRAME_ENCODING_ERROR where we have not said that we take it, PROTOCOL_VIOLATION for a delay that it must not ask for. */
  receive(frame: FrameReader, received: ReceivedPackets): void {
    this.#mustTake(frame);
    const { requestedMaxAckDelay } = frame;
    if (requestedMaxAckDelay < this.#minAckDelay || requestedMaxAckDelay > LARGEST_MAX_ACK_DELAY)
      throw new TransportError(
        TransportErrorCode.PROTOCOL_VIOLATION,
        `a max_ack_delay of ${requestedMaxAckDelay} µs is requested; our min_ack_delay is ${this.#minAckDelay}, and the largest ${LARGEST_MAX_ACK_DELAY}`,
        frame.rawType,
      );
    if (frame.sequence <= this.#largestFollowed) return;
    this.#largestFollowed = frame.sequence;
    received.onFrequency(frame.ackElicitingThreshold, requestedMaxAckDelay, frame.reorderingThreshold);
  }

  receiveImmediate(frame: FrameReader, received: ReceivedPackets): void {
    this.#mustTake(frame);
    received.due = true;
    received.deadline = NEVER;
  }

  #mustTake(frame: FrameReader): void {
    if (this.#minAckDelay >= 0) return;
    throw new TransportError(
      TransportErrorCode.FRAME_ENCODING_ERROR,
      'ACK_FREQUENCY or IMMEDIATE_ACK, which we have not said that we take',
      frame.rawType,
    );
  }
}
