import { varintSize } from '@quiclab/bytes';
import type { Micros } from '@quiclab/sansio';
import type { StreamId, StreamScheduler } from '@quiclab/streams';
import {
  FrameType,
  streamHeaderSize,
  writeMaxStreamData,
  writeResetStream,
  writeResetStreamAt,
  writeStopSending,
  writeStreamDataBlocked,
  writeStreamHeader,
} from '@quiclab/wire';
import type { EventQueue } from '../connection/event-queue.ts';
import type { Watch } from '../connection/watch.ts';
import type { PacketBuilder } from '../packet/builder.ts';
import type { ConnectionCredit } from './connection-credit.ts';
import type { Stream } from './stream.ts';
import type { StreamTable } from './stream-table.ts';

/** Room for the largest control frame of a stream: RESET_STREAM_AT with four numbers. */
const CONTROL_ROOM = 1 + 8 + 8 + 8 + 8;
/** A STREAM frame with less room than this is left for the next packet. */
const WORTHWHILE = 24;

/** STREAM and its kin as they leave: from the states of streams to frames, and what became of those. RFC 9000 §13.3, §19. */
export class StreamSender {
  readonly #table: StreamTable;
  readonly #credit: ConnectionCredit;
  readonly #scheduler: StreamScheduler;
  readonly #events: EventQueue;
  readonly #watch: Watch;
  /** Streams with control frames to send, and those whose new data waits for connection credit. */
  #control: Stream[];
  #waiting: Set<Stream>;

  constructor(table: StreamTable, credit: ConnectionCredit, scheduler: StreamScheduler, events: EventQueue, watch: Watch) {
    this.#table = table;
    this.#credit = credit;
    this.#scheduler = scheduler;
    this.#events = events;
    this.#watch = watch;
    this.#control = [];
    this.#waiting = new Set();
  }

  get hasToSend(): boolean {
    return this.#control.length > 0 || this.#scheduler.next() >= 0;
  }

  /** Lets the scheduler know that a stream has something to send. */
  markReady(stream: Stream): void {
    const send = stream.send!;
    if (!this.#table.mayUse(stream.id)) return;
    if (send.hasToSend) this.#scheduler.onReady(stream.id, stream.priority);
    else if (send.blockedByStream && stream.blockedSaid !== send.maxData) {
      stream.blockedPending = send.maxData;
      this.queue(stream);
    }
  }

  /** Limits are known, or known anew: whatever waited for them goes on. */
  onLimits(): void {
    for (const stream of this.#table.values()) if (stream.send !== undefined) this.markReady(stream);
    this.onConnectionCredit();
  }

  /** A client's early data was rejected: all of it is to be said again, once the limits are known. */
  rewind(): void {
    for (const stream of this.#table.values()) if (stream.send !== undefined) this.#scheduler.onNotReady(stream.id);
    this.#table.rewind();
    this.#credit.send.restart();
  }

  /** Gives a stream up: RESET_STREAM (RFC 9000 §3.1), or RESET_STREAM_AT, which leaves its first octets to be delivered. */
  reset(stream: Stream, code: number, reliableSize: number): void {
    const send = stream.send!;
    if (!send.reset(code, reliableSize)) return;
    this.onRoom();
    this.#watch.stream(stream);
    if (!send.hasToSend) {
      this.#scheduler.onNotReady(stream.id);
      this.#waiting.delete(stream); // or streams that a peer stops, and no credit ever frees, would pile up here
    }
    this.#queueReset(stream);
  }

  /** The peer does not take RESET_STREAM_AT, as it did when the session was made that early data hung on: nothing is reliable any more. */
  onResetAtRefused(): void {
    for (const stream of this.#table.values()) if ((stream.send?.reliableSize ?? 0) > 0) this.reset(stream, 0, 0);
  }

  /** A RESET_STREAM_AT waits until what it promises was sent once: then its final size is within the peer's limits. */
  #queueReset(stream: Stream): void {
    const send = stream.send!;
    if (send.state !== 'reset-sent' && !send.mayResetAt) return;
    stream.resetPending = true;
    this.queue(stream);
  }

  /** MAX_DATA was raised: streams that waited for it may go on. */
  onConnectionCredit(): void {
    if (this.#waiting.size === 0) return;
    const waiting = this.#waiting;
    this.#waiting = new Set();
    for (const stream of waiting) this.markReady(stream);
  }

  // ---- frames -------------------------------------------------------------------------------------------------------

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
    let last = -1;
    for (let id = scheduler.next(); id >= 0 && packet.remaining >= WORTHWHILE; id = scheduler.next()) {
      if (last >= 0 && id !== last && !scheduler.sharesPackets) break;
      const stream = this.#table.get(id);
      const send = stream?.send;
      if (stream === undefined || send === undefined || !send.prepare(packet.remaining, this.#credit.send.available)) {
        scheduler.onNotReady(id);
        if (stream !== undefined) this.#noteWaiting(stream);
        continue;
      }
      last = id;
      const sent = this.#writeStream(now, packet, stream);
      scheduler.onSent(id, sent);
      if (!send.hasToSend) {
        scheduler.onNotReady(id);
        if (send.blockedByStream) this.markReady(stream);
      }
    }
    if (last >= 0) scheduler.onPacketDone();
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
      this.#watch.observer.streamSent(now, id, offset, length, fin);
    }
    send.onSent(offset, length, fin);
    this.#watch.stream(stream);
    if (send.resetCode >= 0 && send.nextNewOctets > 0) this.#queueReset(stream);
    this.#tellWritable(stream);
    packet.log(FrameType.STREAM | (fin ? 1 : 0), id, offset, length);
    return length;
  }

  #tellWritable(stream: Stream): void {
    const send = stream.send!;
    if (!send.writableOwed) return;
    send.writableOwed = false;
    this.#events.push({ type: 'stream-writable', id: stream.id });
  }

  /** The streams together may hold more, or fewer want to: who waits for that has its turn. Returns whether anybody had. */
  onRoom(): boolean {
    const budget = this.#table.sendBudget;
    let any = false;
    for (let send = budget.nextTurn(); send !== undefined; send = budget.nextTurn()) {
      this.#tellWritable(this.#table.get(send.id)!);
      any = true;
    }
    return any;
  }

  #noteWaiting(stream: Stream): void {
    const send = stream.send;
    if (send === undefined || !send.hasToSend || this.#waiting.has(stream)) return;
    // it could send, but for the connection's credit
    this.#waiting.add(stream);
    this.#credit.noteBlocked();
  }

  /** False: not all of it fitted. */
  #writeControl(packet: PacketBuilder, stream: Stream): boolean {
    const { id, send, receive } = stream;
    const writer = packet.writer;
    if (stream.resetPending) {
      if (send!.reliableSize === 0) {
        writeResetStream(writer, id, send!.resetCode, send!.finalSize);
        packet.log(FrameType.RESET_STREAM, id, send!.finalSize, send!.resetCode);
      } else if (send!.mayResetAt && !send!.done) {
        writeResetStreamAt(writer, id, send!.resetCode, send!.finalSize, send!.reliableSize);
        packet.log(FrameType.RESET_STREAM_AT, id, send!.finalSize, send!.reliableSize);
        send!.onResetAtSent();
        this.#watch.stream(stream);
      }
      stream.resetPending = false;
    }
    if (stream.stopPending >= 0) {
      if (packet.remaining < CONTROL_ROOM) return false;
      if (receive!.resetCode < 0 || receive!.reliableSize >= 0) {
        writeStopSending(writer, id, stream.stopPending);
        packet.log(FrameType.STOP_SENDING, id, 0, stream.stopPending);
      }
      stream.stopPending = -1;
    }
    if (stream.creditPending) {
      if (packet.remaining < CONTROL_ROOM) return false;
      stream.creditPending = false;
      // RFC 9000 §3.2: credit is of use only while the end is not known
      if (receive!.state === 'recv') {
        stream.creditSaid = receive!.limit;
        writeMaxStreamData(writer, id, receive!.limit);
        packet.log(FrameType.MAX_STREAM_DATA, id, receive!.limit, 0);
      }
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
    this.#watch.stream(stream);
    this.#tellWritable(stream);
    this.onRoom();
    this.#tellFinished(stream);
  }

  #tellFinished(stream: Stream): void {
    if (stream.send!.state !== 'data-recvd' || stream.finishedTold) return;
    stream.finishedTold = true;
    this.#scheduler.onNotReady(stream.id);
    this.#events.push({ type: 'stream-finished', id: stream.id });
    this.#table.retireIfDone(stream);
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
    this.#watch.stream(stream);
    this.#table.retireIfDone(stream);
  }

  onResetLost(id: StreamId): void {
    const stream = this.#table.get(id);
    if (stream?.send?.state !== 'reset-sent') return;
    stream.resetPending = true;
    this.queue(stream);
  }

  onResetAtAcked(id: StreamId, reliableSize: number): void {
    const stream = this.#table.get(id);
    if (stream?.send === undefined) return;
    stream.send.onResetAtAcked(reliableSize);
    this.onRoom();
    this.#watch.stream(stream);
    this.#tellFinished(stream);
  }

  onResetAtLost(id: StreamId, reliableSize: number): void {
    const stream = this.#table.get(id);
    if (stream?.send?.isResetAtOwed(reliableSize)) this.#queueReset(stream);
  }

  onStopLost(id: StreamId): void {
    const stream = this.#table.get(id);
    if (stream?.receive === undefined || stream.receive.done) return;
    stream.stopPending = stream.stopCode;
    this.queue(stream);
  }

  onCreditLost(id: StreamId, limit: number): void {
    const stream = this.#table.get(id);
    if (stream === undefined || stream.creditSaid !== limit || stream.receive?.state !== 'recv') return;
    stream.creditPending = true;
    this.queue(stream);
  }

  onBlockedLost(id: StreamId, limit: number): void {
    const stream = this.#table.get(id);
    if (stream?.send?.maxData !== limit || !stream.send.blockedByStream) return;
    stream.blockedPending = limit;
    this.queue(stream);
  }

  /** Control frames of this stream are to be sent. */
  queue(stream: Stream): void {
    if (stream.queued) return;
    stream.queued = true;
    this.#control.push(stream);
  }
}
