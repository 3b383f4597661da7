import type { RttView } from '@quiclab/congestion';
import { type Address, type ByteStream, type ByteStreamEvent, type Datagram, type Micros, NEVER } from '@quiclab/sansio';
import type { DropReason } from '../errors.ts';
import { Flag } from '../segment/flags.ts';
import type { Segment } from '../segment/segment.ts';
import { positionOf } from '../segment/sequence.ts';
import { type ConnectionPlan, ControlBlock } from './control-block.ts';
import { Inbound } from './inbound.ts';
import { Opening } from './opening.ts';
import { newView, Outbound } from './outbound.ts';
import type { State } from './states.ts';

/** Figures of a connection so far. */
export interface ConnectionStats {
  readonly bytesInFlight: number;
  readonly congestionWindow: number;
  readonly rtt: RttView | undefined;
  /** Copies of data that left, expiries of the retransmission timer, tail loss probes, and losses that were none. */
  readonly retransmissions: number;
  readonly timeouts: number;
  readonly tailProbes: number;
  readonly spuriousLosses: number;
  /** Octets of data: written, sent for the first time, acknowledged, arrived in order, read. */
  readonly written: number;
  readonly sent: number;
  readonly acknowledged: number;
  readonly received: number;
  readonly read: number;
}

/** One TCP connection, driven by its endpoint only: the application's calls and events, over the parts that know the rules. RFC 9293 §3.9.1. */
export class TcpConnection implements ByteStream {
  // the endpoint's own
  queued = false;
  activeTold = false;
  eventsTold = 0;
  drained = false;
  heapIndex = -1;
  heapDeadline: Micros = NEVER;
  /** In the count of its port's half-open ones. */
  halfOpen = false;

  readonly #block: ControlBlock;
  readonly #opening: Opening;
  readonly #inbound: Inbound;
  readonly #outbound: Outbound;
  readonly #touched: () => void;
  readonly #view = newView();

  /** @param touched  the application has called: there may be something to send, or to tell */
  constructor(now: Micros, plan: ConnectionPlan, touched: (connection: TcpConnection) => void) {
    const observer = plan.policies.observer({ side: plan.side, local: plan.local, remote: plan.remote });
    this.#block = new ControlBlock(plan, observer);
    this.#opening = new Opening(this.#block);
    this.#inbound = new Inbound(this.#block, this.#opening);
    this.#outbound = new Outbound(this.#block, this.#opening);
    this.#touched = () => touched(this);
    observer.started(now, { side: plan.side, local: plan.local, remote: plan.remote });
  }

  get side(): 'client' | 'server' {
    return this.#block.side;
  }
  get local(): Address {
    return this.#block.local;
  }
  get remote(): Address {
    return this.#block.remote;
  }
  get state(): State {
    return this.#block.state;
  }

  get unacknowledged(): number {
    const { stream } = this.#block.sender;
    return stream.written - stream.acked;
  }

  // the application ----------------------------------------------------------------------------------------------------

  write(now: Micros, data: Uint8Array): number {
    const block = this.#block;
    const { stream } = block.sender;
    if (block.ended) return 0;
    const offset = stream.written;
    const taken = stream.write(data);
    if (taken > 0) block.observer.streamWritten(now, offset, taken, false);
    this.#touched();
    return taken;
  }

  read(now: Micros): { readonly data: Uint8Array; readonly fin: boolean } | undefined {
    const { receiver, events } = this.#block;
    const piece = receiver.read(now);
    if (piece === undefined) {
      events.onDrained();
      return undefined;
    }
    if (receiver.windowUpdateOwed) receiver.ackOwed = true;
    this.#touched();
    return piece;
  }

  finish(now: Micros): void {
    const block = this.#block;
    const { stream } = block.sender;
    if (block.ended || stream.finished) return;
    stream.finish();
    block.observer.streamWritten(now, stream.written, 0, true);
    block.close(now);
    this.#touched();
  }

  abort(now: Micros, reason: string): void {
    this.#block.abort(now, reason, true);
    this.#touched();
  }

  pollEvent(): ByteStreamEvent | undefined {
    return this.#block.events.poll();
  }

  stats(): ConnectionStats {
    const { sender, receiver } = this.#block;
    const { recovery } = sender;
    return {
      bytesInFlight: recovery?.board.bytesInFlight ?? 0,
      congestionWindow: sender.parts?.controller.congestionWindow ?? 0,
      rtt: recovery?.rtt,
      retransmissions: recovery?.retransmissions ?? 0,
      timeouts: recovery?.timeouts ?? 0,
      tailProbes: recovery?.probes ?? 0,
      spuriousLosses: recovery?.mistakes.count ?? 0,
      written: sender.stream.written,
      sent: sender.stream.sent,
      acknowledged: sender.stream.acked,
      received: receiver.stream.contiguous,
      read: receiver.stream.readOffset,
    };
  }

  // the endpoint -------------------------------------------------------------------------------------------------------

  /** Begins the handshake: a client's, or with the SYN that has come a server's. */
  open(now: Micros, syn?: Segment): void {
    if (syn === undefined) this.#block.move(now, 'open');
    else {
      this.#opening.onSyn(now, syn);
      this.#block.move(now, 'syn');
    }
    this.#opening.begin();
  }

  /** @returns why it was not taken; 'no-connection' is to be answered by a reset */
  receive(now: Micros, segment: Segment): DropReason | '' {
    const block = this.#block;
    const before = block.receiver.next;
    const view = this.#view;
    view.syn = segment.has(Flag.SYN);
    view.fin = segment.has(Flag.FIN);
    view.rst = segment.has(Flag.RST);
    view.offset = view.syn ? -1 : positionOf(block.remoteBase, segment.sequence, before);
    view.length = segment.payloadLength;
    view.acknowledged = segment.has(Flag.ACK) ? positionOf(block.localBase, segment.acknowledgment, block.sender.una) : -1;
    view.window = segment.window * (view.syn ? 1 : 1 << block.sendScale);
    view.bytes = segment.payloadEnd;
    view.purpose = view.rst ? 'reset' : view.syn ? 'syn' : view.length > 0 || view.fin ? 'data' : 'ack';
    block.observer.segmentReceived(now, view);
    const reason = this.#inbound.receive(now, segment);
    if (reason !== '') block.observer.segmentDropped(now, reason, segment.payloadEnd);
    return reason;
  }

  nextTimeout(): Micros {
    const block = this.#block;
    if (block.state === 'closed') return NEVER;
    return Math.min(block.deadline, this.#opening.deadline, block.receiver.ackDeadline, block.sender.nextTimeout, this.#keepAliveDeadline);
  }

  /** In TIME-WAIT nobody is asked for anything. */
  get #keepAliveDeadline(): Micros {
    return this.#block.state === 'time-wait' ? NEVER : this.#block.keepAlive.deadline;
  }

  onTimeout(now: Micros): void {
    const block = this.#block;
    if (block.state === 'closed') return;
    this.#opening.onDeadline(now);
    block.receiver.onDeadline(now);
    block.sender.onDeadline(now);
    if (this.#keepAliveDeadline <= now && block.keepAlive.onDue(now, block.sender.isSilent))
      block.observer.timeout(now, 'keep-alive', block.keepAlive.unanswered);
    if (block.sender.givesUp || block.keepAlive.givesUp) block.abort(now, 'the peer does not answer any more', true);
    if (block.deadline <= now) block.move(now, 'timeout');
  }

  pollTransmit(now: Micros, into: Datagram): boolean {
    return this.#outbound.pollTransmit(now, into);
  }

  get hasEvents(): boolean {
    return !this.#block.events.isEmpty;
  }
  get eventChanges(): number {
    return this.#block.events.changes;
  }

  /** Nothing is left to do, and nothing to say. */
  get isGone(): boolean {
    return this.#block.state === 'closed' && !this.#block.resetOwed;
  }

  /** Whether a SYN begins another connection between the same two ports, while this one waits for stray segments. RFC 9293 §3.6.1, RFC 6191 §2. */
  givesWayTo(now: Micros, syn: Segment): boolean {
    const { state, timestamps, remoteBase, receiver } = this.#block;
    if (state !== 'time-wait') return false;
    if (timestamps.used && syn.hasTimestamps) return !timestamps.isOld(now, syn.timestamp) && syn.timestamp !== timestamps.recent;
    return positionOf(remoteBase, syn.sequence, receiver.next) > receiver.next;
  }
}
