import { ByteWriter, latin1 } from '@quiclab/bytes';
import { type FrameObserver, formatPriority } from '@quiclab/http-semantics';
import type { QpackDecoder } from '@quiclab/qpack';
import type { Micros, Random } from '@quiclab/sansio';
import type { StreamId, StreamPriority } from '@quiclab/streams';
import { H3, HttpConnectionError } from './errors.ts';
import { FrameType, reservedIdentifier, writeFrameHeader } from './frames.ts';
import { LIMITS } from './limits.ts';
import { OutgoingStream } from './outgoing-stream.ts';
import { StreamType } from './peer-streams.ts';
import { encodeSettings, type Settings } from './settings.ts';
import type { QuicStreams } from './transport.ts';

/** In this order, since the peer's limit may let us open the first only. RFC 9114 §6.2. */
const TYPES: readonly number[] = [StreamType.CONTROL, StreamType.QPACK_ENCODER, StreamType.QPACK_DECODER];
/** What we say there is short, and others wait for it: before everything but the most urgent, with which it shares. */
const PRIORITY: StreamPriority = { urgency: 0, incremental: true };
const EMPTY = new Uint8Array(0);

/** Our control and QPACK streams, and what we say on the first. RFC 9114 §6.2.1, §7.2. */
export class OwnStreams {
  readonly #transport: QuicStreams;
  readonly #settings: Settings;
  readonly #random: Random | undefined;
  readonly #observer: FrameObserver | undefined;
  readonly #streams: OutgoingStream[] = [];
  #wanted = false;
  #goaway = -1; // to be sent, or sent

  constructor(transport: QuicStreams, settings: Settings, random: Random | undefined, observer: FrameObserver | undefined) {
    this.#transport = transport;
    this.#settings = settings;
    this.#random = random;
    this.#observer = observer;
  }

  start(now: Micros): void {
    this.#wanted = true;
    this.openMore(now);
  }

  /** Opens as many as the peer lets us now. */
  openMore(now: Micros): void {
    while (this.#wanted && this.#streams.length < TYPES.length) {
      const id = this.#transport.openStream('uni');
      if (id === undefined) return;
      this.#transport.prioritize(id, PRIORITY);
      const stream = new OutgoingStream(this.#transport, id);
      const type = TYPES[this.#streams.length]!;
      this.#streams.push(stream);
      this.#observer?.frameMapped('sent', -1, id, 0, 1, 1, 'other');
      stream.write(now, Uint8Array.of(type), true);
      if (type === StreamType.CONTROL) this.#beginControl(now, stream);
    }
  }

  has(id: StreamId): boolean {
    return this.#streams.some((stream) => stream.id === id);
  }

  flush(now: Micros, id: StreamId): void {
    for (const stream of this.#streams) if (stream.id === id) stream.flush(now);
  }

  goaway(now: Micros, id: number): void {
    this.#goaway = id;
    if (this.#streams.length > 0) this.#sendGoaway(now);
  }

  /** PRIORITY_UPDATE. RFC 9218 §7.2. Dropped where there is no control stream yet, or one that the peer gives no credit. */
  prioritize(now: Micros, id: StreamId, priority: StreamPriority): void {
    if (this.#streams.length === 0 || this.#streams[0]!.waiting >= LIMITS.priorityUpdates.value) return;
    const payload = ByteWriter.growable(32);
    payload.varint(id);
    payload.octets(latin1(formatPriority(priority)));
    this.#send(now, FrameType.PRIORITY_UPDATE_REQUEST, payload.written());
  }

  /** Whether QPACK's encoder stream is there, and the transport takes what it is given: instructions should not wait half said (RFC 9204 §2.1.3). */
  get takesInstructions(): boolean {
    const stream = this.#streams[TYPES.indexOf(StreamType.QPACK_ENCODER)];
    return stream !== undefined && !stream.blocked;
  }

  /** Instructions of QPACK's encoder. RFC 9204 §4.3. */
  instruct(now: Micros, octets: Uint8Array): void {
    this.#sayTable(now, StreamType.QPACK_ENCODER, octets);
  }

  /** What QPACK's decoder has to say, as soon as its stream is there. RFC 9204 §4.4. */
  answer(now: Micros, decoder: QpackDecoder): void {
    const stream = this.#streams[TYPES.indexOf(StreamType.QPACK_DECODER)];
    const octets = stream && decoder.takeAnswers();
    if (octets === undefined) return;
    if (stream!.waiting >= LIMITS.decoderAnswers.value)
      throw new HttpConnectionError(
        H3.EXCESSIVE_LOAD,
        `${stream!.waiting} writes of the QPACK decoder stream that the peer gives no credit for`,
      );
    this.#sayTable(now, StreamType.QPACK_DECODER, octets);
  }

  #sayTable(now: Micros, type: number, octets: Uint8Array): void {
    const stream = this.#streams[TYPES.indexOf(type)]!;
    this.#observer?.frameMapped('sent', -1, stream.id, stream.offset, octets.length, 0, 'table');
    stream.write(now, octets, true);
  }

  #beginControl(now: Micros, stream: OutgoingStream): void {
    const settings = encodeSettings([...this.#settings, [this.#reserved(), 0]]);
    this.#observer?.frameMapped('sent', -1, stream.id, stream.offset, settings.length, 2, 'other');
    stream.write(now, settings, true);
    this.#send(now, this.#reserved(), EMPTY);
    if (this.#goaway >= 0) this.#sendGoaway(now);
  }

  /** RFC 9114 §7.2.8: now and then something unknown, so that ignoring it stays possible. */
  #reserved(): number {
    return reservedIdentifier(this.#random === undefined ? 1000 : this.#random.uint32() % 0x10_0000);
  }

  #sendGoaway(now: Micros): void {
    const payload = ByteWriter.growable(8);
    payload.varint(this.#goaway);
    this.#send(now, FrameType.GOAWAY, payload.written());
  }

  #send(now: Micros, type: number, payload: Uint8Array): void {
    const control = this.#streams[0];
    if (control === undefined) return;
    const frame = ByteWriter.growable(payload.length + 16);
    writeFrameHeader(frame, type, payload.length);
    const headerLength = frame.position;
    frame.octets(payload);
    this.#observer?.frameMapped('sent', -1, control.id, control.offset, frame.position, headerLength, 'other');
    control.write(now, frame.written(), true);
  }
}
