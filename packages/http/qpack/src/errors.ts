/** The error codes of QPACK, for closing an HTTP/3 connection. RFC 9204 §6. */
export const QPACK_DECOMPRESSION_FAILED = 0x200;
export const QPACK_ENCODER_STREAM_ERROR = 0x201;
export const QPACK_DECODER_STREAM_ERROR = 0x202;

/** The peer broke QPACK. The connection has to be closed with `code`. */
export class QpackError extends Error {
  readonly code: number;
  constructor(code: number, message: string) {
    super(message);
    this.name = 'QpackError';
    this.code = code;
  }
}
