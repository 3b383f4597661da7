/** Transport error codes, carried in CONNECTION_CLOSE frames of type 0x1c. RFC 9000 §20.1; CRYPTO_ERROR is the first of 256, one for each TLS alert. */
export const TransportErrorCode = {
  NO_ERROR: 0x0,
  INTERNAL_ERROR: 0x1,
  CONNECTION_REFUSED: 0x2,
  FLOW_CONTROL_ERROR: 0x3,
  STREAM_LIMIT_ERROR: 0x4,
  STREAM_STATE_ERROR: 0x5,
  FINAL_SIZE_ERROR: 0x6,
  FRAME_ENCODING_ERROR: 0x7,
  TRANSPORT_PARAMETER_ERROR: 0x8,
  CONNECTION_ID_LIMIT_ERROR: 0x9,
  PROTOCOL_VIOLATION: 0xa,
  INVALID_TOKEN: 0xb,
  APPLICATION_ERROR: 0xc,
  CRYPTO_BUFFER_EXCEEDED: 0xd,
  KEY_UPDATE_ERROR: 0xe,
  AEAD_LIMIT_REACHED: 0xf,
  NO_VIABLE_PATH: 0x10,
  /** RFC 9368 §8.2. */
  VERSION_NEGOTIATION_ERROR: 0x11,
  CRYPTO_ERROR: 0x100,
} as const;

const NAMES = new Map<number, string>(Object.entries(TransportErrorCode).map(([name, code]) => [code, name]));

/** The name of a transport error code for people: 'CRYPTO_ERROR(alert 42)' for 0x100 + 42, '0x1234' for a code without a name. RFC 9000 §20.1. */
export function transportErrorName(code: number): string {
  if (code >= 0x100 && code <= 0x1ff) return `CRYPTO_ERROR(alert ${code - 0x100})`;
  return NAMES.get(code) ?? `0x${code.toString(16)}`;
}

/**
 * The peer, or what came in its name and was authentic, broke a rule: the connection closes with this code. RFC 9000 §11.1.
 * `message` is the reason as it may be sent to the peer; it says which numbers were wrong.
 */
export class TransportError extends Error {
  override readonly name = 'TransportError';
  readonly code: number;
  /** Type of the frame that triggered the error as on the wire; 0 where none did or it is unknown (RFC 9000 §19.19). */
  readonly frameType: number;

  constructor(code: number, reason: string, frameType = 0) {
    super(reason);
    this.code = code;
    this.frameType = frameType;
  }
}
