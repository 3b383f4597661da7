import type { CryptoProvider } from '@quiclab/crypto';
import type { ByteStream, ByteStreamEvent } from '@quiclab/sansio';
import type { HandshakeOptions, RecordHandshakeFactory } from '../port.ts';
import { MAX_PLAINTEXT } from './content.ts';
import type { RecordObserver } from './observer.ts';
import { RECORD_OVERHEAD, type RecordShape } from './record-writer.ts';

/** One TLS connection. `remember` is by default nothing: then a server's `earlyData` alone says whether it takes some. */
export interface TlsStreamOptions extends Omit<HandshakeOptions, 'transport'> {
  /** What carries the records. */
  readonly below: ByteStream;
  /** `clientHandshake(…)` or `serverHandshake(…)`. */
  readonly handshake: RecordHandshakeFactory;
  /** The ciphers of the records. */
  readonly provider: CryptoProvider;
  /** Octets of content in one record; a record must be whole before its octets are readable. 1 to 16,384, which is the default (RFC 9846 §5.1). */
  readonly maxPlaintext?: number;
  /** Octets of a whole protected record, its 22 of header, type and tag included: as much as fits a segment. Default: no limit but `maxPlaintext`. */
  readonly maxRecord?: number;
  /** Zeros to add to so much content of this type, as far as they fit the record (RFC 9846 §5.4). Default: none. */
  readonly padding?: (contentType: number, contentLength: number) => number;
  /** Records under one key before it is updated, where the cipher does not ask for it earlier (RFC 9846 §5.5). Default 2^24. */
  readonly keyUpdateAfter?: number;
  readonly observer?: RecordObserver;
}

export type TlsStreamEvent =
  | ByteStreamEvent
  /**
   * Before 'secured'. At a client: so many octets may be written now, as early data. At a server: what is read now is early data,
   * which may be a replay (RFC 9846 §8); answers may be written.
   */
  | { readonly type: 'early'; readonly alpn: string; readonly octets: number }
  /**
   * The handshake is complete. `earlyData` rejected: what a client wrote and finished so far was for nobody, and is forgotten; it is
   * the application's to say again, if it makes sense in this protocol (RFC 9846 §4.2.10).
   */
  | { readonly type: 'secured'; readonly alpn: string; readonly resumed: boolean; readonly earlyData: 'none' | 'accepted' | 'rejected' }
  /** For a client to resume with, once. */
  | { readonly type: 'session'; readonly data: Uint8Array };

/** @throws Error for records that cannot be */
export function recordShape(options: TlsStreamOptions): RecordShape {
  const { maxPlaintext = MAX_PLAINTEXT, maxRecord = RECORD_OVERHEAD + MAX_PLAINTEXT, padding = () => 0 } = options;
  if (!Number.isInteger(maxPlaintext) || maxPlaintext < 1 || maxPlaintext > MAX_PLAINTEXT)
    throw new Error(`records of ${maxPlaintext} octets of content; 1 to ${MAX_PLAINTEXT} are possible`);
  if (!Number.isInteger(maxRecord) || maxRecord <= RECORD_OVERHEAD)
    throw new Error(`records of ${maxRecord} octets; ${RECORD_OVERHEAD} are none of content`);
  return { maxPlaintext, maxRecord, padding };
}
