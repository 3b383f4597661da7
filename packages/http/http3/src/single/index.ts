export { SingleConnection, type SingleOptions } from './connection.ts';

/** The token that ALPN negotiates for it. */
export const SINGLE_ALPN = 'quiclab-single';
