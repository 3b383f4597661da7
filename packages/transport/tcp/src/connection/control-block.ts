import type { Address, Micros, Random } from '@quiclab/sansio';
import { NEVER } from '@quiclab/sansio';
import type { PathFacts, Policies, TcpConfig } from '../config.ts';
import type { ConnectionFacts, Observer } from '../observer.ts';
import { Receiver } from '../receive/receiver.ts';
import { Sender } from '../send/sender.ts';
import { Challenges } from './challenges.ts';
import { EventQueue } from './event-queue.ts';
import { KeepAlive } from './keep-alive.ts';
import { nextState, type State, type StateInput } from './states.ts';
import { Timestamps } from './timestamps.ts';

/** What a connection is made from. */
export interface ConnectionPlan extends ConnectionFacts {
  readonly config: TcpConfig;
  readonly policies: Policies;
  /** Its own, for the initial sequence number. */
  readonly random: Random;
  /** Where the timestamps begin: the same for all connections of an endpoint, so that a later one between the same ports has later ones. RFC 6191 §2. */
  readonly timestampOffset: number;
}

/** What the parts of a connection share: RFC 9293 §3.3.1 calls it the TCB. It knows where the connection stands, and no rule. */
export class ControlBlock {
  readonly side: 'client' | 'server';
  readonly local: Address;
  readonly remote: Address;
  readonly config: TcpConfig;
  readonly policies: Policies;
  readonly observer: Observer;
  readonly sender: Sender;
  readonly receiver: Receiver;
  readonly timestamps: Timestamps;
  readonly events: EventQueue;
  readonly challenges: Challenges;
  readonly keepAlive: KeepAlive;
  state: State;
  /** Sequence numbers of position 0 in each direction: ISS + 1 and IRS + 1. */
  readonly localBase: number;
  remoteBase: number;
  /** Snd.Wind.Shift and Rcv.Wind.Shift. RFC 7323 §2.3. */
  sendScale: number;
  receiveScale: number;
  sackPermitted: boolean;
  /** SND.WL1 and SND.WL2 as positions: which segment the window was taken from. RFC 9293 §3.10.7.4. */
  windowSequence: number;
  windowAcknowledgment: number;
  /** Last.ACK.sent as a position. RFC 7323 §4.3. */
  lastAckSent: number;
  /** The SYN, or the SYN-ACK, must leave; the handshake's last acknowledgement; a reset. */
  synOwed: boolean;
  handshakeAckOwed: boolean;
  resetOwed: boolean;
  /** The end of TIME-WAIT. */
  deadline: Micros;
  /** Both directions are over, and that was told. */
  ended: boolean;

  constructor(plan: ConnectionPlan, observer: Observer) {
    this.side = plan.side;
    this.local = plan.local;
    this.remote = plan.remote;
    this.config = plan.config;
    this.policies = plan.policies;
    this.observer = observer;
    this.sender = new Sender(plan.config, observer);
    this.receiver = new Receiver(plan.config, observer);
    this.timestamps = new Timestamps(plan.timestampOffset);
    this.events = new EventQueue();
    this.challenges = new Challenges();
    this.keepAlive = new KeepAlive(plan.config);
    this.state = plan.side === 'client' ? 'closed' : 'listen';
    this.localBase = plan.random.uint32();
    this.remoteBase = 0;
    this.sendScale = 0;
    this.receiveScale = 0;
    this.sackPermitted = false;
    this.windowSequence = 0;
    this.windowAcknowledgment = 0;
    this.lastAckSent = 0;
    this.synOwed = false;
    this.handshakeAckOwed = false;
    this.resetOwed = false;
    this.deadline = NEVER;
    this.ended = false;
  }

  /** Follows an arrow of the state diagram, if there is one, and does what its end asks for. */
  move(now: Micros, input: StateInput, reason = ''): void {
    const from = this.state;
    const to = nextState(from, input);
    if (to === from) return;
    this.state = to;
    this.observer.stateChanged(now, from, to);
    if (to === 'established') this.keepAlive.onHeard(now);
    if (to === 'time-wait') {
      this.deadline = now + this.config.timeWait;
      this.#end(now, true, '');
    } else if (to === 'closed') {
      this.deadline = NEVER;
      this.#end(now, input !== 'abort', reason);
    }
  }

  /** Gives the connection up. @param tellPeer  by a reset, where it knows of the connection */
  abort(now: Micros, reason: string, tellPeer: boolean): void {
    if (this.state === 'closed') return;
    this.resetOwed = tellPeer && this.state !== 'syn-sent' && this.state !== 'time-wait';
    this.synOwed = false;
    this.handshakeAckOwed = false;
    this.move(now, 'abort', reason);
  }

  /** The application has finished, and the handshake is done: the state says so, the FIN follows what was written. */
  close(now: Micros): void {
    if (this.sender.stream.finished) this.move(now, 'close');
  }

  /** What the sender's policies may know. */
  path(maxSegmentSize: number, initialWindow: number): PathFacts {
    return { local: this.local, remote: this.remote, maxSegmentSize, initialWindow, config: this.config };
  }

  #end(now: Micros, clean: boolean, reason: string): void {
    if (this.ended) return;
    this.ended = true;
    this.events.onClosed(clean, reason);
    this.observer.closed(now, clean, reason);
  }
}
