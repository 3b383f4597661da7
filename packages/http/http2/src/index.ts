export { Http2Connection } from './connection.ts';
export { H2 } from './errors.ts';
export { type Beyond, LIMITS, type Limit } from './limits.ts';
export type { Http2Observer } from './observer.ts';
export type { Http2Options } from './options.ts';
export { Setting, type Settings } from './settings.ts';
export { STREAM_TRANSITIONS, type StreamInput, type StreamState } from './stream-states.ts';

/** The token that ALPN negotiates for HTTP/2 over TLS. RFC 9113 §3.2. */
export const H2_ALPN = 'h2';
