import { RttEstimator } from '@quiclab/recovery';
import { type Micros, NEVER } from '@quiclab/sansio';
import { MAX_WINDOW_SCALE, TIMESTAMPS_SIZE } from '../segment/options.ts';
import type { Segment } from '../segment/segment.ts';
import { LossRecovery } from '../send/loss-recovery.ts';
import type { ControlBlock } from './control-block.ts';

const DEFAULT_MAX_SEGMENT_SIZE = 536; // RFC 9293 §3.7.1
const LEAST_MAX_SEGMENT_SIZE = 64; // a peer that asks for segments of one octet is not obeyed
const LARGEST_INITIAL_WINDOW = 14_600; // RFC 6928 §2

/** The handshake: SYNs that are sent until they are answered, what they offer, and what comes of it. RFC 9293 §3.5. */
export class Opening {
  /** When the SYN, or SYN-ACK, is sent again. */
  deadline: Micros = NEVER;
  readonly #block: ControlBlock;
  #sends = 0;
  #sentAt: Micros = 0;
  #peerMaxSegmentSize = DEFAULT_MAX_SEGMENT_SIZE;

  constructor(block: ControlBlock) {
    this.#block = block;
  }

  begin(): void {
    this.#block.synOwed = true;
  }

  /** Fills in what a SYN, or SYN-ACK, offers: what the peer's has not refused. RFC 7323 §1.3, RFC 2018 §2. */
  writeOffers(segment: Segment): void {
    const { config, state, timestamps } = this.#block;
    const answers = state === 'syn-received';
    segment.maxSegmentSize = config.maxSegmentSize;
    segment.windowScale = config.windowScaling && (!answers || this.#scaling) ? scaleFor(config.maxReceiveBuffer) : -1;
    segment.sackPermitted = answers ? this.#block.sackPermitted : config.sack;
    segment.hasTimestamps = answers ? timestamps.used : config.timestamps;
  }

  #scaling = false; // the peer has offered it

  onSent(now: Micros): void {
    const block = this.#block;
    block.synOwed = false;
    this.#sends++;
    this.#sentAt = now;
    let timeout = block.config.initialRto;
    for (let i = 1; i < this.#sends && timeout < block.config.maxRto; i++) timeout *= 2;
    this.deadline = now + Math.min(timeout, block.config.maxRto);
  }

  onDeadline(now: Micros): void {
    if (this.deadline > now) return;
    const block = this.#block;
    this.deadline = NEVER;
    block.observer.timeout(now, 'handshake', this.#sends);
    const most = block.state === 'syn-sent' ? block.config.synRetries : block.config.synAckRetries;
    if (this.#sends > most) block.abort(now, 'the handshake was not answered', false);
    else block.synOwed = true;
  }

  /** The peer's SYN, or SYN-ACK: its first sequence number, and what it offers. */
  onSyn(now: Micros, segment: Segment): void {
    const block = this.#block;
    const { config, timestamps } = block;
    block.remoteBase = (segment.sequence + 1) >>> 0;
    if (segment.maxSegmentSize >= 0) this.#peerMaxSegmentSize = Math.max(segment.maxSegmentSize, LEAST_MAX_SEGMENT_SIZE);
    this.#scaling = config.windowScaling && segment.windowScale >= 0;
    if (this.#scaling) {
      block.sendScale = segment.windowScale;
      block.receiveScale = scaleFor(config.maxReceiveBuffer);
    }
    block.sackPermitted = config.sack && segment.sackPermitted;
    if (config.timestamps && segment.hasTimestamps) timestamps.begin(now, segment.timestamp);
    block.windowSequence = -1;
  }

  /** Our SYN is acknowledged: both directions are open. */
  establish(now: Micros, segment: Segment): void {
    const block = this.#block;
    const { config, policies, timestamps, sender } = block;
    this.deadline = NEVER;
    block.synOwed = false;
    const rtt = new RttEstimator(config.initialRto);
    if (this.#sends === 1) rtt.sample(now, now - this.#sentAt, 0);
    else if (timestamps.used && segment.hasTimestamps) rtt.sample(now, timestamps.since(now, segment.echo), 0);
    const maxSegmentSize = Math.min(this.#peerMaxSegmentSize, config.maxSegmentSize) - (timestamps.used ? TIMESTAMPS_SIZE : 0);
    // RFC 5681 §3.1 has one segment after any lost SYN; here, as in Linux, it takes two: one may have been late
    const segments = this.#sends > 2 ? 1 : config.initialWindow;
    const initialWindow = Math.min(segments * maxSegmentSize, Math.max(LARGEST_INITIAL_WINDOW, 2 * maxSegmentSize));
    const path = block.path(maxSegmentSize, initialWindow);
    const controller = policies.congestion(path);
    const recovery = new LossRecovery(config, controller, block.observer, {
      sackPermitted: block.sackPermitted,
      synLost: this.#sends > 1 && !rtt.hasSample,
      rtt,
    });
    sender.establish({ maxSegmentSize, controller, pacer: policies.pacer(path), recovery });
    block.observer.established(now, maxSegmentSize, initialWindow);
  }
}

/** The least shift with which the field's sixteen bits say so many octets. RFC 7323 §2.3. */
function scaleFor(octets: number): number {
  let scale = 0;
  while (scale < MAX_WINDOW_SCALE && octets > 65_535 * (1 << scale)) scale++;
  return scale;
}
