import { Alert } from '../alerts.ts';
import { TlsAlert } from '../port.ts';
import { ContentType, HEADER_LENGTH, MAX_CIPHERTEXT, MAX_PLAINTEXT } from './content.ts';

const EMPTY = new Uint8Array(0);

/**
 * Cuts a stream of octets into records. A record that lies whole in what came is read where it lies; one that does not is put
 * together, and holds never more room than twice what has arrived of it.
 */
export class RecordBuffer {
  /** The record that `next` found: [start, end) of `octets`, header included. Whoever reads it may change it. */
  octets: Uint8Array = EMPTY;
  start = 0;
  end = 0;
  /** Where it began in the stream. */
  offset = 0;
  #chunk: Uint8Array = EMPTY;
  #at = 0;
  #partial: Uint8Array = EMPTY;
  #filled = 0;
  #taken = 0;

  /** The octets are ours from here on. Only when `next` has found nothing more. */
  push(chunk: Uint8Array): void {
    this.#chunk = chunk;
    this.#at = 0;
  }

  /** Whether the stream could end here, between two records. */
  get empty(): boolean {
    return this.#filled === 0 && this.#at === this.#chunk.length;
  }

  /** Everything that is left is for nobody. */
  clear(): void {
    this.push(EMPTY);
    this.#filled = 0;
  }

  /** Looks for the next record. Throws for a header that no record may have, before anything of its body is kept (RFC 9846 §5.1, §5.2). */
  next(): boolean {
    if (this.#filled === 0 && this.#chunk.length - this.#at >= HEADER_LENGTH) {
      const end = this.#at + HEADER_LENGTH + announced(this.#chunk, this.#at);
      if (end <= this.#chunk.length) return this.#found(this.#chunk, this.#at, (this.#at = end));
    }
    if (!this.#fill(HEADER_LENGTH)) return false;
    const whole = HEADER_LENGTH + announced(this.#partial, 0);
    if (!this.#fill(whole)) return false;
    const octets = this.#partial;
    this.#partial = EMPTY;
    this.#filled = 0;
    return this.#found(octets, 0, whole);
  }

  #found(octets: Uint8Array, start: number, end: number): true {
    this.octets = octets;
    this.start = start;
    this.end = end;
    this.offset = this.#taken;
    this.#taken += end - start;
    return true;
  }

  #fill(upTo: number): boolean {
    const count = Math.max(0, Math.min(this.#chunk.length - this.#at, upTo - this.#filled));
    const filled = this.#filled + count;
    if (filled > this.#partial.length) {
      const larger = new Uint8Array(Math.min(upTo, 2 * filled));
      if (this.#filled > 0) larger.set(this.#partial.subarray(0, this.#filled));
      this.#partial = larger;
    }
    if (count > 0) this.#partial.set(this.#chunk.subarray(this.#at, this.#at + count), this.#filled);
    this.#at += count;
    this.#filled = filled;
    if (this.#at === this.#chunk.length) this.push(EMPTY);
    return filled >= upTo;
  }
}

/** The length after a header, checked. */
function announced(octets: Uint8Array, at: number): number {
  const type = octets[at]!;
  if (type < ContentType.CHANGE_CIPHER_SPEC || type > ContentType.APPLICATION_DATA)
    throw new TlsAlert(Alert.UNEXPECTED_MESSAGE, `a record of type ${type}`);
  const length = (octets[at + 3]! << 8) | octets[at + 4]!;
  const limit = type === ContentType.APPLICATION_DATA ? MAX_CIPHERTEXT : MAX_PLAINTEXT;
  if (length > limit) throw new TlsAlert(Alert.RECORD_OVERFLOW, `a record of ${length} octets; at most ${limit} are possible`);
  return length;
}
