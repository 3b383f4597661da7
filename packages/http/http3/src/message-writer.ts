import { ByteWriter } from '@quiclab/bytes';
import type { Fields, FrameObserver } from '@quiclab/http-semantics';
import type { QpackEncoder } from '@quiclab/qpack';
import type { Micros } from '@quiclab/sansio';
import { FrameType, frameHeaderSize, writeFrameHeader } from './frames.ts';
import { LIMITS } from './limits.ts';
import type { OutgoingStream } from './outgoing-stream.ts';
import type { OwnStreams } from './own-streams.ts';

/** Lays messages out in frames. RFC 9114 §4.1, §7.2. One serves a whole connection. */
export class MessageWriter {
  readonly #encoder: QpackEncoder;
  readonly #ownStreams: OwnStreams;
  readonly #observer: FrameObserver | undefined;
  readonly #section = ByteWriter.growable(1024);
  readonly #header = new ByteWriter(new Uint8Array(16));

  constructor(encoder: QpackEncoder, ownStreams: OwnStreams, observer: FrameObserver | undefined) {
    this.#encoder = encoder;
    this.#ownStreams = ownStreams;
    this.#observer = observer;
  }

  fields(now: Micros, out: OutgoingStream, fields: Fields, kind: 'headers' | 'trailers'): void {
    const section = this.#section;
    section.position = 0;
    this.#encoder.encode(section, fields, out.id, this.#ownStreams.takesInstructions);
    const instructions = this.#encoder.takeInstructions(); // before what refers to them
    if (instructions !== undefined) this.#ownStreams.instruct(now, instructions);
    const headerLength = frameHeaderSize(FrameType.HEADERS, section.position);
    const frame = new ByteWriter(new Uint8Array(headerLength + section.position));
    writeFrameHeader(frame, FrameType.HEADERS, section.position);
    frame.octets(section.written());
    this.#observer?.frameMapped('sent', out.id, out.id, out.offset, frame.position, headerLength, kind);
    out.write(now, frame.bytes, true);
  }

  /** Lays content out as far as the transport takes it, and at most one frame further. Returns the octets taken. */
  content(now: Micros, out: OutgoingStream, data: Uint8Array): number {
    const header = this.#header;
    let taken = 0;
    while (taken < data.length && !out.blocked) {
      const length = Math.min(data.length - taken, LIMITS.dataFrame.value); // what the transport takes only in part waits, copied
      header.position = 0;
      writeFrameHeader(header, FrameType.DATA, length);
      this.#observer?.frameMapped('sent', out.id, out.id, out.offset, header.position + length, header.position, 'data');
      out.write(now, header.written());
      out.write(now, data.subarray(taken, taken + length));
      taken += length;
    }
    return taken;
  }
}
