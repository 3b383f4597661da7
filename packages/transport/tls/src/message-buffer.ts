import { type ByteReader, ByteWriter } from '@quiclab/bytes';
import { HandshakeType, messageName } from './code-points.ts';
import { decodeError } from './decoding.ts';

/** One handshake message (RFC 9846 §4). The octets belong to whoever takes it. */
export interface HandshakeMessage {
  readonly type: number;
  readonly body: Uint8Array;
  /** Header and body: what goes into the transcript. */
  readonly octets: Uint8Array;
}

const HEADER = 4;
export const MAX_CLIENT_HELLO = 16_384;
export const MAX_CERTIFICATE = 131_072;

/**
 * What a body may measure. TLS allows 2^24 − 1, which nobody needs and an attacker would like; a chain of 128 KiB is
 * more than any real one, and a ClientHello of 16 KiB leaves room for post-quantum shares.
 */
const LIMITS: ReadonlyMap<number, number> = new Map([
  [HandshakeType.CLIENT_HELLO, MAX_CLIENT_HELLO],
  [HandshakeType.SERVER_HELLO, 16_384],
  [HandshakeType.NEW_SESSION_TICKET, 16_384],
  [HandshakeType.ENCRYPTED_EXTENSIONS, 16_384],
  [HandshakeType.CERTIFICATE, MAX_CERTIFICATE],
  [HandshakeType.CERTIFICATE_REQUEST, 65_536],
  [HandshakeType.CERTIFICATE_VERIFY, 4_096],
  [HandshakeType.FINISHED, 64],
  [HandshakeType.END_OF_EARLY_DATA, 0],
  [HandshakeType.KEY_UPDATE, 1],
]);

/**
 * Cuts a stream of octets into messages. Holds one unfinished message at most, and never more room than twice what
 * has arrived of it: a header alone buys no memory.
 */
export class MessageBuffer {
  #octets = new Uint8Array(HEADER);
  #filled = 0;
  #whole = 0; // length of the message with its header; 0 while the header is incomplete

  get begun(): boolean {
    return this.#filled > 0;
  }

  /**
   * Takes octets up to the end of one message, and returns it when it is complete.
   * @param admit  called once for each message with its type, before its body is kept; throws if it must not come now
   */
  take(chunk: ByteReader, admit: (type: number) => void): HandshakeMessage | undefined {
    if (this.#whole === 0) {
      this.#fill(chunk, HEADER);
      if (this.#filled < HEADER) return undefined;
      this.#whole = HEADER + this.#announced(admit);
    }
    this.#fill(chunk, this.#whole);
    if (this.#filled < this.#whole) return undefined;
    const octets = this.#octets.subarray(0, this.#whole);
    this.#octets = new Uint8Array(HEADER);
    this.#filled = 0;
    this.#whole = 0;
    return { type: octets[0]!, body: octets.subarray(HEADER), octets };
  }

  /** The length of the body, from a header that was just completed. */
  #announced(admit: (type: number) => void): number {
    const type = this.#octets[0]!;
    const length = (this.#octets[1]! << 16) | (this.#octets[2]! << 8) | this.#octets[3]!;
    admit(type);
    const limit = LIMITS.get(type) ?? 0;
    if (length > limit) throw decodeError(`${messageName(type)} of ${length} octets; at most ${limit} are taken`);
    return length;
  }

  #fill(chunk: ByteReader, upTo: number): void {
    const octets = chunk.take(Math.min(chunk.remaining, upTo - this.#filled));
    const needed = this.#filled + octets.length;
    if (needed > this.#octets.length) {
      const larger = new Uint8Array(Math.min(upTo, 2 * needed));
      larger.set(this.#octets.subarray(0, this.#filled));
      this.#octets = larger;
    }
    this.#octets.set(octets, this.#filled);
    this.#filled = needed;
  }
}

/** A message with its header around the body that `write` writes. */
export function encodeMessage(type: number, write: (writer: ByteWriter) => void): Uint8Array {
  const writer = ByteWriter.growable(512);
  writer.uint8(type);
  writer.vector(3, () => write(writer));
  return writer.written();
}
