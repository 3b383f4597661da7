export { Http3Connection, type Http3Options } from './connection.ts';
export { H3, HttpConnectionError } from './errors.ts';
export { type Beyond, LIMITS, type Limit } from './limits.ts';
export { Setting, type Settings } from './settings.ts';
export type { QuicStreams, StreamEvent } from './transport.ts';

/** The token that ALPN negotiates for HTTP/3. RFC 9114 §3.1. */
export const H3_ALPN = 'h3';
