import type { Micros } from '@quiclab/sansio';
import { bad } from './errors.ts';
import type { IncomingOctets } from './incoming-octets.ts';

const CR = 0x0d;
const LF = 0x0a;

/** What may stand in a line: HTAB, SP, VCHAR and obs-text. No other control, least of all NUL (RFC 9110 §5.5). */
const IN_LINE = /* @__PURE__ */ inLine();

function inLine(): Uint8Array {
  const table = new Uint8Array(256).fill(1);
  table.fill(0, 0, 0x20);
  table[0x09] = 1;
  table[0x7f] = 0;
  return table;
}

/**
 * Reads lines that end in CRLF, and in nothing else: RFC 9112 §2.2 lets a recipient take a bare LF for a line's end, and two
 * recipients that differ in that are what smuggling lives on. Each octet is looked at once, in whatever pieces lines come.
 */
export class LineReader {
  /** The line, without its end; of one that is too long, what there is room for. */
  text: string;
  #endsNext: boolean; // its CR was read

  constructor() {
    this.text = '';
    this.#endsNext = false;
  }

  /** Some of a line was read, but not all. */
  get within(): boolean {
    return this.text.length > 0 || this.#endsNext;
  }

  /** Begins the next line. */
  next(): void {
    this.text = '';
    this.#endsNext = false;
  }

  /** @param limit  octets of the line, without its end */
  read(now: Micros, input: IncomingOctets, limit: number): 'line' | 'starved' | 'too-long' {
    while (input.more(now)) {
      if (this.#endsNext) {
        if (input.piece[input.at] !== LF) throw bad('a CR without LF in a line');
        input.at++;
        return 'line';
      }
      const { piece, at } = input;
      const stop = Math.min(piece.length, at + limit - this.text.length);
      let end = at;
      while (end < stop && IN_LINE[piece[end]!] === 1) end++;
      if (end > at) {
        this.text += String.fromCharCode.apply(null, piece.subarray(at, end) as unknown as number[]);
        input.at = end;
      }
      if (end === piece.length) continue;
      const octet = piece[end]!;
      if (octet === CR) {
        this.#endsNext = true;
        input.at++;
      } else if (octet === LF) throw bad('a line that ends in LF alone');
      else if (IN_LINE[octet] === 0) throw bad(`octet ${octet} in a line`);
      else return 'too-long';
    }
    return 'starved';
  }
}
