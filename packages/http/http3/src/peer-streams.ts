import type { QpackDecoder, QpackEncoder } from '@quiclab/qpack';
import type { Micros } from '@quiclab/sansio';
import type { StreamId } from '@quiclab/streams';
import type { ControlStreamReader } from './control-stream.ts';
import { H3, HttpConnectionError } from './errors.ts';
import { LIMITS } from './limits.ts';
import type { QuicStreams } from './transport.ts';

/** Types of unidirectional streams. RFC 9114 §6.2, RFC 9204 §4.2. */
export const StreamType = { CONTROL: 0x00, PUSH: 0x01, QPACK_ENCODER: 0x02, QPACK_DECODER: 0x03 } as const;

/** A unidirectional stream of the peer's, until it is known to be of no interest. */
class PeerStream {
  /** -1 until the type has been read. */
  type = -1;
  missing = 0;
  value = 0;
}

/**
 * The peer's unidirectional streams: finds out what each one is, hands the octets of the three that matter to their readers
 * and has the others stopped. RFC 9114 §6.2.
 */
export class PeerStreams {
  readonly #server: boolean;
  readonly #transport: QuicStreams;
  readonly #control: ControlStreamReader;
  readonly #encoder: QpackEncoder;
  readonly #decoder: QpackDecoder;
  /** Lines came into the table of the peer's: sections that waited for them can be read. */
  inserted = false;
  readonly #streams = new Map<StreamId, PeerStream>();
  readonly #taken = new Set<number>(); // types that may come once, and have

  constructor(server: boolean, transport: QuicStreams, control: ControlStreamReader, encoder: QpackEncoder, decoder: QpackDecoder) {
    this.#server = server;
    this.#transport = transport;
    this.#control = control;
    this.#encoder = encoder;
    this.#decoder = decoder;
  }

  opened(id: StreamId): void {
    this.#streams.set(id, new PeerStream());
    const untyped = this.#streams.size - this.#taken.size; // those whose type is known last as long as the connection
    if (untyped > LIMITS.untypedStreams.value)
      throw new HttpConnectionError(H3.EXCESSIVE_LOAD, `${untyped} unidirectional streams without a type`);
  }

  readable(now: Micros, id: StreamId): void {
    let stream = this.#streams.get(id);
    while (stream !== undefined) {
      const piece = this.#transport.read(now, id);
      if (piece === undefined) return;
      this.#receive(id, stream, piece.data);
      if (piece.fin) this.ended(id);
      stream = this.#streams.get(id);
    }
  }

  /** Closed or reset by the peer. Fine before its type is known (RFC 9114 §6.2), not for those that hold the connection together (§6.2.1). */
  ended(id: StreamId): void {
    const stream = this.#streams.get(id);
    this.#streams.delete(id);
    if (stream !== undefined && stream.type >= 0)
      throw new HttpConnectionError(H3.CLOSED_CRITICAL_STREAM, `the peer closed its ${NAMES[stream.type]} stream`);
  }

  #receive(id: StreamId, stream: PeerStream, octets: Uint8Array): void {
    let at = 0;
    while (stream.type < 0 && at < octets.length) {
      const octet = octets[at++]!;
      if (stream.missing === 0) {
        stream.missing = (1 << (octet >>> 6)) - 1;
        stream.value = octet & 0x3f;
      } else {
        stream.missing--;
        stream.value = stream.value * 256 + octet;
      }
      if (stream.missing === 0 && !this.#typeKnown(id, stream)) return;
    }
    if (at === octets.length) return;
    const rest = octets.subarray(at);
    if (stream.type === StreamType.CONTROL) this.#control.receive(rest);
    else if (stream.type === StreamType.QPACK_ENCODER) this.inserted = this.#decoder.receiveEncoderStream(rest) || this.inserted;
    else this.#encoder.receiveDecoderStream(rest);
  }

  /** Returns whether the stream is one to go on with. */
  #typeKnown(id: StreamId, stream: PeerStream): boolean {
    const type = stream.value;
    if (type === StreamType.PUSH) {
      if (this.#server) throw new HttpConnectionError(H3.STREAM_CREATION_ERROR, 'a push stream from a client');
      throw new HttpConnectionError(H3.ID_ERROR, 'a push stream, and we allow no push'); // RFC 9114 §4.6
    }
    if (type > StreamType.QPACK_DECODER) {
      this.#transport.stopSending(id, H3.STREAM_CREATION_ERROR);
      this.#streams.delete(id);
      return false;
    }
    if (this.#taken.has(type)) throw new HttpConnectionError(H3.STREAM_CREATION_ERROR, `a second ${NAMES[type]} stream`);
    this.#taken.add(type);
    stream.type = type;
    return true;
  }
}

const NAMES = ['control', 'push', 'QPACK encoder', 'QPACK decoder'];
