/** The plain twin of ReceiveStream's reassembly: one octet at a time. */
export class SlowReassembly {
  readonly #octets = new Map<number, number>();
  highest = 0;

  receive(offset: number, bytes: Uint8Array): void {
    bytes.forEach((octet, i) => {
      if (!this.#octets.has(offset + i)) this.#octets.set(offset + i, octet);
    });
    this.highest = Math.max(this.highest, offset + bytes.length); // an empty frame counts, too
  }

  get contiguous(): number {
    let at = 0;
    while (this.#octets.has(at)) at++;
    return at;
  }

  deliverable(from: number): number[] {
    const octets: number[] = [];
    for (let at = from; this.#octets.has(at); at++) octets.push(this.#octets.get(at)!);
    return octets;
  }

  get count(): number {
    return this.#octets.size;
  }
}

/** A small generator for tests: xorshift32, seeded. */
export function drawing(seed: number): (below: number) => number {
  let state = (Math.imul(seed, 0x9e3779b9) ^ 0x243f6a88) >>> 0 || 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

/** The octet that belongs at an offset. */
export const octetAt = (offset: number): number => (Math.imul(offset + 1, 0x9e3779b1) >>> 24) & 0xff;
export const octets = (from: number, to: number): Uint8Array => Uint8Array.from({ length: to - from }, (_, i) => octetAt(from + i));
