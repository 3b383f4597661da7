import type { ByteWriter } from '@quiclab/bytes';
import { writeInteger } from '@quiclab/hpack/integer';
import { isSensitive, type Line } from '@quiclab/hpack/sensitive';
import { writeString } from '@quiclab/hpack/string';
import { QPACK_DECODER_STREAM_ERROR, QpackError } from './errors.ts';
import { STATIC_NAMES } from './static-table.ts';

/** Values that no hop may put into a table, where their octets could be guessed at (RFC 9204 §7.1.3): marked never-indexed. */
const SENSITIVE: ReadonlySet<string> = new Set(['authorization', 'proxy-authorization', 'cookie', 'set-cookie']);

/** Writes field sections from the static table and literals; it never inserts into the peer's dynamic table. RFC 9204 §4.5. */
export class QpackEncoder {
  #cancellationOctets = 0;

  /** Writes one encoded field section. Names and values are one character for each octet; others throw RangeError. */
  encode(writer: ByteWriter, fields: readonly Line[]): void {
    writer.uint16(0); // Required Insert Count 0, Delta Base 0: no reference into the dynamic table (RFC 9204 §4.5.1)
    for (const field of fields) {
      const [name, value] = field;
      const known = STATIC_NAMES.get(name);
      const line = known?.lines.get(value);
      const never = SENSITIVE.has(name) || isSensitive(field); // what came so is passed on so
      if (line !== undefined && !never) {
        writeInteger(writer, 0b1100_0000, 6, line); // §4.5.2
        continue;
      }
      if (known !== undefined)
        writeInteger(writer, never ? 0b0111_0000 : 0b0101_0000, 4, known.name); // §4.5.4
      else writeString(writer, never ? 0b0011_0000 : 0b0010_0000, 3, name); // §4.5.6
      writeString(writer, 0, 7, value);
    }
  }

  /**
   * The next octets of the peer's decoder stream (RFC 9204 §4.4). As nothing was ever inserted there is nothing to acknowledge;
   * a Stream Cancellation is allowed and says nothing to us.
   */
  receiveDecoderStream(octets: Uint8Array): void {
    for (const octet of octets) {
      if (this.#cancellationOctets > 0) {
        // the stream ID of a Stream Cancellation goes on: nobody needs its value, only its end
        if (octet < 0x80) this.#cancellationOctets = 0;
        else if (++this.#cancellationOctets > 10) throw new QpackError(QPACK_DECODER_STREAM_ERROR, 'a stream ID has more than ten octets');
        continue;
      }
      if (octet >= 0x80) throw new QpackError(QPACK_DECODER_STREAM_ERROR, 'a Section Acknowledgment, and no section waits for one');
      if (octet < 0x40) throw new QpackError(QPACK_DECODER_STREAM_ERROR, 'an Insert Count Increment, and nothing was inserted');
      if ((octet & 0x3f) === 0x3f) this.#cancellationOctets = 1;
    }
  }
}
