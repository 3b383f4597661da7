export { HpackDecoder } from './decoder.ts';
export { HpackEncoder, type HpackEncoderOptions, type Indexing, usualIndexing } from './encoder.ts';
export { HpackError } from './errors.ts';
export { HUFFMAN_INVALID, huffmanDecode, huffmanEncode, huffmanLength, maxDecodedLength } from './huffman.ts';
export { INTEGER_OVERFLOW, readInteger, writeInteger } from './integer.ts';
export { isSensitive, type Line, markSensitive } from './sensitive.ts';
export { STATIC_TABLE } from './static-table.ts';
export { type HuffmanUse, StringReader, writeString } from './string.ts';
