import { PieceBudget, ReceiveStream, SendStream } from '@quiclab/streams';
import { cryptoHeaderSize, FrameType, TransportError, TransportErrorCode, writeCryptoHeader } from '@quiclab/wire';
import { LIMITS } from '../limits.ts';
import type { PacketBuilder } from '../packet/builder.ts';

/** The least room in a packet that is worth a piece of CRYPTO data. */
const WORTHWHILE = 16;

/**
 * The ordered octets of one encryption level's handshake messages. RFC 9000 §7.5, §19.6. A stream without flow control
 * and without end: the same buffers serve, and a limit of our own stands in for credit.
 */
export class CryptoStream {
  #send: SendStream;
  #receive: ReceiveStream;
  readonly #limit: number;

  constructor(limit: number) {
    this.#limit = limit;
    this.#send = new SendStream(0, Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER);
    this.#receive = newReceive();
  }

  /** Another handshake begins: nothing was said, and nothing came. */
  reset(): void {
    this.#send = new SendStream(0, Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER);
    this.#receive = newReceive();
  }

  /** The keys are gone: nothing will be said again. What has come is TLS's to finish with. RFC 9001 §4.9. */
  release(): void {
    this.#send = new SendStream(0, Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER);
  }

  write(data: Uint8Array): void {
    this.#send.write(data);
  }

  get hasToSend(): boolean {
    return this.#send.hasToSend;
  }

  writeFrames(packet: PacketBuilder): void {
    const send = this.#send;
    while (send.hasToSend && packet.remaining >= WORTHWHILE && send.prepare(packet.remaining, Number.MAX_SAFE_INTEGER)) {
      const offset = send.nextOffset;
      const header = cryptoHeaderSize(offset, Math.min(send.nextLength, packet.remaining));
      const length = Math.min(send.nextLength, packet.remaining - header);
      const writer = packet.writer;
      writeCryptoHeader(writer, offset, length);
      send.copy(offset, length, writer.bytes, writer.position);
      writer.position += length;
      send.onSent(offset, length, false);
      packet.log(FrameType.CRYPTO, 0, offset, length);
    }
  }

  onAcked(offset: number, length: number): void {
    this.#send.onAcked(offset, length, false);
  }

  onLost(offset: number, length: number): void {
    this.#send.onLost(offset, length, false);
  }

  /** Takes a CRYPTO frame; false when all of it had been read before. Throws CRYPTO_BUFFER_EXCEEDED when it lies further ahead than we keep. */
  receive(offset: number, bytes: Uint8Array, from: number, to: number): boolean {
    const end = offset + to - from;
    if (end <= this.#receive.readOffset) return false;
    if (end > this.#receive.readOffset + this.#limit)
      throw new TransportError(
        TransportErrorCode.CRYPTO_BUFFER_EXCEEDED,
        `CRYPTO data up to ${end}, ${this.#receive.readOffset} were read, the buffer holds ${this.#limit}`,
        FrameType.CRYPTO,
      );
    const fault = this.#receive.receive(offset, bytes, from, to, false);
    if (fault !== '')
      throw new TransportError(TransportErrorCode.CRYPTO_BUFFER_EXCEEDED, `CRYPTO data in too many pieces (${fault})`, FrameType.CRYPTO);
    return true;
  }

  /** Something has come that cannot be read before something else does. */
  get hasGap(): boolean {
    return this.#receive.highest > this.#receive.contiguous;
  }

  /** The next octets in order, or undefined. */
  read(): Uint8Array | undefined {
    return this.#receive.read()?.data;
  }
}

const newReceive = (): ReceiveStream =>
  new ReceiveStream(0, Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER, new PieceBudget(LIMITS.cryptoPieces.value));
