/**
 * Chance as an argument. All draws of a run hang on one seed, and every place that draws has a name, so that one more
 * draw in one place does not reshuffle all the others.
 */
export interface Random {
  /** A uniform integer in [0, 2^32). */
  uint32(): number;
  /** Fills with uniform octets. */
  fill(bytes: Uint8Array): void;
  /** A child by name ('connection/3/cid'). A label taken twice from the same parent throws: two places would share draws. */
  fork(label: string): Random;
  /** A child by number: same index, same draws, whatever else was drawn. May be taken any number of times. */
  at(index: number): Random;
}

/** A uniform fraction in [0, 1) with 32 bits of it. */
export const fraction = (random: Random): number => random.uint32() / 0x1_0000_0000;

/** A uniform integer in [0, below); `below` from 1 to 2^32, else a RangeError. Unbiased: draws that fall into the last, partial turn are repeated. */
export function integerBelow(random: Random, below: number): number {
  const limit = 0x1_0000_0000 - (0x1_0000_0000 % below);
  if (!(limit > 0 && below > 0)) throw new RangeError(`an integer below ${below} was asked for; it must be from 1 to 2^32`);
  for (;;) {
    const draw = random.uint32();
    if (draw < limit) return draw % below;
  }
}

/** A generator from a seed: xoshiro128**, its state filled by mixing the seed and the path of labels that leads to it. */
export function seededRandom(seed: number | string): Random {
  const state = new State(0x9e3779b9 | 0, 0x243f6a88, 0xb7e15162 | 0, 0xdeadbeef | 0);
  state.mixText(typeof seed === 'number' ? `number:${seed}` : `text:${seed}`);
  return new Xoshiro(state);
}

/** 128 bits as four signed words: V8 keeps those in the fields as they are, and puts what lies beyond 2^31 in a box at each store. */
class State {
  a: number;
  b: number;
  c: number;
  d: number;

  constructor(a: number, b: number, c: number, d: number) {
    this.a = a;
    this.b = b;
    this.c = c;
    this.d = d;
  }

  copy(): State {
    return new State(this.a, this.b, this.c, this.d);
  }

  mix(word: number): void {
    this.a = avalanche(this.a ^ word);
    this.b = avalanche(this.b ^ this.a ^ 0x9e3779b9);
    this.c = avalanche(this.c ^ this.b ^ Math.imul(word, 0x85ebca6b));
    this.d = avalanche(this.d ^ this.c);
    if ((this.a | this.b | this.c | this.d) !== 0) return;
    this.a = 0x9e3779b9 | 0; // all zero is the one state that xoshiro never leaves
    this.b = 0x243f6a88;
    this.c = 0xb7e15162 | 0;
    this.d = 0xdeadbeef | 0;
  }

  mixText(text: string): void {
    for (let i = 0; i < text.length; i++) this.mix(text.charCodeAt(i));
    this.mix(0x10000 + text.length); // no text is another one's prefix
  }

  mixNumber(index: number): void {
    this.mix(index >>> 0);
    this.mix(Math.floor(index / 0x1_0000_0000) >>> 0);
    this.mix(0x40000);
  }
}

class Xoshiro implements Random {
  readonly #identity: State; // children derive from this, never from how far the generator has run
  #a: number;
  #b: number;
  #c: number;
  #d: number;
  #taken: Set<string> | undefined;

  constructor(identity: State) {
    this.#identity = identity;
    this.#a = identity.a;
    this.#b = identity.b;
    this.#c = identity.c;
    this.#d = identity.d;
    this.#taken = undefined;
    for (let i = 0; i < 4; i++) this.uint32(); // near-equal identities are far apart after a few rounds
  }

  uint32(): number {
    const scrambled = Math.imul(rotateLeft(Math.imul(this.#b, 5), 7), 9);
    const t = this.#b << 9;
    this.#c ^= this.#a;
    this.#d ^= this.#b;
    this.#b ^= this.#c;
    this.#a ^= this.#d;
    this.#c ^= t;
    this.#d = rotateLeft(this.#d, 11);
    return scrambled >>> 0;
  }

  fill(bytes: Uint8Array): void {
    for (let i = 0; i < bytes.length; i += 4) {
      let word = this.uint32();
      for (let j = i; j < i + 4 && j < bytes.length; j++) {
        bytes[j] = word & 0xff;
        word >>>= 8;
      }
    }
  }

  fork(label: string): Random {
    this.#taken ??= new Set();
    if (this.#taken.has(label)) throw new Error(`random: the label '${label}' is already taken; two places would share their draws`);
    this.#taken.add(label);
    const identity = this.#identity.copy();
    identity.mixText(label);
    return new Xoshiro(identity);
  }

  at(index: number): Random {
    const identity = this.#identity.copy();
    identity.mixNumber(index);
    return new Xoshiro(identity);
  }
}

const rotateLeft = (x: number, by: number): number => (x << by) | (x >>> (32 - by));

/** The finalizer of MurmurHash3: every input bit reaches every output bit. */
function avalanche(x: number): number {
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return x ^ (x >>> 16);
}
