/**
 * Reads a Dictionary of RFC 9651 §4.2 member by member. Of the values it keeps integers and booleans, which is what
 * Priority needs, and checks all others to the letter, since a Dictionary that is wrong anywhere is wrong altogether.
 */
export class StructuredReader {
  readonly #text: string;
  #at = 0;
  /** The text is not a Dictionary; keys end as soon as that is known. */
  failed = false;

  constructor(text: string) {
    this.#text = text;
    this.#spaces();
  }

  /** The key of the first member, or '' where there is none. */
  firstKey(): string {
    return this.#at === this.#text.length ? '' : this.#key();
  }

  /** The key of the next member, after `member()` took the last one; '' at the end. */
  nextKey(): string {
    if (this.failed) return '';
    this.#blanks();
    if (this.#at === this.#text.length) return '';
    if (this.#text[this.#at++] !== ',') return this.#fail('');
    this.#blanks();
    if (this.#at === this.#text.length) return this.#fail(''); // a comma at the end
    return this.#key();
  }

  /** The value of the member whose key was just read: a number for an Integer, a boolean, undefined for other types. */
  member(): number | boolean | undefined {
    if (this.failed) return undefined;
    let value: number | boolean | undefined = true; // a key alone is true
    if (this.#text[this.#at] === '=') {
      this.#at++;
      value = this.#text[this.#at] === '(' ? this.#innerList() : this.#bareItem();
    }
    this.#parameters();
    return value;
  }

  #key(): string {
    const start = this.#at;
    if (!/[a-z*]/.test(this.#text[start] ?? '')) return this.#fail('');
    while (this.#at < this.#text.length && /[a-z0-9_\-.*]/.test(this.#text[this.#at]!)) this.#at++;
    return this.#text.slice(start, this.#at);
  }

  #parameters(): void {
    while (!this.failed && this.#text[this.#at] === ';') {
      this.#at++;
      this.#spaces();
      if (this.#key() !== '' && this.#text[this.#at] === '=') {
        this.#at++;
        this.#bareItem();
      }
    }
  }

  #innerList(): undefined {
    this.#at++;
    for (;;) {
      this.#spaces();
      if (this.#text[this.#at] === ')') {
        this.#at++;
        return undefined;
      }
      this.#bareItem();
      this.#parameters();
      if (this.failed) return undefined;
      const next = this.#text[this.#at];
      if (next !== ' ' && next !== ')') return this.#fail(undefined);
    }
  }

  #bareItem(): number | boolean | undefined {
    const rest = this.#text.slice(this.#at, this.#at + 1);
    if (/[-0-9]/.test(rest)) return this.#number();
    if (rest === '?') return this.#boolean();
    if (rest === '@') {
      this.#at++;
      const date = this.#number();
      return this.#check(date !== undefined); // a Date is an Integer, never a Decimal
    }
    if (rest === '"') return this.#match(/"(?:[\x20-\x21\x23-\x5b\x5d-\x7e]|\\["\\])*"/y);
    if (rest === ':') return this.#match(/:[A-Za-z0-9+/]*={0,2}:/y);
    if (rest === '%') return this.#match(/%"(?:[\x20-\x21\x23-\x24\x26-\x7e]|%[0-9a-f]{2})*"/y);
    return this.#match(/[A-Za-z*][!#$%&'*+\-.^_`|~0-9A-Za-z:/]*/y);
  }

  /** An Integer of at most 15 digits; undefined for a Decimal (12 digits, a dot, 1 to 3 digits). RFC 9651 §4.2.4. */
  #number(): number | undefined {
    NUMBER.lastIndex = this.#at;
    const found = NUMBER.exec(this.#text);
    if (found === null) return this.#fail(undefined);
    const [whole, digits, fraction] = found;
    this.#at += whole.length;
    if (fraction === undefined) return digits!.length <= 15 ? Number(whole) : this.#fail(undefined);
    return this.#check(digits!.length <= 12 && fraction.length >= 2 && fraction.length <= 4);
  }

  #boolean(): boolean | undefined {
    const value = this.#text[this.#at + 1];
    if (value !== '0' && value !== '1') return this.#fail(undefined);
    this.#at += 2;
    return value === '1';
  }

  #match(pattern: RegExp): undefined {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text);
    if (found === null) return this.#fail(undefined);
    this.#at += found[0].length;
    return undefined;
  }

  #check(holds: boolean): undefined {
    return holds ? undefined : this.#fail(undefined);
  }

  #spaces(): void {
    while (this.#text[this.#at] === ' ') this.#at++;
  }

  #blanks(): void {
    while (this.#text[this.#at] === ' ' || this.#text[this.#at] === '\t') this.#at++;
  }

  #fail<T>(result: T): T {
    this.failed = true;
    this.#at = this.#text.length;
    return result;
  }
}

const NUMBER = /-?(\d+)(\.\d*)?/y;
