export { concat, sameBytes } from './octets.ts';
export { RangeSet } from './range-set.ts';
export { ByteReader } from './reader.ts';
export { fromHex, fromLatin1, fromUtf8, latin1, toHex, utf8 } from './text.ts';
export { MAX_VARINT, varintSize } from './varint.ts';
export { ByteWriter } from './writer.ts';
