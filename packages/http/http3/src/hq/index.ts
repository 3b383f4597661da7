export { HQ_ERROR, HQ_NO_ERROR, HqConnection, type HqOptions } from './connection.ts';

/** The token that ALPN negotiates for it. */
export const HQ_ALPN = 'hq-interop';
