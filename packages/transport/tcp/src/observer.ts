import type { CongestionController, RttView } from '@quiclab/congestion';
import type { Address, Micros } from '@quiclab/sansio';
import type { State } from './connection/states.ts';
import type { DropReason } from './errors.ts';

/** Why a segment left: for the first time, because the one before it was declared lost, to probe, to ask whether the peer is there, or with no data of its own. */
export type Purpose = 'data' | 'retransmission' | 'tail-probe' | 'window-probe' | 'keep-alive' | 'ack' | 'syn' | 'reset';

/** What keeps a sender from sending: '' while it sends; the peer's window ('credit'), the congestion window, the pacer, Nagle's rule; nothing to say. */
export type Gate = '' | 'handshake' | 'credit' | 'window' | 'pacer' | 'nagle' | 'application';

/** One segment, sent or received. Reused: valid during the call only. */
export interface SegmentView {
  /** Of its data in the stream, from 0. */
  readonly offset: number;
  readonly length: number;
  readonly fin: boolean;
  readonly syn: boolean;
  readonly rst: boolean;
  /** All below is acknowledged by it, in the other direction's stream; a FIN counts one. -1: it acknowledges nothing. */
  readonly acknowledged: number;
  /** Octets that it allows beyond that. */
  readonly window: number;
  /** Octets of the whole segment, header and options included. */
  readonly bytes: number;
  /** Sent: why. Received: 'data' or 'ack', 'syn', 'reset' by what it holds. */
  readonly purpose: Purpose;
  /** Sent: how often its data was sent, with this time. */
  readonly transmission: number;
}

/** What is known when a connection begins. */
export interface ConnectionFacts {
  readonly side: 'client' | 'server';
  readonly local: Address;
  readonly remote: Address;
}

/** Override what you watch; watching changes nothing. Offsets count octets of a stream, from 0, in the direction that is told of. */
export class Observer {
  /** The first SYN leaves, or has come. */
  started(_now: Micros, _facts: ConnectionFacts): void {}
  stateChanged(_now: Micros, _from: State, _to: State): void {}
  /** The handshake is done, on this side. */
  established(_now: Micros, _maxSegmentSize: number, _initialWindow: number): void {}
  segmentSent(_now: Micros, _segment: SegmentView): void {}
  /** It came to this connection; what comes of it is told after it, `segmentDropped` where it is nothing. */
  segmentReceived(_now: Micros, _segment: SegmentView): void {}
  segmentDropped(_now: Micros, _reason: DropReason, _bytes: number): void {}
  /** The application wrote, */
  streamWritten(_now: Micros, _offset: number, _length: number, _fin: boolean): void {}
  /** octets left for the first time, or again, */
  streamSent(_now: Micros, _offset: number, _length: number, _fin: boolean, _retransmission: boolean): void {}
  /** their last copy was declared lost (by what was sent later, or because of silence; what a tail loss probe has repaired without a word is 'probe'), */
  streamLost(_now: Micros, _offset: number, _length: number, _by: 'rack' | 'duplicates' | 'timeout' | 'probe'): void {}
  /** arrived after all, though declared lost, */
  streamSpurious(_now: Micros, _offset: number, _length: number): void {}
  /** were acknowledged for the first time, */
  streamAcked(_now: Micros, _offset: number, _length: number, _by: 'cumulative' | 'sack'): void {}
  /** and the peer has them, had them before, can read them, has read them. Arrived ranges are those that had not come before. */
  streamArrived(_now: Micros, _offset: number, _length: number): void {}
  streamRepeated(_now: Micros, _offset: number, _length: number): void {}
  streamDeliverable(_now: Micros, _offset: number, _length: number): void {}
  streamRead(_now: Micros, _offset: number, _length: number): void {}
  /** What keeps the sender from sending has changed. */
  gateChanged(_now: Micros, _from: Gate, _to: Gate): void {}
  /** RTT values of 0 are not known yet. @param _pacingRate  octets per second; 0 where nothing is paced */
  recoveryUpdated(
    _now: Micros,
    _window: number,
    _bytesInFlight: number,
    _rtt: RttView,
    _phase: CongestionController['phase'],
    _threshold: number,
    _pacingRate: number,
  ): void {}
  /** A timer went off. @param _count  how often in a row, for 'retransmission', 'persist', 'keep-alive' and the 'handshake' */
  timeout(
    _now: Micros,
    _kind: 'handshake' | 'retransmission' | 'tail-probe' | 'reordering' | 'persist' | 'keep-alive' | 'ack',
    _count: number,
  ): void {}
  /** Both directions are over. */
  closed(_now: Micros, _clean: boolean, _reason: string): void {}
}
