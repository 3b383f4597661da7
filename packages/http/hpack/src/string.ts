import type { ByteWriter } from '@quiclab/bytes';
import { huffmanDecode, huffmanEncode, huffmanLength, maxDecodedLength } from './huffman.ts';
import { writeInteger } from './integer.ts';

/** Octets of room for decoded strings that a reader keeps: one huge cookie must not cost them for as long as the connection lasts. */
const KEPT = 4_096;

/**
 * Reads the octets of string literals (RFC 7541 §5.2, RFC 9204 §4.1.2): first how long the string is, then, if anybody wants it,
 * the string. One serves a connection's whole life.
 */
export class StringReader {
  #scratch = new Uint8Array(256); // up to KEPT
  #bytes: Uint8Array = this.#scratch;
  #start = 0;
  #end = 0;

  /** How many octets bytes[start, end) stand for; HUFFMAN_INVALID where they are to be Huffman code, and are none. */
  measure(bytes: Uint8Array, start: number, end: number, huffman: boolean): number {
    if (!huffman) {
      this.#bytes = bytes;
      this.#start = start;
      this.#end = end;
      return end - start;
    }
    const room = maxDecodedLength(end - start);
    const scratch = room <= this.#scratch.length ? this.#scratch : new Uint8Array(room);
    if (room <= KEPT) this.#scratch = scratch;
    const length = huffmanDecode(bytes, start, end, scratch);
    this.#bytes = scratch;
    this.#start = 0;
    this.#end = Math.max(0, length);
    return length;
  }

  /** What was measured last: one character for each octet. */
  text(): string {
    const { fromCharCode } = String;
    let result = '';
    // in pieces, since arguments of a call are limited
    for (let at = this.#start; at < this.#end; at += 4096) {
      result += fromCharCode.apply(null, this.#bytes.subarray(at, Math.min(this.#end, at + 4096)) as unknown as number[]);
    }
    this.#bytes = this.#scratch; // lets go of what was read
    this.#start = this.#end = 0;
    return result;
  }
}

/** Which strings are in Huffman code: those that it makes shorter, all, or none. */
export type HuffmanUse = 'shorter' | 'always' | 'never';

/**
 * Writes a string literal, in Huffman code where that is shorter. RFC 7541 §5.2, RFC 9204 §4.1.2.
 * @param flags   the bits above the one that says Huffman
 * @param prefix  the bits below it, with which its length begins
 * @param text    one character for each octet; others throw RangeError
 */
export function writeString(writer: ByteWriter, flags: number, prefix: number, text: string, huffman: HuffmanUse = 'shorter'): void {
  const compressed = huffmanLength(text); // refuses what is no octet
  if (huffman === 'always' || (huffman === 'shorter' && compressed < text.length)) {
    writeInteger(writer, flags | (1 << prefix), prefix, compressed);
    huffmanEncode(text, writer);
    return;
  }
  writeInteger(writer, flags, prefix, text.length);
  for (let i = 0; i < text.length; i++) writer.uint8(text.charCodeAt(i));
}
