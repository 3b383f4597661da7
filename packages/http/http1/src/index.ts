export { Http1Client, type Http1ClientOptions } from './client.ts';
export { type Beyond, LIMITS, type Limit } from './limits.ts';
export type { Http1Observer } from './observer.ts';
export { Http1Server, type Http1ServerOptions } from './server.ts';

/** The token that ALPN negotiates for HTTP/1.1. RFC 9112 §12.4. */
export const H1_ALPN = 'http/1.1';
