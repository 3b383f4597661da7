import { randomFillSync } from 'node:crypto';
import type { Random } from '@quiclab/sansio';

/** The operating system's generator, for real connections. Children are the same: nothing here can be repeated. */
export const systemRandom: Random = {
  uint32(): number {
    const at = take(4);
    return ((pool[at] << 24) | (pool[at + 1] << 16) | (pool[at + 2] << 8) | pool[at + 3]) >>> 0;
  },
  fill(bytes: Uint8Array): void {
    if (bytes.length > SHARE) {
      randomFillSync(bytes);
      return;
    }
    const at = take(bytes.length);
    bytes.set(pool.subarray(at, at + bytes.length));
    pool.fill(0, at, at + bytes.length); // what became a private key is not kept here as well
  },
  fork: () => systemRandom,
  at: () => systemRandom,
};

// one call costs about 1 µs, however few octets it is for
const pool = new Uint8Array(4096);
const SHARE = 256;
let used = pool.length;

function take(length: number): number {
  if (used + length > pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  const at = used;
  used += length;
  return at;
}
