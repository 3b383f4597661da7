import { type Field, isToken, trimBlanks } from '@quiclab/http-semantics';
import { bad, MessageFault } from './errors.ts';
import { LIMITS } from './limits.ts';

/** Field lines as they come, judged one by one. RFC 9112 §5. Names become lower case, as the other versions of HTTP have them. */
export class FieldSection {
  readonly fields: Field[];
  readonly #server: boolean;
  readonly #maxSize: number;
  #size: number;
  #lines: number;

  constructor(server: boolean, maxSize: number) {
    this.fields = [];
    this.#server = server;
    this.#maxSize = maxSize;
    this.#size = 0;
    this.#lines = 0;
  }

  add(line: string): void {
    this.#size += 32;
    if (++this.#lines > LIMITS.fields.value) throw new MessageFault(431, `more than ${LIMITS.fields.value} field lines`);
    const first = line.charCodeAt(0);
    if (first === 0x20 || first === 0x09) this.#unfold(line);
    else {
      const colon = line.indexOf(':');
      if (colon <= 0) throw bad('a field line without a name');
      // RFC 9112 §5.1: white space before the colon is refused in a request, and taken away from a response
      const name = this.#server ? line.slice(0, colon) : trimBlanks(line.slice(0, colon));
      if (!isToken(name)) throw bad('a field name that is none');
      this.#push([name.toLowerCase(), trimBlanks(line.slice(colon + 1))]);
    }
  }

  /** RFC 9112 §5.2: a server refuses what was folded, a client puts spaces where folds were. */
  #unfold(line: string): void {
    const folded = this.#server ? undefined : this.fields.pop();
    if (folded === undefined) throw bad('a field line that begins with white space');
    this.#size -= sizeOf(folded);
    this.#push([folded[0], trimBlanks(`${folded[1]} ${trimBlanks(line)}`)]);
  }

  #push(field: Field): void {
    this.#size += sizeOf(field);
    if (this.#size > this.#maxSize) throw new MessageFault(431, 'a field section above our limit');
    this.fields.push(field);
  }
}

const sizeOf = (field: Field): number => field[0].length + field[1].length;
