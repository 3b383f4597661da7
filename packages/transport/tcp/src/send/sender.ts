import { type CongestionController, type Pacer, pacingRate, unpaced } from '@quiclab/congestion';
import { type Micros, NEVER } from '@quiclab/sansio';
import { SendStream } from '@quiclab/streams';
import type { TcpConfig } from '../config.ts';
import type { Gate, Observer, Purpose } from '../observer.ts';
import type { LossRecovery } from './loss-recovery.ts';
import type { SackBlocks } from './sack-blocks.ts';
import type { SentSegment } from './sent-segment.ts';

/** What the handshake has settled, and what was made for it. */
export interface Established {
  /** Octets of data in a full segment. */
  readonly maxSegmentSize: number;
  readonly controller: CongestionController;
  readonly pacer: Pacer;
  readonly recovery: LossRecovery;
}

/**
 * One direction's sending side: what the application wrote, what of it may leave now, and why not more. What was sent and how it
 * fares is `recovery`'s. Before the handshake is done it takes octets and sends none.
 */
export class Sender {
  readonly stream: SendStream;
  gate: Gate = 'handshake';
  /** When the pacer, or a window that stays closed, wants to be asked again. */
  deadline: Micros = NEVER;

  /** MAX.SND.WND: the widest window that the peer has announced. */
  largestWindow = 0;

  /** What `prepare` found: the data [offset, offset + length), and whether the FIN follows. */
  nextOffset = 0;
  nextLength = 0;
  nextFin = false;
  nextPurpose: Purpose = 'data';
  nextTransmission = 1;

  readonly #config: TcpConfig;
  readonly #observer: Observer;
  #parts: Established | undefined = undefined;
  #again: SentSegment | undefined = undefined; // what `prepare` found is a copy of this
  #smallEnd = -1; // where the last small segment ended: Nagle's rule (RFC 9293 §3.7.4)
  #persisting = false;
  #persistCount = 0;
  #unanswered = 0;
  #overridden = false; // the window has stayed small for long enough

  constructor(config: TcpConfig, observer: Observer) {
    this.#config = config;
    this.#observer = observer;
    this.stream = new SendStream(0, 0, config.sendBuffer, config.sendAhead);
  }

  get recovery(): LossRecovery | undefined {
    return this.#parts?.recovery;
  }
  get parts(): Established | undefined {
    return this.#parts;
  }

  establish(parts: Established): void {
    this.#parts = parts;
  }

  /** SND.UNA: all positions below are acknowledged. */
  get una(): number {
    return this.#parts?.recovery.board.una ?? 0;
  }
  get next(): number {
    return this.#parts?.recovery.board.next ?? 0;
  }
  /** The position after the FIN, once it was sent, has been acknowledged. */
  get finAcked(): boolean {
    return this.stream.state === 'data-recvd';
  }

  /** The peer takes octets below `edge`; `window` of them beyond what it acknowledges. A window that shrinks is not followed (RFC 9293 §3.8.6). */
  onWindow(edge: number, window: number): void {
    if (window > this.largestWindow) this.largestWindow = window;
    if (!this.stream.setMaxData(edge)) return;
    this.#persistCount = 0;
    this.#overridden = false;
    if (!this.#persisting) return;
    this.#persisting = false;
    this.deadline = NEVER;
  }

  /** An acceptable acknowledgement. */
  onAck(now: Micros, ack: number, blocks: SackBlocks, echo: number, echoAge: Micros, duplicate: boolean): void {
    const { recovery } = this.#parts!;
    const before = recovery.board.una;
    this.#unanswered = 0; // RFC 9293 §3.8.6.1: as long as the peer answers, however closed its window, nobody gives up
    const isNews = recovery.onAck(now, ack, blocks, echo, echoAge, duplicate);
    if (ack > before) {
      const data = Math.min(ack, this.stream.written);
      const fin = this.stream.finished && ack > this.stream.written;
      this.stream.onAcked(before, Math.max(0, data - before), fin);
    }
    if (isNews) this.#tell(now);
  }

  onDeadline(now: Micros): void {
    if (this.#parts === undefined) return;
    if (this.#parts.recovery.deadline <= now) {
      this.#parts.recovery.onDeadline(now);
      this.#tell(now);
    }
    if (this.deadline > now) return;
    this.deadline = NEVER;
    if (!this.#persisting) return; // the pacer lets something leave
    this.#persisting = false;
    this.#persistCount++;
    this.#unanswered++;
    this.#observer.timeout(now, 'persist', this.#persistCount);
    this.#overridden = true;
  }

  /** The peer has not answered for so long that it is taken for gone. RFC 9293 §3.8.3. */
  get givesUp(): boolean {
    const most = this.#config.retries;
    return this.#unanswered > most || (this.#parts !== undefined && this.#parts.recovery.expiries > most);
  }

  /** Nothing was sent that wants an answer, and nothing waits to be. */
  get isSilent(): boolean {
    return this.stream.written === this.stream.sent && this.#parts?.recovery.board.log.count === 0;
  }

  get nextTimeout(): Micros {
    return this.#parts === undefined ? NEVER : Math.min(this.deadline, this.#parts.recovery.deadline);
  }

  /**
   * Finds what to send next, and says in `gate` why there is nothing: what was lost, else what is new, one full segment at most; a probe
   * whatever the window says.
   */
  prepare(now: Micros): boolean {
    const parts = this.#parts;
    if (parts === undefined) return false;
    const { recovery } = parts;
    if (recovery.probe.owed && this.#prepareProbe(parts)) return true;
    const gate = this.#prepareUsual(now, parts);
    if (gate === '') {
      this.#setGate(now, '');
      return true;
    }
    if (gate === 'application') recovery.onAppLimited();
    recovery.onStopped(gate);
    this.#setGate(now, gate);
    return false;
  }

  #prepareUsual(now: Micros, parts: Established): Gate {
    const { recovery } = parts;
    const again = recovery.board.nextLost();
    if (again !== undefined && !(recovery.mistakes.newDataFirst && this.#findNew(parts) === '')) {
      this.#repeat(again, 'retransmission');
      return this.#mayLeave(now, parts);
    }
    const gate = this.#findNew(parts);
    if (gate === '') return this.#mayLeave(now, parts);
    if (gate === 'credit') this.#persist(now, recovery);
    return gate;
  }

  /** New data, as far as the peer's window goes; the silly window syndrome is avoided (RFC 9293 §3.8.6.2.1). */
  #findNew(parts: Established): Gate {
    const { stream } = this;
    const { maxSegmentSize, recovery } = parts;
    const unsent = stream.written - stream.sent;
    this.#again = undefined;
    this.nextPurpose = 'data';
    this.nextTransmission = 1;
    if (recovery.board.next > stream.written) return 'application'; // the FIN has left
    if (!stream.prepare(maxSegmentSize, Number.MAX_SAFE_INTEGER)) return unsent === 0 ? 'application' : 'credit';
    this.nextOffset = stream.nextOffset;
    this.nextLength = stream.nextLength;
    this.nextFin = stream.nextFin && stream.nextOffset + stream.nextLength < stream.maxData; // the FIN takes room, too
    if (this.nextLength === 0) return this.nextFin ? '' : 'credit';
    const isSmall = this.nextLength < maxSegmentSize;
    if (isSmall && this.nextLength < unsent && 2 * this.nextLength < this.largestWindow && !this.#overridden) return 'credit';
    if (isSmall && this.#config.nagle && !this.nextFin && this.#smallEnd > recovery.board.una) return 'nagle';
    return '';
  }

  #mayLeave(now: Micros, parts: Established): Gate {
    const { recovery, pacer, controller } = parts;
    if (!recovery.windowAllows(this.nextLength)) return 'window';
    const earliest = pacer.earliest(now, this.nextLength, pacingRate(controller, recovery.rtt));
    if (earliest <= now) return '';
    this.deadline = earliest;
    return 'pacer';
  }

  /** RFC 8985 §7.3: something new if the peer takes it, else the last that is missing. */
  #prepareProbe(parts: Established): boolean {
    const { recovery } = parts;
    if (this.#findNew(parts) === '') {
      this.nextPurpose = 'tail-probe';
      return true;
    }
    const highest = recovery.board.highestMissing();
    if (highest === undefined) {
      recovery.probe.owed = false;
      return false;
    }
    this.#repeat(highest, 'tail-probe');
    return true;
  }

  #repeat(segment: SentSegment, purpose: Purpose): void {
    this.#again = segment;
    this.nextOffset = segment.start;
    this.nextLength = segment.bytes - (segment.fin ? 1 : 0);
    this.nextFin = segment.fin;
    this.nextPurpose = purpose;
    this.nextTransmission = segment.transmissions + 1;
  }

  /** What `prepare` found has left. */
  onSent(now: Micros, timestamp: number): void {
    const { recovery, pacer, controller, maxSegmentSize } = this.#parts!;
    const { nextOffset: offset, nextLength: length, nextFin: fin } = this;
    const bytes = length + (fin ? 1 : 0);
    const again = this.#again;
    if (again === undefined) {
      this.stream.onSent(offset, length, fin);
      recovery.onNewSent(now, offset + bytes, fin, timestamp);
      if (length < maxSegmentSize) this.#smallEnd = offset + bytes;
      this.#overridden = false;
    } else recovery.onRetransmitted(now, again, timestamp);
    pacer.onSent(now, length, pacingRate(controller, recovery.rtt));
    this.#observer.streamSent(now, offset, length, fin, again !== undefined);
    this.#tell(now);
  }

  /** A probe of a closed window is due: nothing of what waits fits it. */
  get windowProbeOwed(): boolean {
    return this.#overridden && this.gate === 'credit';
  }

  onWindowProbeSent(now: Micros): void {
    this.#overridden = false;
    this.#persist(now, this.#parts!.recovery);
  }

  /** RFC 9293 §3.8.6.1: with nothing in flight whose acknowledgement could open the window, it is asked for. */
  #persist(now: Micros, recovery: LossRecovery): void {
    if (this.#persisting || this.#overridden || recovery.board.log.count > 0) return;
    this.#persisting = true;
    let interval = recovery.rto;
    for (let i = 0; i < this.#persistCount && interval < this.#config.maxRto; i++) interval *= 2;
    this.deadline = now + Math.min(interval, this.#config.maxRto);
  }

  #setGate(now: Micros, gate: Gate): void {
    if (gate === this.gate) return;
    const before = this.gate;
    this.gate = gate;
    this.#observer.gateChanged(now, before, gate);
  }

  #tell(now: Micros): void {
    const { recovery, controller, pacer } = this.#parts!;
    this.#observer.recoveryUpdated(
      now,
      controller.congestionWindow,
      recovery.board.bytesInFlight,
      recovery.rtt,
      controller.phase,
      controller.slowStartThreshold ?? NEVER,
      pacer === unpaced ? 0 : pacingRate(controller, recovery.rtt),
    );
  }
}
