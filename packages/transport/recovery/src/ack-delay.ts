import type { Micros } from '@quiclab/sansio';

/** The ACK Delay field for a delay: scaled by 2^exponent (at most 20) and cut off (RFC 9000 §19.3). */
export const encodeAckDelay = (delay: Micros, exponent: number): number => Math.floor(Math.max(0, delay) / (1 << exponent));

/** The delay that an ACK Delay field tells; saturates where whole numbers end. */
export const decodeAckDelay = (field: number, exponent: number): Micros => Math.min(field * (1 << exponent), Number.MAX_SAFE_INTEGER);
