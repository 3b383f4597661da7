export { HUFFMAN_INVALID, huffmanDecode, huffmanEncode, huffmanLength, maxDecodedLength } from './huffman.ts';
export { INTEGER_OVERFLOW, readInteger, writeInteger } from './integer.ts';
