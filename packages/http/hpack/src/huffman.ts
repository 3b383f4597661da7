import type { ByteWriter } from '@quiclab/bytes';

/**
 * The lengths of the codes of symbols 0 to 255 and EOS. RFC 7541 Appendix B. The code is canonical: within a length, codes
 * follow each other in the order of the symbols, and a longer code continues where the shorter ones ended. So the lengths say all.
 */
// biome-ignore format: sixteen to a line
const LENGTHS: readonly number[] = [
  13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28,
  28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28,
  6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6,
  5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10,
  13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7,
  7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6,
  15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5,
  6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28,
  20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23,
  24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24,
  22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23,
  21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
  26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25,
  19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27,
  20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23,
  26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26,
  30,
];
const EOS = 256;

const CODES = /* @__PURE__ */ canonicalCodes();

function canonicalCodes(): Uint32Array {
  const codes = new Uint32Array(LENGTHS.length);
  let code = 0;
  for (let length = 5; length <= 30; length++) {
    code *= 2;
    for (let symbol = 0; symbol <= EOS; symbol++) if (LENGTHS[symbol] === length) codes[symbol] = code++;
  }
  return codes;
}

/*
 * Decoding goes four bits at a time through a machine whose states are the inner nodes of the code tree (256 of them, the
 * root is 0). An entry says where four more bits lead and which symbol ended on the way: no code is shorter than five bits,
 * so there is one at most. The table is 16 KiB.
 */
const EMIT = 0x1_0000; // a symbol ended: bits 8 to 15
const INVALID = 0x2_0000; // EOS is in the string
const STEPS = /* @__PURE__ */ decodingSteps();

/** How long a string may end: in the root, or after up to seven ones, the start of EOS (RFC 7541 §5.2). */
const ENDS = /* @__PURE__ */ acceptableEnds();

/** The code tree: child[2 * node + bit] is an inner node, or -1 - symbol for a leaf. */
function codeTree(): Int32Array {
  const child = new Int32Array(2 * 256);
  let nodes = 1;
  for (let symbol = 0; symbol <= EOS; symbol++) {
    const length = LENGTHS[symbol]!;
    let node = 0;
    for (let bit = length - 1; bit > 0; bit--) {
      const edge = 2 * node + ((CODES[symbol]! >>> bit) & 1);
      if (child[edge] === 0) child[edge] = nodes++;
      node = child[edge]!;
    }
    child[2 * node + (CODES[symbol]! & 1)] = -1 - symbol;
  }
  return child;
}

function decodingSteps(): Uint32Array {
  const child = codeTree();
  const steps = new Uint32Array(256 * 16);
  for (let state = 0; state < 256; state++) {
    for (let nibble = 0; nibble < 16; nibble++) {
      let node = state;
      let entry = 0;
      for (let bit = 3; bit >= 0; bit--) {
        const next = child[2 * node + ((nibble >>> bit) & 1)]!;
        node = Math.max(next, 0); // a leaf is followed by the root
        if (next < 0) entry = next === -1 - EOS ? INVALID : EMIT | ((-1 - next) << 8);
        if (entry === INVALID) break;
      }
      steps[state * 16 + nibble] = entry | node;
    }
  }
  return steps;
}

function acceptableEnds(): Uint8Array {
  const child = codeTree();
  const ends = new Uint8Array(256);
  for (let depth = 0, node = 0; depth <= 7; depth++, node = child[2 * node + 1]!) ends[node] = 1;
  return ends;
}

/** The most octets that so many octets of Huffman code can stand for: the shortest code has five bits. */
export const maxDecodedLength = (encoded: number): number => Math.floor((encoded * 8) / 5);

/** What `huffmanDecode` answers for EOS in the string, or padding that is longer than seven bits or not all ones. */
export const HUFFMAN_INVALID = -1;

/**
 * Decodes bytes[start, end) into `out` from its front. RFC 7541 §5.2.
 * @param out  has room for `maxDecodedLength(end - start)`
 * @returns how many octets it stood for, or HUFFMAN_INVALID
 */
export function huffmanDecode(bytes: Uint8Array, start: number, end: number, out: Uint8Array): number {
  let state = 0;
  let length = 0;
  for (let i = start; i < end; i++) {
    const octet = bytes[i]!;
    const high = STEPS[state * 16 + (octet >>> 4)]!;
    if (high >= EMIT) {
      if (high >= INVALID) return HUFFMAN_INVALID;
      out[length++] = high >>> 8;
    }
    const low = STEPS[(high & 0xff) * 16 + (octet & 15)]!;
    if (low >= EMIT) {
      if (low >= INVALID) return HUFFMAN_INVALID;
      out[length++] = low >>> 8;
    }
    state = low & 0xff;
  }
  return ENDS[state] === 1 ? length : HUFFMAN_INVALID;
}

/** How many octets the text (one character for each octet) takes in Huffman code. Throws on characters from U+0100 on. */
export function huffmanLength(text: string): number {
  let bits = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code > 0xff) throw new RangeError(`character ${i} of '${text.slice(0, 40)}' does not fit one octet`);
    bits += LENGTHS[code]!;
  }
  return Math.ceil(bits / 8);
}

/** Writes the text in Huffman code, padded with ones. RFC 7541 §5.2. Octets as in `huffmanLength`, which has checked them. */
export function huffmanEncode(text: string, writer: ByteWriter): void {
  let pending = 0; // fewer than eight bits wait to be written
  let count = 0;
  for (let i = 0; i < text.length; i++) {
    const symbol = text.charCodeAt(i);
    let left = LENGTHS[symbol]!;
    const code = CODES[symbol]!;
    while (count + left >= 8) {
      const take = 8 - count;
      left -= take;
      writer.uint8((pending << take) | ((code >>> left) & ((1 << take) - 1)));
      pending = 0;
      count = 0;
    }
    pending = (pending << left) | (code & ((1 << left) - 1));
    count += left;
  }
  if (count > 0) writer.uint8((pending << (8 - count)) | (0xff >>> count));
}
