import { Space } from '@quiclab/recovery';
import { type Address, type Datagram, type Micros, NEVER } from '@quiclab/sansio';
import type { StreamId, StreamPriority } from '@quiclab/streams';
import { TransportError, TransportErrorCode } from '@quiclab/wire';
import { type CloseCause, UsageError } from '../errors.ts';
import type { ConnectionEvent } from '../events.ts';
import type { Stream } from '../streams/stream.ts';
import { discardEarly } from './handshake.ts';
import { Inbound } from './inbound.ts';
import { largestDatagram } from './largest-datagram.ts';
import type { LifecycleState } from './lifecycle.ts';
import { Outbound } from './outbound.ts';
import type { Parts } from './parts.ts';
import { reportLost, reportPath, reportRecovery } from './reports.ts';
import { assemble, type ConnectionHost, type ConnectionSetup } from './setup.ts';
import { type ConnectionStats, statistics } from './statistics.ts';

/**
 * One QUIC connection as a machine: driven by its endpoint, used by an application. It holds the parts and knows no rule;
 * `inbound` and `outbound` are the two roads through it. RFC 9000 §5.
 */
export class Connection {
  readonly side: 'client' | 'server';
  readonly serverName: string;
  /** For the endpoint: where it stands in its lists. */
  heapIndex = -1;
  heapDeadline: Micros = NEVER;
  queued = false;
  activeTold = false;
  /** How far its events had come when that was handed out. */
  eventsAtTelling = -1;
  /** True until the handshake is complete: counted as half-open. */
  halfOpen = true;

  readonly #parts: Parts;
  readonly #inbound: Inbound;
  readonly #outbound: Outbound;
  readonly #host: ConnectionHost;
  readonly #retrySource: Uint8Array | undefined;
  #handshakeDeadline: Micros;

  constructor(now: Micros, setup: ConnectionSetup) {
    this.side = setup.side;
    this.#retrySource = setup.side === 'server' ? setup.retrySource : undefined;
    this.serverName = setup.serverName;
    this.#host = setup.host;
    this.#handshakeDeadline = now + setup.config.handshakeTimeout;
    this.#parts = assemble(now, setup);
    this.#inbound = new Inbound(this.#parts, setup.localId.length);
    this.#outbound = new Outbound(this.#parts);
    if (setup.side === 'client') this.#parts.handshake.start(now, this.#parts);
  }

  // ---- driven by the endpoint ---------------------------------------------------------------------------------------

  /** Where a client's first packets go: routed here until it knows our own ID. */
  get firstDestination(): Uint8Array {
    return this.#retrySource ?? this.#parts.originalDestination;
  }
  /** The QUIC version that it has now; it may change until the handshake is complete. RFC 9368 §2.3. */
  get version(): number {
    return this.#parts.versions.current;
  }
  get local(): Address {
    return this.#parts.path.local;
  }
  get remote(): Address {
    return this.#parts.path.remote;
  }
  get state(): LifecycleState {
    return this.#parts.lifecycle.state;
  }
  get cause(): CloseCause | undefined {
    return this.#parts.lifecycle.cause;
  }
  get alpn(): string {
    return this.#parts.handshake.alpn;
  }
  /** At a client: what is written now leaves before the handshake is complete, and may be replayed by whoever copies it. RFC 9001 §9.2. */
  get sendsEarly(): boolean {
    return this.#parts.spaces[Space.APPLICATION]!.early.canWrite;
  }
  get handshakeComplete(): boolean {
    return this.#parts.handshake.complete;
  }

  /** A datagram for this connection. Its octets are overwritten: packets are opened in place. */
  receive(now: Micros, datagram: Datagram): void {
    this.#parts.watch.now = now;
    try {
      this.#inbound.receive(now, datagram);
    } catch (error) {
      this.#fail(now, error);
    }
  }

  /** A datagram that nobody else can read ends in this peer's reset token. RFC 9000 §10.3. */
  receiveStatelessReset(now: Micros): void {
    this.#parts.watch.now = now;
    this.#inbound.onStatelessReset(now);
  }

  pollTransmit(now: Micros, into: Datagram): boolean {
    this.#parts.watch.now = now;
    try {
      return this.#outbound.pollTransmit(now, into);
    } catch (error) {
      // Keys are worn out, or we made a mistake while writing. That is said once; when even that fails, we go without a word.
      if (this.#parts.lifecycle.open) {
        this.#fail(now, error);
        return this.pollTransmit(now, into);
      }
      this.#parts.lifecycle.expire(causeOf(error));
      return false;
    }
  }

  pollEvent(): ConnectionEvent | undefined {
    const event = this.#parts.events.poll();
    if (this.#parts.observed && event?.type === 'datagram')
      this.#parts.observer.datagramMoved(this.#parts.watch.now, 'application', event.data.length);
    return event;
  }
  get hasEvents(): boolean {
    return !this.#parts.events.empty;
  }
  /** Changes when events come up or are polled. */
  get eventChanges(): number {
    return this.#parts.events.changes;
  }

  /** The least of the parts' deadlines. */
  nextTimeout(): Micros {
    const { lifecycle, idle, path, paths, budget, spaces, handshake, localIds, table } = this.#parts;
    if (!lifecycle.open) return lifecycle.deadline;
    let deadline = Math.min(idle.deadline, idle.askAt, path.recovery.deadline, budget.deadline, paths.deadline);
    deadline = Math.min(deadline, localIds.deadline, table.deadline);
    for (const { received, keys, early } of spaces) deadline = Math.min(deadline, received.deadline, keys.deadline, early.deadline);
    return handshake.complete ? deadline : Math.min(deadline, this.#handshakeDeadline);
  }

  onTimeout(now: Micros): void {
    this.#parts.watch.now = now;
    const { lifecycle, idle, path, budget, spaces, handshake, localIds, table } = this.#parts;
    if (!lifecycle.open) {
      if (lifecycle.deadline <= now) lifecycle.onDeadline();
      return;
    }
    if (idle.deadline <= now) {
      lifecycle.expire({ kind: 'idle-timeout' });
      return;
    }
    if (!handshake.complete && this.#handshakeDeadline <= now) {
      lifecycle.expire({ kind: 'handshake-timeout' });
      return;
    }
    if (idle.askAt <= now) {
      idle.onAsk();
      this.#parts.ping.pending = true;
    }
    budget.deadline = budget.deadline <= now ? NEVER : budget.deadline;
    for (const space of spaces) {
      if (space.received.deadline <= now) space.received.onDeadline();
      if (space.keys.deadline <= now) {
        space.keys.onDeadline();
        this.#parts.observer.keysDiscarded(now, space.level, space.keys.generation - 1);
      }
      if (space.early.deadline <= now) discardEarly(now, this.#parts);
    }
    if (localIds.deadline <= now) localIds.onDeadline();
    if (table.deadline <= now) table.onDeadline(now);
    if (this.#parts.paths.deadline <= now) reportPath(now, this.#parts, this.#parts.paths.onDeadline(now));
    if (path.recovery.deadline <= now) this.#onRecoveryDeadline(now);
  }

  #onRecoveryDeadline(now: Micros): void {
    const parts = this.#parts;
    const { recovery } = parts.path;
    const { ptoCount, deadlineSpace } = recovery;
    if (recovery.onDeadline(now) === 'loss') {
      if (parts.observed) parts.observer.lossTimeout(now, parts.spaces[deadlineSpace]!.level);
      reportLost(now, parts, recovery.lost);
    }
    if (!parts.observed) return;
    if (recovery.ptoCount > ptoCount)
      for (const space of parts.spaces)
        if (recovery.probesOwed(space.index) > 0) parts.observer.probeTimeout(now, space.level, recovery.ptoCount);
    reportRecovery(now, parts);
  }

  /** The endpoint forgets it: its connection IDs are routed no more. */
  release(now: Micros): void {
    this.#parts.localIds.releaseAll();
    this.#parts.peerIds.forgetResetToken();
    this.#parts.observer.closed(now, this.#parts.lifecycle.cause ?? { kind: 'idle-timeout' });
  }

  // ---- called by the application ------------------------------------------------------------------------------------

  /** undefined: at the peer's limit; 'streams-available' follows. RFC 9000 §2.1, §4.6. */
  openStream(kind: 'bidi' | 'uni'): StreamId | undefined {
    if (!this.#parts.lifecycle.open) return undefined;
    const stream = this.#parts.table.open(kind);
    if (stream === undefined) this.#touch(); // STREAMS_BLOCKED is to be said
    return stream?.id;
  }

  /** How many streams of this kind the peer may have opened by now, in all. RFC 9000 §4.6. */
  streamsAllowed(kind: 'bidi' | 'uni'): number {
    return this.#parts.table[kind].limit;
  }

  /** Octets taken (copied); fewer when the stream's buffer, or that of all, is full: 'stream-writable' follows. 0 once the stream or the connection is over. */
  write(now: Micros, id: StreamId, data: Uint8Array): number {
    this.#parts.watch.now = now;
    const stream = this.#sending(id);
    if (stream === undefined || data.length === 0) return 0;
    const send = stream.send!;
    if (send.finished) throw new UsageError(`stream ${id} was finished; nothing more can be written`);
    const offset = send.written;
    const taken = send.write(data);
    if (taken > 0) {
      this.#parts.observer.streamWritten(now, id, offset, taken, false);
      this.#parts.sender.markReady(stream);
    }
    if (this.#parts.sender.onRoom() || taken > 0) this.#touch();
    return taken;
  }

  /** Nothing more will be written; FIN follows the last octet. */
  finish(id: StreamId): void {
    const stream = this.#sending(id);
    if (stream === undefined) return;
    const send = stream.send!;
    const { observer, watch } = this.#parts;
    if (!send.finished) observer.streamWritten(watch.now, id, send.written, 0, true);
    send.finish();
    this.#parts.sender.onRoom();
    this.#parts.sender.markReady(stream);
    this.#touch();
  }

  /**
   * Gives up sending: RESET_STREAM. RFC 9000 §3.1.
   * @param reliableSize  octets from the start, of those written, that the peer gets all the same: RESET_STREAM_AT, where
   *                      `takesResetAt` says so (draft-ietf-quic-reliable-stream-reset). A second reset may lower it; code and
   *                      final size stay. Throws UsageError when it is more than was written, or the peer does not take the frame
   */
  reset(id: StreamId, code: number, reliableSize = 0): void {
    checkCode(code);
    const stream = this.#sending(id);
    if (stream === undefined) return;
    const { written } = stream.send!;
    if (!Number.isSafeInteger(reliableSize) || reliableSize < 0 || reliableSize > written)
      throw new UsageError(`a reliable size of ${reliableSize} on stream ${id}: it must be a whole number up to the ${written} written`);
    if (reliableSize > 0 && !this.takesResetAt) throw new UsageError('the peer takes no RESET_STREAM_AT: see takesResetAt');
    this.#parts.sender.reset(stream, code, reliableSize);
    this.#touch();
  }

  /** Whether the peer takes RESET_STREAM_AT; false as long as it has said nothing. */
  get takesResetAt(): boolean {
    return this.#parts.peerParameters.resetStreamAt;
  }

  /** The data is the caller's to keep. undefined when there is nothing to read now; `fin` with the last octets, or alone. */
  read(now: Micros, id: StreamId): { readonly data: Uint8Array; readonly fin: boolean } | undefined {
    this.#parts.watch.now = now;
    const stream = this.#receiving(id);
    if (stream === undefined) return undefined;
    const receive = stream.receive!;
    const offset = receive.readOffset;
    const piece = receive.read();
    if (piece === undefined) {
      stream.readableTold = false;
      return undefined;
    }
    this.#parts.observer.streamRead(now, id, offset, piece.data.length);
    this.#parts.streams.onRead(now, stream, this.#parts.path.recovery.rtt.smoothed);
    if (piece.fin) this.#parts.table.retireIfDone(stream);
    this.#touch();
    return piece;
  }

  /** What comes on this stream is of no use: STOP_SENDING. RFC 9000 §3.5. */
  stopSending(id: StreamId, code: number): void {
    checkCode(code);
    const stream = this.#receiving(id);
    if (stream === undefined) return;
    this.#parts.streams.stop(stream, code);
    this.#touch();
  }

  /** RFC 9218; what it means is the scheduler's business. */
  prioritize(id: StreamId, priority: StreamPriority): void {
    const stream = this.#parts.table.get(id);
    if (stream === undefined) return;
    stream.priority = priority;
    if (stream.send !== undefined) this.#parts.sender.markReady(stream);
  }

  /**
   * Sends a DATAGRAM frame as soon as the congestion controller allows it, before stream data, and never again. RFC 9221. With
   * `sendsEarly` it may leave in 0-RTT.
   * @returns a handle, by which 'datagram-acked' or 'datagram-lost' speaks of it; -1 when it was not taken: it is larger than
   *          `maxDatagramSize`, too many wait to be sent, or the connection is over. The data is copied.
   */
  sendDatagram(data: Uint8Array): number {
    if (!this.#parts.lifecycle.open || data.length > this.maxDatagramSize) return -1;
    const handle = this.#parts.datagrams.queue(data);
    if (handle < 0) return handle;
    this.#parts.observer.datagramMoved(this.#parts.watch.now, 'transport', data.length);
    this.#touch();
    return handle;
  }

  /** Octets of the largest datagram that can be sent now; -1 while none can: the peer takes none, or has not said so yet. It may fall with the path. */
  get maxDatagramSize(): number {
    return largestDatagram(this.#parts, !this.#parts.spaces[Space.APPLICATION]!.keys.canWrite);
  }

  /** Asks the peer for a sign of life, which also keeps either end from ending the connection as idle. RFC 9000 §10.1.2. */
  ping(): void {
    if (!this.#parts.lifecycle.open) return;
    this.#parts.ping.pending = true;
    this.#touch();
  }

  /**
   * Whether the connection is to be kept while nothing is said: as long as that is so, the peer is asked for a sign of life after half of
   * the idle timeout, after 1 s at the earliest and 15 s at the latest. For as long as an answer is waited for, not longer: it wakes both ends, and everything on
   * the way between them, up. RFC 9000 §10.1.2.
   */
  keepAlive(wanted: boolean): void {
    if (!this.#parts.lifecycle.open) return;
    this.#parts.idle.keep(wanted);
    this.#touch();
  }

  /**
   * Goes on from another local address, as soon as that is known to reach the peer; 'path-changed' tells. RFC 9000 §9.2.
   * Throws UsageError at a server, before the handshake is confirmed, where the peer forbids it, and where it has given no ID to use.
   */
  migrate(now: Micros, local: Address): void {
    this.#parts.watch.now = now;
    const { side, handshake, peerParameters, paths, path } = this.#parts;
    if (side === 'server') throw new UsageError('a server cannot migrate (RFC 9000 §9)');
    if (!handshake.confirmed) throw new UsageError('no migration before the handshake is confirmed (RFC 9000 §9)');
    if (peerParameters.disableActiveMigration) throw new UsageError('the peer does not want migration (RFC 9000 §18.2)');
    if (!paths.migrate(local, path.remote))
      throw new UsageError('the peer has given no connection ID to use on another path (RFC 9000 §9.5)');
    this.#touch();
  }

  /** Ends the connection; the peer is told the code and the reason. RFC 9000 §10.2. */
  close(now: Micros, code: number, reason: string): void {
    this.#parts.watch.now = now;
    checkCode(code);
    this.#parts.lifecycle.close(now, { kind: 'local-application', code, reason }, this.#parts.path.probeTimeout);
    this.#touch();
  }

  /** Moves to the next keys, as soon as RFC 9001 §6.1 lets us: after confirmation, and when the last update is over. */
  updateKeys(): void {
    this.#parts.spaces[Space.APPLICATION]!.keys.updateWanted = true;
  }

  /** A copy, as of now. */
  stats(): ConnectionStats {
    return statistics(this.#parts);
  }

  #touch(): void {
    this.#host.touched(this);
  }

  #sending(id: StreamId): Stream | undefined {
    return this.#lookUp(id, 'send');
  }
  #receiving(id: StreamId): Stream | undefined {
    return this.#lookUp(id, 'receive');
  }

  /** undefined when it is over; a stream that never was, or has no such part, is a mistake of the caller's. */
  #lookUp(id: StreamId, part: 'send' | 'receive'): Stream | undefined {
    const stream = this.#parts.table.get(id);
    if (stream === undefined) {
      if (!this.#parts.table.wasOpened(id)) throw new UsageError(`stream ${id} was never opened`);
      return undefined;
    }
    if (stream[part] === undefined) throw new UsageError(`stream ${id} has no part that could ${part}`);
    return this.#parts.lifecycle.open || part === 'receive' ? stream : undefined;
  }

  /** The one place where what the peer did wrong, or we did, ends the connection. */
  #fail(now: Micros, error: unknown): void {
    this.#parts.lifecycle.close(now, causeOf(error), this.#parts.path.probeTimeout);
  }
}

/** Error codes are whole numbers that a variable-length integer holds. RFC 9000 §20.2. */
function checkCode(code: number): void {
  if (!Number.isSafeInteger(code) || code < 0)
    throw new UsageError(`${code} is no error code: it must be a whole number from 0 to 2^53 - 1`);
}

function causeOf(error: unknown): CloseCause {
  if (error instanceof TransportError)
    return { kind: 'local-transport', code: error.code, reason: error.message, frameType: error.frameType };
  // Ours, or our caller's: the peer is told no more than that; the reason stays with the cause for whoever looks here
  return {
    kind: 'local-transport',
    code: TransportErrorCode.INTERNAL_ERROR,
    reason: error instanceof Error ? `${error.name}: ${error.message}` : String(error),
    frameType: 0,
  };
}
