import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { ByteWriter } from '@quiclab/bytes';
import { HpackDecoder, HpackEncoder, type Line } from '@quiclab/hpack';
import { describe, expect, test } from 'vitest';

const CORPUS = fileURLToPath(new URL('../../../../../shared/qifs/qifs', import.meta.url));
const present = existsSync(CORPUS);
const absent = present ? '' : ' [skipped: ../shared/qifs, the header lists of the QPACK interoperability corpus, are not there]';

/** Lists separated by empty lines; a line is name, tab, value. */
function lists(file: string): Line[][] {
  return readFileSync(file, 'latin1')
    .split(/\n\n+/)
    .map((list) => list.split('\n').filter((line) => line !== '' && !line.startsWith('#')))
    .filter((list) => list.length > 0)
    .map((list) => list.map((line) => [line.slice(0, line.indexOf('\t')), line.slice(line.indexOf('\t') + 1)]));
}

const files = present
  ? readdirSync(CORPUS)
      .filter((name) => name.endsWith('.qif'))
      .sort()
  : ['the corpus'];

describe(`header lists of real traffic${absent}`, () => {
  for (const file of files) {
    test.skipIf(!present)(`${file} comes back from tables of any size, and a table makes it shorter`, () => {
      const all = lists(`${CORPUS}/${file}`);
      const sizes: number[] = [];
      for (const maxTableSize of [0, 256, 4_096, 65_536]) {
        const encoder = new HpackEncoder({ maxTableSize });
        const decoder = new HpackDecoder();
        encoder.setMaxTableSize(maxTableSize);
        decoder.setMaxTableSize(maxTableSize);
        let octets = 0;
        const writer = ByteWriter.growable();
        for (const fields of all) {
          writer.position = 0;
          encoder.encode(writer, fields);
          octets += writer.position;
          expect(decoder.decode(writer.written())).toEqual(fields);
          expect(decoder.tableSize).toBe(encoder.tableSize);
        }
        sizes.push(octets);
      }
      if (all.length < 10) return;
      expect(sizes[2]!).toBeLessThan(sizes[0]! * 0.75);
      expect(sizes[3]!).toBeLessThanOrEqual(sizes[2]! + 4); // the update that says its size has four octets
    });
  }
});
