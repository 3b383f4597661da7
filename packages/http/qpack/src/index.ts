export { BLOCKED, QpackDecoder } from './decoder.ts';
export { QpackEncoder, type QpackEncoderOptions } from './encoder.ts';
export { QPACK_DECODER_STREAM_ERROR, QPACK_DECOMPRESSION_FAILED, QPACK_ENCODER_STREAM_ERROR, QpackError } from './errors.ts';
export { STATIC_TABLE } from './static-table.ts';
