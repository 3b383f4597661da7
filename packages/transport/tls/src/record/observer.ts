export type Direction = 'sent' | 'received';

/** What can be watched of a TlsStream: override what you watch; watching changes nothing. */
export class RecordObserver {
  /**
   * One record, as it is sealed or once it was opened: where its octets lie in the stream below, header and tag included, and what
   * they are. Offsets count from 0 in each direction. For application data, the plaintext lies there in the stream above; after early
   * data was rejected those offsets begin again, and what was mapped before is void. For all else the length is 0.
   * @param contentType  see ContentType; the one inside, where the record is protected
   */
  recordMapped(
    _direction: Direction,
    _plaintextOffset: number,
    _plaintextLength: number,
    _cipherOffset: number,
    _cipherLength: number,
    _contentType: number,
  ): void {}
  /** Early data that is passed over unread (RFC 9846 §4.2.10): octets of the stream below. */
  recordSkipped(_cipherOffset: number, _cipherLength: number): void {}
  /** @param description  RFC 9846 §6 */
  alert(_direction: Direction, _description: number): void {}
  /** The keys of this direction are the next ones. @param generation  0 for those of the handshake's end */
  keysUpdated(_direction: Direction, _generation: number): void {}
  /** For key logs. @param label  in NSS's format, e.g. CLIENT_TRAFFIC_SECRET_0; later generations can be derived from it */
  secret(_label: string, _clientRandom: Uint8Array, _secret: Uint8Array): void {}
}
