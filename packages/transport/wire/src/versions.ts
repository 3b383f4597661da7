/** QUIC version 1. RFC 9000 §15. */
export const VERSION_1 = 0x0000_0001;

/** QUIC version 2: the same protocol with other numbers in its headers and keys. RFC 9369 §3.1. */
export const VERSION_2 = 0x6b33_43cf;

/** Whether a version is one of 0x?a?a?a?a, which exist to exercise version negotiation and never name a protocol. RFC 9000 §15. */
export const isReserved = (version: number): boolean => (version & 0x0f0f_0f0f) >>> 0 === 0x0a0a_0a0a;
