import type { Micros } from '@quiclab/sansio';
import type { ReceiveFault, StreamId } from '@quiclab/streams';
import { type FrameReader, FrameType, TransportError, TransportErrorCode } from '@quiclab/wire';
import type { EventQueue } from '../connection/event-queue.ts';
import type { Watch } from '../connection/watch.ts';
import type { ConnectionCredit } from './connection-credit.ts';
import type { Stream } from './stream.ts';
import type { StreamSender } from './stream-sender.ts';
import type { StreamTable } from './stream-table.ts';

/** STREAM and its kin as they come: from frames to the states of streams. RFC 9000 §19.4, §19.5, §19.8, §19.10, §19.13. */
export class StreamFrames {
  /** A frame of the packet that is being read was not taken: that packet is not acknowledged, and the peer will say it again. RFC 9000 §13.1. */
  refused: boolean;
  readonly #table: StreamTable;
  readonly #credit: ConnectionCredit;
  readonly #sender: StreamSender;
  readonly #events: EventQueue;
  readonly #watch: Watch;

  constructor(table: StreamTable, credit: ConnectionCredit, sender: StreamSender, events: EventQueue, watch: Watch) {
    this.refused = false;
    this.#table = table;
    this.#credit = credit;
    this.#sender = sender;
    this.#events = events;
    this.#watch = watch;
  }

  // ---- what the peer says -------------------------------------------------------------------------------------------

  /** STREAM: its data lies in `bytes`. */
  onStream(now: Micros, frame: FrameReader, bytes: Uint8Array): void {
    const { id, offset, dataStart, dataEnd, rawType } = frame;
    const stream = this.#table.forFrame(id, 'receive', rawType);
    if (stream === undefined) return;
    const receive = stream.receive!;
    const deliverableBefore = receive.contiguous;
    const fault = receive.receive(offset, bytes, dataStart, dataEnd, frame.fin);
    if (fault === 'pieces') {
      this.refused = true;
      return;
    }
    if (fault !== '') this.#refuse(stream, fault, offset + dataEnd - dataStart, rawType);
    this.#credit.onReceived(receive.newOctets, rawType);
    if (receive.freedOctets > 0) this.#credit.onConsumed(receive.freedOctets);
    const { observer } = this.#watch;
    const arrived = receive.arrived;
    for (let i = 0; i < arrived.length; i += 2) observer.streamArrived(now, id, arrived[i]!, arrived[i + 1]! - arrived[i]!);
    if (receive.contiguous > deliverableBefore)
      observer.streamDeliverable(now, id, deliverableBefore, receive.contiguous - deliverableBefore);
    if (receive.readable && !stream.readableTold) {
      stream.readableTold = true;
      this.#events.push({ type: 'stream-readable', id });
    }
    this.#watch.stream(stream);
    this.#table.retireIfDone(stream); // a stopped stream is done with its last octet
  }

  onReset(frame: FrameReader): void {
    const stream = this.#table.forFrame(frame.id, 'receive', FrameType.RESET_STREAM);
    if (stream === undefined) return;
    const receive = stream.receive!;
    const stopped = receive.stopped;
    const fault = receive.receiveReset(frame.finalSize, frame.code);
    if (fault !== '' && fault !== 'pieces') this.#refuse(stream, fault, frame.finalSize, FrameType.RESET_STREAM);
    this.#credit.onReceived(receive.newOctets, FrameType.RESET_STREAM);
    this.#credit.onConsumed(receive.freedOctets);
    this.#watch.stream(stream);
    if (receive.state !== 'reset-recvd') return;
    stream.givenUp = true;
    receive.onResetRead();
    this.#watch.stream(stream);
    if (!stopped) this.#events.push({ type: 'stream-reset', id: stream.id, code: frame.code });
    this.#table.retireIfDone(stream);
  }

  /** RESET_STREAM_AT: the reset is told when what it leaves was read. draft-ietf-quic-reliable-stream-reset. */
  onResetAt(frame: FrameReader): void {
    const type = FrameType.RESET_STREAM_AT;
    const stream = this.#table.forFrame(frame.id, 'receive', type);
    if (stream === undefined) return;
    const receive = stream.receive!;
    const { stopped, done } = receive;
    const fault = receive.receiveResetAt(frame.finalSize, frame.code, frame.reliableSize);
    if (fault !== '' && fault !== 'pieces') this.#refuse(stream, fault, frame.finalSize, type);
    this.#credit.onReceived(receive.newOctets, type);
    this.#credit.onConsumed(receive.freedOctets);
    this.#watch.stream(stream);
    if (receive.state === 'reset-recvd') receive.onResetRead();
    stream.givenUp = true;
    this.#watch.stream(stream);
    if (!receive.done || done) return;
    if (!stopped) this.#events.push({ type: 'stream-reset', id: stream.id, code: receive.resetCode });
    this.#table.retireIfDone(stream);
  }

  /** RFC 9000 §3.5: the answer is RESET_STREAM with the same code, unless all was sent and acknowledged. Nothing is reliable any more. */
  onStopSending(id: StreamId, code: number): void {
    const stream = this.#table.forFrame(id, 'send', FrameType.STOP_SENDING);
    const send = stream?.send;
    if (stream === undefined || send === undefined || send.done || (send.resetCode >= 0 && send.reliableSize === 0)) return;
    stream.givenUp = true;
    this.#sender.reset(stream, code, 0);
    this.#events.push({ type: 'stream-stopped', id, code });
  }

  onMaxStreamData(id: StreamId, limit: number): void {
    const stream = this.#table.forFrame(id, 'send', FrameType.MAX_STREAM_DATA);
    if (stream?.send?.setMaxData(limit)) this.#sender.markReady(stream);
  }

  /** RFC 9000 §19.13: says nothing that we would not know; the stream must be one that the peer may send on. */
  onStreamDataBlocked(id: StreamId): void {
    this.#table.forFrame(id, 'receive', FrameType.STREAM_DATA_BLOCKED);
  }

  // ---- what the application says ------------------------------------------------------------------------------------

  stop(stream: Stream, code: number): void {
    const receive = stream.receive!;
    if (receive.stopped || receive.done) return;
    // RFC 9000 §3.5: of no use once all data has come or a reset has
    const useful = receive.state === 'recv' || receive.state === 'size-known';
    receive.stop();
    this.#credit.onConsumed(receive.freedOctets);
    if (useful) {
      stream.stopCode = code;
      stream.stopPending = code;
      this.#sender.queue(stream);
    }
    this.#table.retireIfDone(stream);
  }

  /** The application has read: credit may be due. */
  onRead(now: Micros, stream: Stream, rtt: Micros): void {
    const receive = stream.receive!;
    this.#credit.onConsumed(receive.freedOctets);
    this.#watch.stream(stream);
    if (receive.resetReached) {
      this.#events.push({ type: 'stream-reset', id: stream.id, code: receive.resetCode });
      this.#table.retireIfDone(stream);
      return;
    }
    const limit = receive.creditUpdate(now, rtt);
    if (limit === 0) return;
    stream.creditPending = true;
    this.#sender.queue(stream);
  }

  #refuse(stream: Stream, fault: Exclude<ReceiveFault, '' | 'pieces'>, end: number, frameType: number): never {
    const { id } = stream;
    const receive = stream.receive!;
    if (fault === 'flow-control')
      throw new TransportError(
        TransportErrorCode.FLOW_CONTROL_ERROR,
        `stream ${id} reached ${end}, its limit is ${receive.limit}`,
        frameType,
      );
    if (fault === 'final-size')
      throw new TransportError(
        TransportErrorCode.FINAL_SIZE_ERROR,
        receive.finalSize >= 0
          ? `stream ${id} reached ${end}, its final size is ${receive.finalSize}`
          : `stream ${id} ends at ${end}, ${receive.highest} octets came before`,
        frameType,
      );
    throw new TransportError(
      TransportErrorCode.STREAM_STATE_ERROR,
      `stream ${id} was reset with code ${receive.resetCode}, and again with another`,
      frameType,
    );
  }
}
