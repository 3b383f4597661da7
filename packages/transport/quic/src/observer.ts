import type { RttView } from '@quiclab/congestion';
import type { Address, Ecn, Micros } from '@quiclab/sansio';
import type { StreamId } from '@quiclab/streams';
import type { Level } from '@quiclab/tls';
import type { TransportParameters, VersionInformation } from '@quiclab/wire';
import type { CloseCause, DropReason } from './errors.ts';

/** The frames of one packet as numbers. What `offset` and `size` mean hangs on the type; for STREAM and CRYPTO they say what they are called. */
export interface FrameLog {
  /** How many frames. */
  readonly length: number;
  /** As in FrameType; STREAM frames have 0x08, or 0x09 with FIN. */
  type(i: number): number;
  /** The stream ID; for frames of no stream 0. For CONNECTION_CLOSE the error code, for ACK the number of ranges. */
  stream(i: number): StreamId;
  /** An offset, a limit, a sequence number, a final size, the largest acknowledged; for DATAGRAM frames that we send their handle. */
  offset(i: number): number;
  /** Octets of data; error code of RESET_STREAM and STOP_SENDING, reliable size of RESET_STREAM_AT; raw ACK delay in µs. */
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
  readonly frames: FrameLog;
}

/** Override what you watch; watching changes nothing. */
export class Observer {
  started(_now: Micros, _side: 'client' | 'server', _originalId: Uint8Array, _version: number): void {}
  /** The peer has told its versions, if it does: both ends know which one the connection has. RFC 9368. */
  versionNegotiated(_now: Micros, _version: number, _original: number, _peer: VersionInformation | undefined): void {}
  parameters(_now: Micros, _owner: 'local' | 'remote', _parameters: TransportParameters): void {}
  datagramSent(_now: Micros, _datagram: number, _path: number, _length: number): void {}
  datagramReceived(_now: Micros, _datagram: number, _path: number, _length: number, _ecn: Ecn): void {}
  packetSent(_now: Micros, _packet: PacketView): void {}
  packetReceived(_now: Micros, _packet: PacketView): void {}
  packetLost(_now: Micros, _packet: PacketView, _by: 'packets' | 'time'): void {}
  packetDropped(_now: Micros, _reason: DropReason, _bytes: number): void {}
  streamWritten(_now: Micros, _id: StreamId, _offset: number, _length: number, _fin: boolean): void {}
  /** Octets that left for the first time. */
  streamSent(_now: Micros, _id: StreamId, _offset: number, _length: number, _fin: boolean): void {}
  /** Octets that had not come before, in the order of their offsets within one frame. */
  streamArrived(_now: Micros, _id: StreamId, _offset: number, _length: number): void {}
  /** Contiguous now: what loss is blamed for ends here. */
  streamDeliverable(_now: Micros, _id: StreamId, _offset: number, _length: number): void {}
  /** The application took it: never blamed on loss. */
  streamRead(_now: Micros, _id: StreamId, _offset: number, _length: number): void {}
  recoveryUpdated(_now: Micros, _path: number, _window: number, _bytesInFlight: number, _rate: number, _rtt: RttView): void {}
  handshakeState(_now: Micros, _state: 'complete' | 'confirmed', _alpn: string): void {}
  /** The connection goes on on this path. */
  pathChanged(_now: Micros, _path: number, _local: Address, _remote: Address): void {}
  keysDiscarded(_now: Micros, _level: Level): void {}
  keyUpdated(_now: Micros, _by: 'local' | 'peer', _phase: number): void {}
  probeTimeout(_now: Micros, _level: Level, _ptoCount: number): void {}
  closed(_now: Micros, _cause: CloseCause): void {}
  /** NSS key log: label, client random, secret. */
  secret(_label: string, _clientRandom: Uint8Array, _secret: Uint8Array): void {}
}
