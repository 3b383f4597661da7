import { Alert } from '../alerts.ts';
import { type Level, TlsAlert } from '../port.ts';
import { ContentType, HEADER_LENGTH, MAX_PLAINTEXT } from './content.ts';
import type { RecordObserver } from './observer.ts';
import type { RecordKeys } from './protection.ts';
import { RecordBuffer } from './record-buffer.ts';

/** Records in a row that bring nothing: empty application data, change_cipher_spec, user_canceled. Nobody means them in earnest beyond this. */
const MAX_IDLE = 32;
/** What the record layer itself may add to the octets of one record of early data, beside padding. */
const OVERHEAD = 17;

/** Octets in, contents out: the record layer's receiving half (RFC 9846 §5). What the peer did wrong is thrown as a TlsAlert. */
export class RecordReader {
  /** The content that `next` found: its type, and where it lies. */
  type = 0;
  octets: Uint8Array = new Uint8Array(0);
  start = 0;
  end = 0;
  /** Application data so far, early data included. */
  plaintextOffset = 0;
  /** The peer's Finished has come: no change_cipher_spec any more (RFC 9846 §5). */
  finished = false;
  readonly #buffer = new RecordBuffer();
  readonly #observer: RecordObserver;
  #keys: RecordKeys | undefined = undefined;
  /** A handshake record was sent (a client) or has come: from there on change_cipher_spec may come. */
  #begun: boolean;
  #idle = 0;
  /** Octets of early data that may still be passed over; -1: none is expected. */
  #skippable = -1;

  constructor(side: 'client' | 'server', observer: RecordObserver) {
    this.#begun = side === 'client';
    this.#observer = observer;
  }

  get level(): Level {
    return this.#keys?.level ?? 'initial';
  }

  /** Whether the stream could end here. */
  get empty(): boolean {
    return this.#buffer.empty;
  }

  push(chunk: Uint8Array): void {
    this.#buffer.push(chunk);
  }

  clear(): void {
    this.#buffer.clear();
  }

  install(keys: RecordKeys): void {
    this.#keys = keys;
  }

  updateKeys(): void {
    this.#keys!.update();
    this.#observer.keysUpdated('received', this.#keys!.generation);
  }

  /** RFC 9846 §4.2.10: early data was rejected; what cannot be opened is passed over, so many octets of it at most. */
  skipEarlyData(octets: number): void {
    this.#skippable = octets;
  }

  /** Something that was not empty after all turned out to bring nothing. */
  countIdle(): void {
    if (++this.#idle > MAX_IDLE) throw new TlsAlert(Alert.UNEXPECTED_MESSAGE, `${MAX_IDLE} records in a row that say nothing`);
  }

  /** Something came that counts. */
  countUseful(): void {
    this.#idle = 0;
  }

  /** The next content that is worth a look. It is whoever's who asks: the octets lie in what was pushed. */
  next(): boolean {
    while (this.#buffer.next()) {
      const { octets, start, end } = this.#buffer;
      const outer = octets[start]!;
      if (outer === ContentType.CHANGE_CIPHER_SPEC) this.#onChangeCipherSpec();
      else if (outer === ContentType.APPLICATION_DATA) {
        if (this.#open()) return true;
      } else if (this.#keys === undefined || (outer === ContentType.ALERT && this.#unprotectedAlertAllowed())) {
        if (outer === ContentType.HANDSHAKE) this.#onPlainHandshake();
        this.#show(outer, start + HEADER_LENGTH, end);
        return true;
      } else throw new TlsAlert(Alert.UNEXPECTED_MESSAGE, `a record of type ${outer} without protection`);
    }
    return false;
  }

  /** The first handshake record begins it; a second ClientHello ends the early data before it (RFC 9846 §4.2.10). */
  #onPlainHandshake(): void {
    this.#begun = true;
    this.#skippable = -1;
  }

  /** A client that cannot make sense of our ServerHello has no keys to say so with. */
  #unprotectedAlertAllowed(): boolean {
    return this.level === 'handshake' && this.#keys!.sequence === 0;
  }

  /** RFC 9846 §5: dropped, if it is the one that compatibility mode sends, where that sends it. */
  #onChangeCipherSpec(): void {
    const { octets, start, end } = this.#buffer;
    if (end - start !== HEADER_LENGTH + 1 || octets[start + HEADER_LENGTH] !== 1 || !this.#begun || this.finished)
      throw new TlsAlert(Alert.UNEXPECTED_MESSAGE, 'a change_cipher_spec that means something');
    this.countIdle();
    this.#show(ContentType.CHANGE_CIPHER_SPEC, end, end);
  }

  /** @returns false for early data that is passed over */
  #open(): boolean {
    const { octets, start, end } = this.#buffer;
    const from = start + HEADER_LENGTH;
    const innerEnd = this.#keys === undefined ? -1 : this.#keys.open(octets, start, from, end);
    if (innerEnd < 0) return this.#pass(end - from);
    this.#skippable = -1;
    if (innerEnd - from > MAX_PLAINTEXT + 1)
      throw new TlsAlert(Alert.RECORD_OVERFLOW, `${innerEnd - from} octets inside a record; at most ${MAX_PLAINTEXT + 1} are possible`);
    // RFC 9846 §5.4: zeros at the end are padding, what stands before them is the type
    let last = innerEnd - 1;
    while (last >= from && octets[last] === 0) last--;
    if (last < from) throw new TlsAlert(Alert.UNEXPECTED_MESSAGE, 'a protected record of zeros');
    const type = octets[last]!;
    if (type !== ContentType.APPLICATION_DATA && type !== ContentType.HANDSHAKE && type !== ContentType.ALERT)
      throw new TlsAlert(Alert.UNEXPECTED_MESSAGE, `a protected record of type ${type}`);
    this.#show(type, from, last);
    return true;
  }

  #pass(length: number): false {
    const protectedYet = this.#keys !== undefined;
    if (this.#skippable < 0 && !protectedYet) throw new TlsAlert(Alert.UNEXPECTED_MESSAGE, 'a protected record before there are keys');
    this.#skippable -= Math.max(1, length - OVERHEAD); // an empty one costs as much work
    if (this.#skippable < 0)
      throw new TlsAlert(protectedYet ? Alert.BAD_RECORD_MAC : Alert.UNEXPECTED_MESSAGE, 'a record that does not open');
    const { offset, start, end } = this.#buffer;
    this.#observer.recordSkipped(offset, end - start);
    return false;
  }

  #show(type: number, from: number, to: number): void {
    const { octets, offset, start, end } = this.#buffer;
    this.type = type;
    this.octets = octets;
    this.start = from;
    this.end = to;
    const length = type === ContentType.APPLICATION_DATA ? to - from : 0;
    this.#observer.recordMapped('received', this.plaintextOffset, length, offset, end - start, type);
    this.plaintextOffset += length;
  }
}
