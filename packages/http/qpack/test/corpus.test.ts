import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { ByteWriter } from '@quiclab/bytes';
import { writeInteger } from '@quiclab/hpack/integer';
import {
  BLOCKED,
  QPACK_DECOMPRESSION_FAILED,
  QPACK_ENCODER_STREAM_ERROR,
  QpackDecoder,
  QpackEncoder,
  type QpackError,
} from '@quiclab/qpack';
import { describe, expect, test } from 'vitest';

const CORPUS = fileURLToPath(new URL('../../../../../shared/qifs', import.meta.url));
const present = existsSync(CORPUS);
const absent = present ? '' : ' [skipped: ../shared/qifs, the QPACK interoperability corpus, is not there]';

interface Block {
  readonly stream: number;
  readonly octets: Uint8Array;
}

/** Stream ID (8 octets), length (4), octets; stream 0 is the encoder stream. */
function blocks(file: string): Block[] {
  const bytes = new Uint8Array(readFileSync(file));
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const found: Block[] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = view.getUint32(at + 8);
    found.push({ stream: Number(view.getBigUint64(at)), octets: bytes.subarray(at + 12, at + 12 + length) });
    at += 12 + length;
  }
  return found;
}

/** RFC 9204 §4.3.1. */
function setCapacity(octets: number): Uint8Array {
  const writer = ByteWriter.growable();
  writeInteger(writer, 0b0010_0000, 5, octets);
  return writer.written();
}

/** Lists separated by empty lines; a line is name, tab, value. */
function lists(file: string): [string, string][][] {
  return readFileSync(file, 'latin1')
    .split(/\n\n+/)
    .map((list) => list.split('\n').filter((line) => line !== '' && !line.startsWith('#')))
    .filter((list) => list.length > 0)
    .map((list) => list.map((line) => [line.slice(0, line.indexOf('\t')), line.slice(line.indexOf('\t') + 1)]));
}

const files = present
  ? ['ls-qpack', 'nghttp3'].flatMap((by) =>
      readdirSync(`${CORPUS}/encoded/${by}`)
        .sort()
        .map((name) => `${by}/${name}`),
    )
  : [];
const withoutTable = files.filter((name) => name.includes('.out.0.'));

describe(`QPACK interoperability corpus${absent}`, () => {
  test.skipIf(!present)('there are files of both encoders', () => expect(withoutTable.length).toBe(24));

  for (const name of files) {
    test(`${name} decodes to its header lists`, () => {
      const [, capacity, mayWait] = /\.out\.(\d+)\.(\d+)\./.exec(name)!.map(Number);
      const decoder = new QpackDecoder(Number.MAX_SAFE_INTEGER, capacity);
      decoder.receiveEncoderStream(setCapacity(capacity!)); // the corpus is from when tables began with all that they may have
      const decoded: (readonly [number, unknown])[] = [];
      const waiting: Block[] = [];
      const decode = (block: Block): void => {
        const fields = decoder.decode(block.octets, block.stream);
        if (fields === BLOCKED) waiting.push(block);
        else decoded.push([block.stream, fields]);
        expect(waiting.length).toBeLessThanOrEqual(mayWait!);
      };
      for (const block of blocks(`${CORPUS}/encoded/${name}`)) {
        if (block.stream !== 0) decode(block);
        else if (decoder.receiveEncoderStream(block.octets)) for (const before of waiting.splice(0)) decode(before);
      }
      decoded.sort((a, b) => a[0] - b[0]);
      const expected = lists(`${CORPUS}/qifs/${name.slice(name.indexOf('/') + 1).split('.out.')[0]}.qif`);
      expect(JSON.stringify(decoded.map(([, fields]) => fields))).toBe(JSON.stringify(expected));
    });
  }

  test.skipIf(!present)('our own encoding of every list decodes to the list', () => {
    const decoder = new QpackDecoder();
    for (const name of readdirSync(`${CORPUS}/qifs`)) {
      for (const list of lists(`${CORPUS}/qifs/${name}`)) {
        const writer = ByteWriter.growable();
        new QpackEncoder().encode(writer, list);
        expect(decoder.decode(writer.written())).toEqual(list);
      }
    }
  });

  test.skipIf(!present)('what needs a dynamic table is answered with the error that says so', () => {
    const seen = new Set<number>();
    for (const name of files.filter((file) => !file.includes('.out.0.'))) {
      const decoder = new QpackDecoder();
      for (const { stream, octets } of blocks(`${CORPUS}/encoded/${name}`)) {
        try {
          if (stream === 0) decoder.receiveEncoderStream(octets);
          else decoder.decode(octets);
        } catch (error) {
          const code = (error as QpackError).code;
          expect(code).toBe(stream === 0 ? QPACK_ENCODER_STREAM_ERROR : QPACK_DECOMPRESSION_FAILED);
          seen.add(code);
        }
      }
    }
    expect(seen.size).toBe(2);
  });

  const errors = (i: number): number => {
    for (const { stream, octets } of blocks(`${CORPUS}/errors/err${i}`)) {
      try {
        if (stream === 0) new QpackDecoder().receiveEncoderStream(octets);
        else new QpackDecoder().decode(octets);
      } catch (error) {
        return (error as QpackError).code;
      }
    }
    return 0;
  };

  for (const i of [1, 2, 3, 4, 5, 6, 7, 8]) {
    test.skipIf(!present)(`errors/err${i} is QPACK_DECOMPRESSION_FAILED`, () => expect(errors(i)).toBe(QPACK_DECOMPRESSION_FAILED));
  }

  for (const i of [9, 10]) {
    // these refer to static indexes 0 and 62, which drafts before RFC 9204 did not have
    test.skipIf(!present)(`errors/err${i} is a line of the static table since RFC 9204 Appendix A`, () => expect(errors(i)).toBe(0));
  }

  for (const i of [11, 12]) {
    test.skipIf(!present)(`errors/err${i} is QPACK_ENCODER_STREAM_ERROR`, () => expect(errors(i)).toBe(QPACK_ENCODER_STREAM_ERROR));
  }
});
