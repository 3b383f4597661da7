/** What a record carries (RFC 9846 §5.1). */
export const ContentType = { CHANGE_CIPHER_SPEC: 20, ALERT: 21, HANDSHAKE: 22, APPLICATION_DATA: 23 } as const;

/** Type, legacy version, length. */
export const HEADER_LENGTH = 5;
/** Octets of content in one record (RFC 9846 §5.1). */
export const MAX_PLAINTEXT = 16_384;
/** Octets of one protected record after its header (RFC 9846 §5.2). */
export const MAX_CIPHERTEXT = MAX_PLAINTEXT + 256;

/** legacy_record_version: of a first ClientHello, and of everything else (RFC 9846 §5.1). Nobody may look at it. */
export const VERSION_OF_FIRST_HELLO = 0x0301;
export const VERSION = 0x0303;

const WARNING = 1;
const FATAL = 2;
export const CLOSE_NOTIFY = 0;
export const USER_CANCELED = 90;

/** RFC 9846 §6: close_notify and user_canceled are no errors; everything else, known or not, is one, whatever level it has. */
export const isError = (description: number): boolean => description !== CLOSE_NOTIFY && description !== USER_CANCELED;

export const encodeAlert = (description: number): Uint8Array => Uint8Array.of(isError(description) ? FATAL : WARNING, description);

const ALERT_NAMES: Readonly<Record<number, string>> = {
  0: 'close_notify',
  10: 'unexpected_message',
  20: 'bad_record_mac',
  22: 'record_overflow',
  40: 'handshake_failure',
  42: 'bad_certificate',
  43: 'unsupported_certificate',
  44: 'certificate_revoked',
  45: 'certificate_expired',
  46: 'certificate_unknown',
  47: 'illegal_parameter',
  48: 'unknown_ca',
  49: 'access_denied',
  50: 'decode_error',
  51: 'decrypt_error',
  70: 'protocol_version',
  71: 'insufficient_security',
  80: 'internal_error',
  86: 'inappropriate_fallback',
  90: 'user_canceled',
  109: 'missing_extension',
  110: 'unsupported_extension',
  112: 'unrecognized_name',
  113: 'bad_certificate_status_response',
  115: 'unknown_psk_identity',
  116: 'certificate_required',
  117: 'general_error',
  120: 'no_application_protocol',
};

/** What an alert is called, for reasons that people read. */
export const alertName = (description: number): string => ALERT_NAMES[description] ?? `alert ${description}`;
