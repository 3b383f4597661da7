import { ByteReader } from '@quiclab/bytes';
import { AckRecord, readAck } from './ack.ts';
import { TransportError, TransportErrorCode } from './errors.ts';
import { FrameType, frameName } from './frame-types.ts';
import { high, isLarger, isTooManyStreams, low } from './wide-varint.ts';

/**
 * Reads the frames of one decrypted payload, one after the other, into this one record. RFC 9000 §12.4, §19.
 *
 * Which fields mean something depends on the type `next` returned; the others keep what an earlier frame left. Numbers from
 * 2^53 on saturate. Views (`data()`, `connectionId`, `resetToken`, `reason`) are made when asked for, show the payload
 * itself, and are good as long as its octets are.
 */
export class FrameReader {
  /** The frame type as on the wire: 0x08 to 0x0f for STREAM, 0x30 and 0x31 for DATAGRAM. */
  rawType = 0;
  /** Where the frame starts in the octets given to `reset`. */
  start = 0;
  /** Stream ID: STREAM, RESET_STREAM, RESET_STREAM_AT, STOP_SENDING, MAX_STREAM_DATA, STREAM_DATA_BLOCKED. */
  id = 0;
  /** Offset of the data: STREAM, CRYPTO. */
  offset = 0;
  /** Octets of data: STREAM, CRYPTO, DATAGRAM, NEW_TOKEN, PATH_CHALLENGE, PATH_RESPONSE, and of the reason of a CONNECTION_CLOSE. */
  length = 0;
  fin = false;
  /** Where that data lies in the octets given to `reset`. */
  dataStart = 0;
  dataEnd = 0;
  /** Maximum: MAX_DATA, MAX_STREAM_DATA, MAX_STREAMS, and the three BLOCKED frames. */
  limit = 0;
  /** Error code: RESET_STREAM, RESET_STREAM_AT, STOP_SENDING, CONNECTION_CLOSE. */
  code = 0;
  /** RESET_STREAM, RESET_STREAM_AT. */
  finalSize = 0;
  /** RESET_STREAM_AT: octets from the start that are delivered in spite of the reset; never above the final size. */
  reliableSize = 0;
  /** NEW_CONNECTION_ID, RETIRE_CONNECTION_ID, ACK_FREQUENCY. */
  sequence = 0;
  /** NEW_CONNECTION_ID. */
  retirePriorTo = 0;
  connectionIdStart = 0;
  connectionIdLength = 0;
  /** CONNECTION_CLOSE of type 0x1c: the type that triggered it; 0 for type 0x1d. */
  frameType = 0;
  /** ACK_FREQUENCY: so many ack-eliciting packets may go unanswered. */
  ackElicitingThreshold = 0;
  /** ACK_FREQUENCY: for how long, µs. */
  requestedMaxAckDelay = 0;
  /** ACK_FREQUENCY: packets so far apart are out of order; 0: none are. */
  reorderingThreshold = 0;
  /** How many PADDING frames there were in a row. */
  paddingLength = 0;
  /** ACK, ACK_ECN. */
  readonly ack = new AckRecord();
  readonly #reader = new ByteReader(new Uint8Array(0));

  /** Starts on another payload, [start, end) of `bytes`. */
  reset(bytes: Uint8Array, start: number, end: number): void {
    this.#reader.reset(bytes, start, end);
  }

  /** Where the next frame starts: the end of the one just read. */
  get position(): number {
    return this.#reader.position;
  }

  /** STREAM, CRYPTO, DATAGRAM: the data. NEW_TOKEN: the token. PATH_CHALLENGE, PATH_RESPONSE: the 8 octets. */
  data(): Uint8Array {
    return this.#reader.bytes.subarray(this.dataStart, this.dataEnd);
  }

  /** NEW_CONNECTION_ID: 1 to 20 octets. */
  get connectionId(): Uint8Array {
    return this.#reader.bytes.subarray(this.connectionIdStart, this.connectionIdStart + this.connectionIdLength);
  }

  /** NEW_CONNECTION_ID: the stateless reset token, 16 octets. */
  get resetToken(): Uint8Array {
    const start = this.connectionIdStart + this.connectionIdLength;
    return this.#reader.bytes.subarray(start, start + 16);
  }

  /** CONNECTION_CLOSE: the reason phrase, which should be UTF-8. */
  get reason(): Uint8Array {
    return this.#reader.bytes.subarray(this.dataStart, this.dataEnd);
  }

  /**
   * Reads the next frame.
   * @returns its FrameType, -1 at the end of the payload; STREAM stands for all eight types, DATAGRAM for both, one PADDING for a run of them
   * @throws TransportError FRAME_ENCODING_ERROR when the frame is malformed, cut short or of no known type; PROTOCOL_VIOLATION
   *         when its type is encoded in more octets than needed (RFC 9000 §12.4). There is no reading on after that.
   */
  next(): number {
    const reader = this.#reader;
    if (reader.position >= reader.end) return -1;
    this.start = reader.position;
    const type = reader.bytes[reader.position]!;
    if (type >= 0x40) return this.#wide();
    reader.position++;
    this.rawType = type;
    if ((type & 0xf8) === FrameType.STREAM) {
      this.#stream(type);
      return FrameType.STREAM;
    }
    switch (type) {
      case FrameType.PADDING:
        this.#padding();
        return type; // reads nothing that could be cut short
      case FrameType.PING:
      case FrameType.HANDSHAKE_DONE:
      case FrameType.IMMEDIATE_ACK:
        return type;
      case FrameType.ACK:
      case FrameType.ACK_ECN: {
        const fault = readAck(reader, type === FrameType.ACK_ECN, this.ack);
        if (fault !== '' && !reader.overrun) this.#fail(fault);
        break;
      }
      case FrameType.RESET_STREAM:
        this.id = reader.varint();
        this.code = reader.varint();
        this.finalSize = reader.varint();
        break;
      case FrameType.RESET_STREAM_AT:
        this.#resetStreamAt();
        break;
      case FrameType.STOP_SENDING:
        this.id = reader.varint();
        this.code = reader.varint();
        break;
      case FrameType.CRYPTO:
        this.#crypto();
        break;
      case FrameType.NEW_TOKEN:
        this.#data(reader.varint());
        if (this.length === 0 && !reader.overrun) this.#fail('empty token'); // §19.7
        break;
      case FrameType.MAX_DATA:
      case FrameType.DATA_BLOCKED:
        this.limit = reader.varint();
        break;
      case FrameType.MAX_STREAM_DATA:
      case FrameType.STREAM_DATA_BLOCKED:
        this.id = reader.varint();
        this.limit = reader.varint();
        break;
      case FrameType.MAX_STREAMS_BIDI:
      case FrameType.MAX_STREAMS_UNI:
      case FrameType.STREAMS_BLOCKED_BIDI:
      case FrameType.STREAMS_BLOCKED_UNI:
        this.#streams();
        break;
      case FrameType.NEW_CONNECTION_ID:
        this.#newConnectionId();
        break;
      case FrameType.RETIRE_CONNECTION_ID:
        this.sequence = reader.varint();
        break;
      case FrameType.PATH_CHALLENGE:
      case FrameType.PATH_RESPONSE:
        this.#data(8);
        break;
      case FrameType.CONNECTION_CLOSE:
        this.code = reader.varint();
        this.frameType = reader.varint();
        this.#data(reader.varint());
        break;
      case FrameType.CONNECTION_CLOSE_APP:
        this.code = reader.varint();
        this.frameType = 0;
        this.#data(reader.varint());
        break;
      case FrameType.DATAGRAM:
        this.#data(reader.end - reader.position);
        return type; // whatever is left is its data
      case FrameType.DATAGRAM | 1:
        this.#data(reader.varint());
        if (reader.overrun) this.#fail('cut short');
        return FrameType.DATAGRAM;
      default:
        this.#fail('unknown type'); // §12.4
    }
    if (reader.overrun) this.#fail('cut short');
    return type;
  }

  #padding(): void {
    const { bytes, end } = this.#reader;
    let at = this.start + 1;
    while (at < end && bytes[at] === 0) at++;
    this.#reader.position = at;
    this.paddingLength = at - this.start;
  }

  #stream(type: number): void {
    const reader = this.#reader;
    this.id = reader.varint();
    const offsetAt = reader.position;
    this.offset = (type & 4) !== 0 ? reader.varint() : 0;
    this.#data((type & 2) !== 0 ? reader.varint() : reader.end - reader.position);
    this.fin = (type & 1) !== 0;
    if (reader.overrun) this.#fail('cut short');
    if (this.offset === Number.MAX_SAFE_INTEGER) this.#checkEnd(offsetAt);
  }

  #crypto(): void {
    const reader = this.#reader;
    const offsetAt = reader.position;
    this.offset = reader.varint();
    this.#data(reader.varint());
    if (this.offset === Number.MAX_SAFE_INTEGER && !reader.overrun) this.#checkEnd(offsetAt);
  }

  /** §19.6, §19.8: data may not pass 2^62 - 1. The offset saturated, so its octets are looked at again. */
  #checkEnd(offsetAt: number): void {
    const bytes = this.#reader.bytes;
    if (high(bytes, offsetAt) === 0x3fff_ffff && low(bytes, offsetAt) + this.length > 0xffff_ffff) this.#fail('data beyond 2^62 - 1');
  }

  #data(length: number): void {
    const reader = this.#reader;
    this.length = length;
    this.dataStart = reader.position;
    reader.skip(length);
    this.dataEnd = reader.position;
  }

  #streams(): void {
    const reader = this.#reader;
    const at = reader.position;
    this.limit = reader.varint();
    if (this.limit === Number.MAX_SAFE_INTEGER && isTooManyStreams(reader.bytes, at)) this.#fail('more than 2^60 streams'); // §19.11, §19.14
  }

  #resetStreamAt(): void {
    const reader = this.#reader;
    this.id = reader.varint();
    this.code = reader.varint();
    const finalAt = reader.position;
    this.finalSize = reader.varint();
    const reliableAt = reader.position;
    this.reliableSize = reader.varint();
    if (reader.overrun) return;
    const saturated = this.finalSize === Number.MAX_SAFE_INTEGER && this.reliableSize === Number.MAX_SAFE_INTEGER;
    if (saturated ? isLarger(reader.bytes, reliableAt, finalAt) : this.reliableSize > this.finalSize)
      this.#fail(`reliable size ${this.reliableSize} above the final size ${this.finalSize}`);
  }

  #newConnectionId(): void {
    const reader = this.#reader;
    const sequenceAt = reader.position;
    this.sequence = reader.varint();
    const retireAt = reader.position;
    this.retirePriorTo = reader.varint();
    this.connectionIdLength = reader.uint8();
    this.connectionIdStart = reader.position;
    if (reader.overrun) return;
    const saturated = this.sequence === Number.MAX_SAFE_INTEGER && this.retirePriorTo === Number.MAX_SAFE_INTEGER;
    if (saturated ? isLarger(reader.bytes, retireAt, sequenceAt) : this.retirePriorTo > this.sequence) {
      this.#fail(`asks to retire IDs prior to ${this.retirePriorTo} by number ${this.sequence}`);
    }
    if (this.connectionIdLength < 1 || this.connectionIdLength > 20) this.#fail(`connection ID of ${this.connectionIdLength} octets`);
    reader.skip(this.connectionIdLength);
    reader.skip(16);
  }

  /** A type from 0x40 on, of which this package knows one, or one that could have been written shorter. */
  #wide(): number {
    const reader = this.#reader;
    const size = 1 << (reader.bytes[reader.position]! >>> 6);
    const type = reader.varint();
    this.rawType = type;
    if (reader.overrun) this.#fail('type cut short');
    const shortest = type < 0x40 ? 1 : type < 0x4000 ? 2 : type < 0x4000_0000 ? 4 : 8;
    if (size > shortest) this.#fail(`type in ${size} octets`, TransportErrorCode.PROTOCOL_VIOLATION);
    if (type !== FrameType.ACK_FREQUENCY) this.#fail('unknown type');
    this.sequence = reader.varint();
    this.ackElicitingThreshold = reader.varint();
    this.requestedMaxAckDelay = reader.varint();
    this.reorderingThreshold = reader.varint();
    if (reader.overrun) this.#fail('cut short');
    return type;
  }

  #fail(reason: string, code: number = TransportErrorCode.FRAME_ENCODING_ERROR): never {
    throw new TransportError(code, `${frameName(this.rawType)} at ${this.start}: ${reason}`, this.rawType);
  }
}
