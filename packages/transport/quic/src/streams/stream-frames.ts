import { varintSize } from '@quiclab/bytes';
import type { Micros } from '@quiclab/sansio';
import type { StreamId, StreamScheduler } from '@quiclab/streams';
import {
  type FrameReader,
  FrameType,
  streamHeaderSize,
  TransportError,
  TransportErrorCode,
  writeMaxStreamData,
  writeResetStream,
  writeStopSending,
  writeStreamDataBlocked,
  writeStreamHeader,
} from '@quiclab/wire';
import type { EventQueue } from '../connection/event-queue.ts';
import type { Observer } from '../observer.ts';
import type { PacketBuilder } from '../packet/builder.ts';
import type { ConnectionCredit } from './connection-credit.ts';
import type { Stream } from './stream.ts';
import type { StreamTable } from './stream-table.ts';

/** Room for the largest control frame of a stream: RESET_STREAM with three numbers. */
const CONTROL_ROOM = 1 + 8 + 8 + 8;
/** A STREAM frame with less room than this is left for the next packet. */
const WORTHWHILE = 24;

/** STREAM and its kin: between frames and the states of streams. RFC 9000 §19.4, §19.5, §19.8, §19.10, §19.13. */
export class StreamFrames {
  readonly #table: StreamTable;
  readonly #credit: ConnectionCredit;
  readonly #scheduler: StreamScheduler;
  readonly #events: EventQueue;
  readonly #observer: Observer;
  /** Streams with control frames to send, and those whose new data waits for connection credit. */
  #control: Stream[];
  #waiting: Stream[];

  constructor(table: StreamTable, credit: ConnectionCredit, scheduler: StreamScheduler, events: EventQueue, observer: Observer) {
    this.#table = table;
    this.#credit = credit;
    this.#scheduler = scheduler;
    this.#events = events;
    this.#observer = observer;
    this.#control = [];
    this.#waiting = [];
  }

  get hasToSend(): boolean {
    return this.#control.length > 0 || this.#scheduler.next() >= 0;
  }

  // ---- what the peer says -------------------------------------------------------------------------------------------

  /** STREAM: the data lies at bytes[from, to). */
  onStream(now: Micros, id: StreamId, offset: number, bytes: Uint8Array, from: number, to: number, fin: boolean): void {
    const stream = this.#table.forFrame(id, 'receive', FrameType.STREAM);
    if (stream === undefined) return;
    const receive = stream.receive!;
    const deliverableBefore = receive.contiguous;
    const fault = receive.receive(offset, bytes, from, to, fin);
    if (fault !== '') this.#refuse(stream, fault, offset + to - from, FrameType.STREAM);
    this.#credit.onReceived(receive.newOctets, FrameType.STREAM);
    if (receive.freedOctets > 0) this.#credit.onConsumed(receive.freedOctets);
    const arrived = receive.arrived;
    for (let i = 0; i < arrived.length; i += 2) this.#observer.streamArrived(now, id, arrived[i]!, arrived[i + 1]! - arrived[i]!);
    if (receive.contiguous > deliverableBefore)
      this.#observer.streamDeliverable(now, id, deliverableBefore, receive.contiguous - deliverableBefore);
    if (receive.readable && !stream.readableTold) {
      stream.readableTold = true;
      this.#events.push({ type: 'stream-readable', id });
    }
    this.#table.retireIfDone(stream); // a stopped stream is done with its last octet
  }

  onReset(frame: FrameReader): void {
    const stream = this.#table.forFrame(frame.id, 'receive', FrameType.RESET_STREAM);
    if (stream === undefined) return;
    const receive = stream.receive!;
    const stopped = receive.stopped;
    const fault = receive.receiveReset(frame.finalSize, frame.code);
    if (fault !== '') this.#refuse(stream, fault, frame.finalSize, FrameType.RESET_STREAM);
    this.#credit.onReceived(receive.newOctets, FrameType.RESET_STREAM);
    this.#credit.onConsumed(receive.freedOctets);
    if (receive.state !== 'reset-recvd') return;
    receive.onResetRead();
    if (!stopped) this.#events.push({ type: 'stream-reset', id: stream.id, code: frame.code });
    this.#table.retireIfDone(stream);
  }

  /** RFC 9000 §3.5: the answer is RESET_STREAM with the same code, unless all was sent and acknowledged. */
  onStopSending(id: StreamId, code: number): void {
    const stream = this.#table.forFrame(id, 'send', FrameType.STOP_SENDING);
    const send = stream?.send;
    if (stream === undefined || send === undefined || send.done || send.resetCode >= 0) return;
    this.reset(stream, code);
    this.#events.push({ type: 'stream-stopped', id, code });
  }

  onMaxStreamData(id: StreamId, limit: number): void {
    const stream = this.#table.forFrame(id, 'send', FrameType.MAX_STREAM_DATA);
    if (stream?.send?.setMaxData(limit)) this.markReady(stream);
  }

  /** RFC 9000 §19.13: says nothing that we would not know; the stream must be one that the peer may send on. */
  onStreamDataBlocked(id: StreamId): void {
    this.#table.forFrame(id, 'receive', FrameType.STREAM_DATA_BLOCKED);
  }

  /** MAX_DATA was raised: streams that waited for it may go on. */
  onConnectionCredit(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const stream of waiting) {
      stream.waitsForConnection = false;
      this.markReady(stream);
    }
  }

  // ---- what the application says ------------------------------------------------------------------------------------

  /** Lets the scheduler know that a stream has something to send. */
  markReady(stream: Stream): void {
    const send = stream.send!;
    if (send.hasToSend) this.#scheduler.onReady(stream.id, stream.priority);
    else if (send.blockedByStream && stream.blockedSaid !== send.maxData) {
      stream.blockedPending = send.maxData;
      this.#queue(stream);
    }
  }

  reset(stream: Stream, code: number): void {
    if (!stream.send!.reset(code)) return;
    this.#scheduler.onNotReady(stream.id);
    stream.resetPending = true;
    this.#queue(stream);
  }

  stop(stream: Stream, code: number): void {
    const receive = stream.receive!;
    if (receive.stopped || receive.done) return;
    // RFC 9000 §3.5: of no use once all data has come or a reset has
    const useful = receive.state === 'recv';
    receive.stop();
    this.#credit.onConsumed(receive.freedOctets);
    if (useful) {
      stream.stopCode = code;
      stream.stopPending = code;
      this.#queue(stream);
    }
    this.#table.retireIfDone(stream);
  }

  /** The application has read: credit may be due. */
  onRead(now: Micros, stream: Stream, rtt: Micros): void {
    const receive = stream.receive!;
    this.#credit.onConsumed(receive.freedOctets);
    const limit = receive.creditUpdate(now, rtt);
    if (limit === 0) return;
    stream.creditPending = true;
    this.#queue(stream);
  }

  // ---- frames out ---------------------------------------------------------------------------------------------------

  writeControlFrames(packet: PacketBuilder): void {
    if (this.#control.length === 0) return;
    let kept = 0;
    for (const stream of this.#control) {
      if (packet.remaining < CONTROL_ROOM || !this.#writeControl(packet, stream)) this.#control[kept++] = stream;
      else stream.queued = false;
    }
    this.#control.length = kept;
  }

  /** STREAM frames, as the scheduler says: one stream to a packet, or several. */
  writeStreamFrames(now: Micros, packet: PacketBuilder): void {
    const scheduler = this.#scheduler;
    let wrote = false;
    for (let id = scheduler.next(); id >= 0 && packet.remaining >= WORTHWHILE; id = scheduler.next()) {
      const stream = this.#table.get(id);
      const send = stream?.send;
      if (stream === undefined || send === undefined || !send.prepare(packet.remaining, this.#credit.send.available)) {
        scheduler.onNotReady(id);
        if (stream !== undefined) this.#noteWaiting(stream);
        continue;
      }
      wrote = true;
      const sent = this.#writeStream(now, packet, stream);
      scheduler.onSent(id, sent);
      if (!send.hasToSend) {
        scheduler.onNotReady(id);
        if (send.blockedByStream) this.markReady(stream);
      }
      if (!scheduler.sharesPackets) break;
    }
    if (wrote) scheduler.onPacketDone();
  }

  #writeStream(now: Micros, packet: PacketBuilder, stream: Stream): number {
    const send = stream.send!;
    const { id } = stream;
    const offset = send.nextOffset;
    const header = streamHeaderSize(id, offset, 0);
    const room = packet.remaining - header;
    // Without a Length field the frame reaches to the end of the packet; that is used when the data does so, too, or when
    // it misses the end by no more than the field takes: PADDING before it then fills the gap.
    const length = Math.max(0, Math.min(send.nextLength, room));
    const withLength = length + varintSize(length) <= room;
    if (!withLength && length < room) packet.writer.zeros(room - length);
    const fin = send.nextFin && length === send.nextLength;
    const writer = packet.writer;
    writeStreamHeader(writer, id, offset, length, fin, withLength);
    send.copy(offset, length, writer.bytes, writer.position);
    writer.position += length;
    if (send.nextNewOctets > 0) {
      this.#credit.send.use(length);
      this.#observer.streamSent(now, id, offset, length, fin);
    }
    send.onSent(offset, length, fin);
    packet.log(FrameType.STREAM | (fin ? 1 : 0), id, offset, length);
    return length;
  }

  #noteWaiting(stream: Stream): void {
    const send = stream.send;
    if (send === undefined || !send.hasToSend || stream.waitsForConnection) return;
    // it could send, but for the connection's credit
    stream.waitsForConnection = true;
    this.#waiting.push(stream);
    this.#credit.noteBlocked();
  }

  /** False: not all of it fitted. */
  #writeControl(packet: PacketBuilder, stream: Stream): boolean {
    const { id, send, receive } = stream;
    const writer = packet.writer;
    if (stream.resetPending) {
      writeResetStream(writer, id, send!.resetCode, send!.finalSize);
      packet.log(FrameType.RESET_STREAM, id, send!.finalSize, send!.resetCode);
      stream.resetPending = false;
    }
    if (stream.stopPending >= 0) {
      if (packet.remaining < CONTROL_ROOM) return false;
      if (!receive!.done && receive!.resetCode < 0) {
        writeStopSending(writer, id, stream.stopPending);
        packet.log(FrameType.STOP_SENDING, id, 0, stream.stopPending);
      }
      stream.stopPending = -1;
    }
    if (stream.creditPending) {
      if (packet.remaining < CONTROL_ROOM) return false;
      stream.creditPending = false;
      stream.creditSaid = receive!.limit;
      writeMaxStreamData(writer, id, receive!.limit);
      packet.log(FrameType.MAX_STREAM_DATA, id, receive!.limit, 0);
    }
    if (stream.blockedPending >= 0) {
      if (packet.remaining < CONTROL_ROOM) return false;
      if (stream.blockedPending === send!.maxData && send!.blockedByStream) {
        writeStreamDataBlocked(writer, id, send!.maxData);
        packet.log(FrameType.STREAM_DATA_BLOCKED, id, send!.maxData, 0);
        stream.blockedSaid = send!.maxData;
      }
      stream.blockedPending = -1;
    }
    return true;
  }

  // ---- what became of them ------------------------------------------------------------------------------------------

  onStreamAcked(id: StreamId, offset: number, length: number, fin: boolean): void {
    const stream = this.#table.get(id);
    const send = stream?.send;
    if (stream === undefined || send === undefined) return;
    send.onAcked(offset, length, fin);
    if (send.writableOwed) {
      send.writableOwed = false;
      this.#events.push({ type: 'stream-writable', id });
    }
    if (send.state === 'data-recvd' && !stream.finishedTold) {
      stream.finishedTold = true;
      this.#scheduler.onNotReady(id);
      this.#events.push({ type: 'stream-finished', id });
      this.#table.retireIfDone(stream);
    }
  }

  onStreamLost(id: StreamId, offset: number, length: number, fin: boolean): void {
    const stream = this.#table.get(id);
    if (stream?.send === undefined) return;
    stream.send.onLost(offset, length, fin);
    this.markReady(stream);
  }

  onResetAcked(id: StreamId): void {
    const stream = this.#table.get(id);
    if (stream?.send === undefined || stream.send.state !== 'reset-sent') return;
    stream.send.onResetAcked();
    this.#table.retireIfDone(stream);
  }

  onResetLost(id: StreamId): void {
    const stream = this.#table.get(id);
    if (stream?.send?.state !== 'reset-sent') return;
    stream.resetPending = true;
    this.#queue(stream);
  }

  onStopLost(id: StreamId): void {
    const stream = this.#table.get(id);
    if (stream?.receive === undefined || stream.receive.done) return;
    stream.stopPending = stream.stopCode;
    this.#queue(stream);
  }

  onCreditLost(id: StreamId, limit: number): void {
    const stream = this.#table.get(id);
    if (stream === undefined || stream.creditSaid !== limit || stream.receive?.state !== 'recv') return;
    stream.creditPending = true;
    this.#queue(stream);
  }

  onBlockedLost(id: StreamId, limit: number): void {
    const stream = this.#table.get(id);
    if (stream?.send?.maxData !== limit || !stream.send.blockedByStream) return;
    stream.blockedPending = limit;
    this.#queue(stream);
  }

  #queue(stream: Stream): void {
    if (stream.queued) return;
    stream.queued = true;
    this.#control.push(stream);
  }

  #refuse(stream: Stream, fault: 'flow-control' | 'final-size' | 'gaps', end: number, frameType: number): never {
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
    throw new TransportError(TransportErrorCode.INTERNAL_ERROR, `stream ${id} arrives in more pieces than we keep`, frameType);
  }
}
