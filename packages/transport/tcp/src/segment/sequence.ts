/**
 * Sequence numbers have 32 bits on the wire and start anywhere; inside, a position counts from 0, the first octet of data, and
 * never wraps. The SYN is at -1, the FIN at the octet after the last. `base` is the sequence number of position 0: ISN + 1.
 */
export const sequenceOf = (base: number, position: number): number => (base + position) >>> 0;

/** The position that a sequence number means: of all that it could mean, the nearest to `near`. RFC 9293 §3.4. */
export const positionOf = (base: number, sequence: number, near: number): number => near + ((sequence - sequenceOf(base, near)) | 0);
