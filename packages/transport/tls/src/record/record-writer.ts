import { TAG_LENGTH } from '@quiclab/crypto';
import type { ByteStream, Micros } from '@quiclab/sansio';
import type { Level } from '../port.ts';
import { ContentType, encodeAlert, HEADER_LENGTH, MAX_PLAINTEXT, VERSION, VERSION_OF_FIRST_HELLO } from './content.ts';
import type { RecordObserver } from './observer.ts';
import type { RecordKeys } from './protection.ts';

/** What makes a record of content. */
export interface RecordShape {
  /** Octets of content in one record: 1 to 16,384. */
  readonly maxPlaintext: number;
  /** Octets of a whole protected record, header and tag included. */
  readonly maxRecord: number;
  /** Zeros to add to this much content of this type (RFC 9846 §5.4); what does not fit is left out. */
  readonly padding: (contentType: number, contentLength: number) => number;
}

/** A record around no content. */
export const RECORD_OVERHEAD: number = HEADER_LENGTH + 1 + TAG_LENGTH;

/**
 * Contents in, octets out: the record layer's sending half (RFC 9846 §5). Application data is sealed one record at a time, when
 * everything before it has been taken by the stream below; so there is never more than one that could have been chosen later.
 */
export class RecordWriter {
  /** Application data so far. */
  plaintextOffset = 0;
  readonly #below: ByteStream;
  readonly #shape: RecordShape;
  readonly #observer: RecordObserver;
  readonly #maxContent: number;
  readonly #keys = new Map<Level, RecordKeys>();
  /** Those of the highest level. */
  #current: RecordKeys | undefined = undefined;
  /** Sealed, and not yet taken: [#at, #end) of the octets, which are used again once they are. */
  #octets: Uint8Array = new Uint8Array(0);
  #at = 0;
  #end = 0;
  /** Where #end lies in the stream below. */
  #offset = 0;
  #helloSent = false;

  constructor(below: ByteStream, shape: RecordShape, observer: RecordObserver) {
    this.#below = below;
    this.#shape = shape;
    this.#observer = observer;
    this.#maxContent = Math.min(shape.maxPlaintext, shape.maxRecord - RECORD_OVERHEAD);
  }

  get level(): Level {
    return this.#current?.level ?? 'initial';
  }

  /** Whether the stream below still has something to take. */
  get blocked(): boolean {
    return this.#at < this.#end;
  }

  get waiting(): number {
    return this.#end - this.#at;
  }

  /** Whether the present keys may not seal much more, at most `every` records. */
  isSpent(every: number): boolean {
    return this.#current !== undefined && this.#current.sequence >= Math.min(every, this.#current.limit - 1);
  }

  get canUpdate(): boolean {
    return this.#current!.canUpdate;
  }

  /** Keys of a level stay until those of the handshake are forgotten: what a step of the handshake sends says its level. */
  install(keys: RecordKeys): void {
    this.#keys.set(keys.level, keys);
    this.#current = keys;
  }

  forgetHandshakeKeys(): void {
    for (const level of this.#keys.keys()) if (level !== 'application') this.#keys.delete(level);
  }

  updateKeys(): void {
    this.#current!.update();
    this.#observer.keysUpdated('sent', this.#current!.generation);
  }

  /** Messages that end at the end of a record (RFC 9846 §5.1). */
  handshake(level: Level, messages: Uint8Array): void {
    const keys = level === 'initial' ? undefined : this.#keys.get(level)!;
    for (let from = 0; from < messages.length; from += this.#maxContent)
      this.#seal(ContentType.HANDSHAKE, keys, messages, from, Math.min(messages.length, from + this.#maxContent));
    this.#helloSent = true;
  }

  alert(description: number): void {
    this.#seal(ContentType.ALERT, this.#current, encodeAlert(description), 0, 2);
    this.#observer.alert('sent', description);
  }

  changeCipherSpec(): void {
    this.#seal(ContentType.CHANGE_CIPHER_SPEC, undefined, Uint8Array.of(1), 0, 1);
  }

  /** One record of application data from `data`, from `from` on. @returns octets that went into it */
  applicationData(data: Uint8Array, from: number, limit: number): number {
    const length = Math.min(this.#maxContent, data.length - from, limit);
    this.#seal(ContentType.APPLICATION_DATA, this.#current, data, from, from + length);
    return length;
  }

  /** Hands on what the stream below has room for. @returns whether that was everything */
  flush(now: Micros): boolean {
    if (this.#at < this.#end) this.#at += this.#below.write(now, this.#octets.subarray(this.#at, this.#end));
    if (this.#at < this.#end) return false;
    this.#at = 0;
    this.#end = 0;
    return true;
  }

  /** What was sealed and not taken is not sent any more. */
  clear(): void {
    this.#at = 0;
    this.#end = 0;
  }

  #seal(type: number, keys: RecordKeys | undefined, content: Uint8Array, from: number, to: number): void {
    const length = to - from;
    const padding = keys === undefined ? 0 : this.#padding(type, length);
    const inner = keys === undefined ? length : length + 1 + padding;
    const body = keys === undefined ? inner : inner + TAG_LENGTH;
    const start = this.#reserve(HEADER_LENGTH + body);
    const octets = this.#octets;
    const firstHello = type === ContentType.HANDSHAKE && !this.#helloSent && keys === undefined;
    const version = firstHello && content[0] === CLIENT_HELLO ? VERSION_OF_FIRST_HELLO : VERSION;
    octets[start] = keys === undefined ? type : ContentType.APPLICATION_DATA;
    octets[start + 1] = version >> 8;
    octets[start + 2] = version & 0xff;
    octets[start + 3] = body >> 8;
    octets[start + 4] = body & 0xff;
    const payload = start + HEADER_LENGTH;
    octets.set(from === 0 && to === content.length ? content : content.subarray(from, to), payload);
    if (keys !== undefined) {
      octets[payload + length] = type;
      octets.fill(0, payload + length + 1, payload + inner);
      keys.seal(octets, start, payload, payload + inner);
    }
    const data = type === ContentType.APPLICATION_DATA ? length : 0;
    this.#observer.recordMapped('sent', this.plaintextOffset, data, this.#offset, HEADER_LENGTH + body, type);
    this.#offset += HEADER_LENGTH + body;
    this.plaintextOffset += data;
  }

  #padding(type: number, length: number): number {
    const room = Math.min(MAX_PLAINTEXT, this.#shape.maxRecord - RECORD_OVERHEAD) - length;
    return Math.max(0, Math.min(room, this.#shape.padding(type, length)));
  }

  /** Room behind what waits. @returns where it starts */
  #reserve(length: number): number {
    if (this.#end + length > this.#octets.length) {
      const waiting = this.#octets.subarray(this.#at, this.#end);
      const octets = this.#end - this.#at + length > this.#octets.length ? new Uint8Array(waiting.length + length) : this.#octets;
      if (octets === this.#octets) octets.copyWithin(0, this.#at, this.#end);
      else octets.set(waiting);
      this.#octets = octets;
      this.#end -= this.#at;
      this.#at = 0;
    }
    const start = this.#end;
    this.#end += length;
    return start;
  }
}

const CLIENT_HELLO = 1;
