/** The peer broke HPACK, and the tables of the two ends may differ from here on: the connection cannot go on (COMPRESSION_ERROR, RFC 9113 §4.3). */
export class HpackError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'HpackError';
  }
}
