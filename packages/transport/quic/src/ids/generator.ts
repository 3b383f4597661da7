import type { Random } from '@quiclab/sansio';

/**
 * Makes the connection IDs that an endpoint issues. Whoever stands before several endpoints can read from them where a packet
 * belongs. RFC 9000 §5.1.
 */
export interface ConnectionIdGenerator {
  /** Octets of every ID, 4 to 20: short headers do not say it. */
  readonly length: number;
  /**
   * Fills all of `id`, with another one each time. One that is in use already is asked for again.
   * What it says must not show who else has IDs of the same connection (RFC 9000 §5.1).
   */
  generate(id: Uint8Array, random: Random): void;
}

/** IDs that say nothing. */
export const randomIds = (length: number): ConnectionIdGenerator => ({
  length,
  generate: (id, random) => random.fill(id),
});
