import type { CongestionController, RttView } from '@quiclab/congestion';
import type { CipherSuite } from '@quiclab/crypto';
import type { Address, Datagram, Micros } from '@quiclab/sansio';
import type { ReceiveState, SendState, StreamId } from '@quiclab/streams';
import type { Level } from '@quiclab/tls';
import type { TransportParameters, VersionInformation } from '@quiclab/wire';
import type { CloseCause, DropReason } from './errors.ts';
import type { EcnFailure, EcnState } from './path/ecn.ts';

/** The frames of one packet as numbers. What `offset` and `size` mean hangs on the type; for STREAM and CRYPTO they say what they are called. */
export interface FrameLog {
  /** How many frames. */
  readonly length: number;
  /** As in FrameType; STREAM frames have 0x08, or 0x09 with FIN. */
  type(i: number): number;
  /** The stream ID; for frames of no stream 0. For CONNECTION_CLOSE the error code, for ACK the number of ranges, for ACK_FREQUENCY the threshold. */
  stream(i: number): StreamId;
  /** An offset, a limit, a sequence number, a final size, the largest acknowledged; for DATAGRAM frames that we send their handle. */
  offset(i: number): number;
  /** Octets of data; error code of RESET_STREAM and STOP_SENDING, reliable size of RESET_STREAM_AT; ACK delay in µs, or the one that ACK_FREQUENCY asks for. */
  size(i: number): number;
}

/** One packet, sent or received. Reused: valid during the call only. */
export interface PacketView {
  readonly level: Level;
  readonly packetNumber: number;
  readonly path: number;
  /** The nth datagram that this connection sent (or received), from 0. */
  readonly datagram: number;
  /** Octets of the whole QUIC packet, header and tag included. */
  readonly bytes: number;
  readonly ackEliciting: boolean;
  readonly inFlight: boolean;
  readonly sentAt: Micros;
  /** QUIC version of a long header; 0 where there is none. */
  readonly version: number;
  /** Updates of the keys that protect it, of which its Key Phase bit is the lowest (RFC 9001 §6); -1 but for 1-RTT packets. */
  readonly keyPhase: number;
  /** Octets of the token in an Initial packet. */
  readonly tokenLength: number;
  /** Sent because a probe timeout had passed. RFC 9002 §6.2.4. */
  readonly probe: boolean;
  /** Sent, or lost: larger than what the path was known to carry. RFC 9000 §14.4. */
  readonly mtuProbe: boolean;
  /** Received before its keys were there, and kept. RFC 9001 §5.7. */
  readonly waited: boolean;
  /** The frames as octets, [payloadStart, payloadEnd) of `payload`: what a log of numbers leaves out. Empty for lost packets, and for sent ones where nobody reads them. */
  readonly payload: Uint8Array;
  readonly payloadStart: number;
  readonly payloadEnd: number;
  readonly frames: FrameLog;
}

/** What keeps stream data from leaving, whether there is any or not. Credit is told by frames. RFC 9000 §8.1, RFC 9002 §7, §7.7. */
export type Refusal = 'keys' | 'amplification' | 'window' | 'pacer';

/** What is known when a connection begins. */
export interface ConnectionFacts {
  readonly side: 'client' | 'server';
  /** Destination connection ID of the client's first Initial, before any Retry. */
  readonly originalId: Uint8Array;
  /** Our own ID, and where our first packets go. */
  readonly localId: Uint8Array;
  readonly peerId: Uint8Array;
  readonly local: Address;
  readonly remote: Address;
  readonly version: number;
  /** Versions that we speak, preferred first. */
  readonly versions: readonly number[];
  readonly alpn: readonly string[];
  /** At a server: a token has shown that the client is where it says. RFC 9000 §8.1. */
  readonly addressValidated: boolean;
  /** Octets of the largest datagram that we send, and of the window to begin with. */
  readonly maxDatagramSize: number;
  readonly initialWindow: number;
  readonly initialRtt: Micros;
}

/**
 * Override what you watch; watching changes nothing. What an application does in a call that takes no time (`finish`, `reset`,
 * `openStream`, `sendDatagram`, `pollEvent`) is told as of the instant that the connection was given last.
 */
export class Observer {
  /** Whether it reads the payload of packets that are sent: asked once. It is copied for that, since packets are sealed in place. */
  readonly readsPayloads: boolean = true;

  started(_now: Micros, _facts: ConnectionFacts): void {}
  /** At a client: the server has asked for another version, and this one is tried; 0: none of them is ours. RFC 9000 §6.2, RFC 9368 §2.1. */
  versionsOffered(_now: Micros, _offered: readonly number[], _chosen: number): void {}
  /** At a client: the server wants the token back, and its packets sent to this connection ID. RFC 9000 §8.1.2. */
  retryReceived(_now: Micros, _sourceId: Uint8Array, _tokenLength: number, _bytes: number): void {}
  /** The peer has told its versions, if it does: both ends know which one the connection has. RFC 9368. */
  versionNegotiated(_now: Micros, _version: number, _original: number, _peer: VersionInformation | undefined): void {}
  parameters(_now: Micros, _owner: 'local' | 'remote', _parameters: TransportParameters): void {}
  /** At a client: what the server said in an earlier connection, by which early data is sent. RFC 9000 §7.4.1. */
  parametersRestored(_now: Micros, _parameters: TransportParameters): void {}
  /** @param _ecn  ECN_UNSUPPORTED: the system does not let us set it */
  datagramSent(_now: Micros, _datagram: number, _path: number, _length: number, _ecn: Datagram['ecn']): void {}
  /** @param _ecn  ECN_UNSUPPORTED: the system does not let us read it */
  datagramReceived(_now: Micros, _datagram: number, _path: number, _length: number, _ecn: Datagram['ecn']): void {}
  packetSent(_now: Micros, _packet: PacketView): void {}
  /** It was opened; what comes of its frames is told after it. */
  packetReceived(_now: Micros, _packet: PacketView): void {}
  packetLost(_now: Micros, _packet: PacketView, _by: 'packets' | 'time'): void {}
  /** Acknowledged for the first time, all by one ACK frame; late ones among them were declared lost before. The list is reused. */
  packetsAcked(_now: Micros, _level: Level, _packetNumbers: readonly number[]): void {}
  /** @param _type  value of PacketType, -1 where there was no telling */
  packetDropped(_now: Micros, _reason: DropReason, _bytes: number, _type: number): void {}
  /** Its keys are not there yet. RFC 9001 §5.7. @param _type  value of PacketType */
  packetBuffered(_now: Micros, _type: number, _bytes: number): void {}
  /** A stream's part is in another state; from '': the stream was opened. RFC 9000 §3. */
  streamState(
    _now: Micros,
    _id: StreamId,
    _part: 'sending' | 'receiving',
    _from: SendState | ReceiveState | '',
    _to: SendState | ReceiveState,
  ): void {}
  streamWritten(_now: Micros, _id: StreamId, _offset: number, _length: number, _fin: boolean): void {}
  /** Octets that left for the first time. */
  streamSent(_now: Micros, _id: StreamId, _offset: number, _length: number, _fin: boolean): void {}
  /** Octets that had not come before, in the order of their offsets within one frame. */
  streamArrived(_now: Micros, _id: StreamId, _offset: number, _length: number): void {}
  /** Contiguous now: what loss is blamed for ends here. */
  streamDeliverable(_now: Micros, _id: StreamId, _offset: number, _length: number): void {}
  /** The application took it: never blamed on loss. */
  streamRead(_now: Micros, _id: StreamId, _offset: number, _length: number): void {}
  /** A datagram was taken from the application, or the application took one that came. RFC 9221. */
  datagramMoved(_now: Micros, _to: 'transport' | 'application', _length: number): void {}
  /** RTT values of 0 are not known yet. @param _threshold  where slow start ends; Infinity: the controller knows of no such window */
  recoveryUpdated(
    _now: Micros,
    _path: number,
    _window: number,
    _bytesInFlight: number,
    _rate: number,
    _rtt: RttView,
    _phase: CongestionController['phase'],
    _ptoCount: number,
    _threshold: number,
  ): void {}
  /** All that could leave at this instant has left; from now on this refuses, '' for nothing. Told when it is another one than before. */
  sendingRefused(_now: Micros, _by: Refusal | ''): void {}
  /** The loss detection timer is set, to `_deadline`; NEVER: it was cancelled. RFC 9002 §6, Appendix A.8. */
  timerSet(_now: Micros, _kind: 'loss' | 'probe', _level: Level, _deadline: Micros): void {}
  /** It went off because packets are lost by time. */
  lossTimeout(_now: Micros, _level: Level): void {}
  /** It went off because nothing was heard; probes follow. */
  probeTimeout(_now: Micros, _level: Level, _ptoCount: number): void {}
  handshakeState(_now: Micros, _state: 'complete' | 'confirmed', _alpn: string, _earlyData: 'none' | 'accepted' | 'rejected'): void {}
  /** Another connection ID is used: 'local', the peer sends to another one of ours; 'remote', we send to another one of the peer's. */
  connectionIdChanged(_now: Micros, _whose: 'local' | 'remote', _before: Uint8Array, _after: Uint8Array): void {}
  pathAdded(_now: Micros, _path: number, _local: Address, _remote: Address): void {}
  /** Whether the peer is there: asked, answered, or not answered. RFC 9000 §8.2. At a server path 0 is validated by the handshake, too. */
  pathValidation(_now: Micros, _path: number, _state: 'started' | 'succeeded' | 'failed'): void {}
  /** The connection goes on on this path. */
  pathChanged(_now: Micros, _path: number, _local: Address, _remote: Address): void {}
  /** Whether ECN can be used there: '' before 'testing', which the first marked packet begins. @param _failure  why it has 'failed' */
  ecnState(_now: Micros, _path: number, _from: EcnState | '', _to: EcnState, _failure: EcnFailure): void {}
  pathRemoved(_now: Micros, _path: number): void {}
  /** The largest datagram that the path is known to carry is another one, or (`_done`) no larger one is looked for. `mtuDiscovery`, RFC 9000 §14.3. */
  mtuUpdated(_now: Micros, _path: number, _before: number, _after: number, _done: boolean): void {}
  keysInstalled(_now: Micros, _level: Level, _direction: 'read' | 'write', _suite: CipherSuite): void {}
  /** @param _phase  -1: all keys of that level; else those that read 1-RTT packets with fewer updates than the present ones */
  keysDiscarded(_now: Micros, _level: Level, _phase: number): void {}
  /**
   * We have moved on ('local'), or the peer has. After a peer that follows us only the keys that read have moved, else both.
   * @param _phase       the new Key Phase bit
   * @param _generation  updates since the handshake
   */
  keyUpdated(_now: Micros, _by: 'local' | 'peer', _phase: number, _generation: number): void {}
  /** No more is said than CONNECTION_CLOSE, or nothing. RFC 9000 §10. */
  ended(_now: Micros, _state: 'closing' | 'draining' | 'drained', _cause: CloseCause): void {}
  /** The connection is forgotten. */
  closed(_now: Micros, _cause: CloseCause): void {}
  /** NSS key log: label, client random, secret. */
  secret(_label: string, _clientRandom: Uint8Array, _secret: Uint8Array): void {}
}
