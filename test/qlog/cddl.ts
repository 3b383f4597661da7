// A validator of JSON against CDDL (RFC 8610), as far as the qlog drafts use it. Plain and strict: what a map does not name is
// refused, and so is what is written in a way that is not known here.

/** What is wrong with a value, and where; '' for nothing. */
export type Fault = string;

type Type =
  | { readonly kind: 'choice'; readonly of: readonly Type[] }
  | { readonly kind: 'name'; readonly name: string; readonly controls: readonly Control[] }
  | { readonly kind: 'literal'; readonly value: string | number }
  | { readonly kind: 'map' | 'array'; readonly entries: readonly Entry[] };

interface Control {
  readonly operator: string;
  readonly argument: string | number;
}

/** A member of a map or an element of an array. No key: an element, or in a map a group that stands for its entries. */
interface Entry {
  readonly least: number;
  readonly most: number;
  /** The name of the member; '*' for any text. */
  readonly key: string | undefined;
  /** ~Name: the entries of that map. */
  readonly unwrapped: boolean;
  readonly type: Type;
}

const TOKEN =
  /\s+|;[^\n]*|(?<string>"(?:[^"\\]|\\.)*")|(?<occurrence>\d*\*\d*(?=\s*[\w$~"[{(])|[?+](?=\s))|(?<number>\d+)|(?<control>\.[a-z]+)|(?<name>[$~]*[A-Za-z_@][\w@$-]*(?:\.[\w@$-]+)*|\$\$?[\w-]+)|(?<punctuation>\/\/=|\/=|=>|[=/{}[\](),:*+?])/gy;

interface Token {
  readonly kind: string;
  readonly text: string;
}

function tokens(source: string): Token[] {
  const list: Token[] = [];
  let at = 0;
  for (const match of source.matchAll(TOKEN)) {
    if (match.index !== at) break;
    at += match[0].length;
    for (const [kind, text] of Object.entries(match.groups ?? {})) if (text !== undefined) list.push({ kind, text });
  }
  if (at !== source.length) throw new Error(`no CDDL that is known here: ${JSON.stringify(source.slice(at, at + 60))}`);
  return list;
}

/** Types by their names. Sockets ($name) gather their choices, group sockets ($$name) the members of their groups. */
export class Schema {
  readonly #rules = new Map<string, Type[]>();
  readonly #groups = new Map<string, Entry[]>();
  #tokens: Token[] = [];
  #at = 0;

  constructor(source: string) {
    this.#tokens = tokens(source);
    while (this.#at < this.#tokens.length) this.#rule();
  }

  get names(): readonly string[] {
    return [...this.#rules.keys()];
  }

  /** What keeps `value` from being a `name`; '' for nothing. */
  check(name: string, value: unknown): Fault {
    return this.#check(this.#lookUp(name), value, name);
  }

  // ---- reading ----------------------------------------------------------------------------------------------------------

  #peek(text?: string): boolean {
    return this.#at < this.#tokens.length && (text === undefined || this.#tokens[this.#at]!.text === text);
  }
  #next(): Token {
    const token = this.#tokens[this.#at++];
    if (token === undefined) throw new Error('CDDL ends in the middle of a rule');
    return token;
  }
  #take(text: string): boolean {
    if (!this.#peek(text)) return false;
    this.#at++;
    return true;
  }

  #rule(): void {
    const { kind, text: name } = this.#next();
    if (kind !== 'name') throw new Error(`a rule begins with ${name}`);
    const { text: operator } = this.#next();
    if (operator === '//=') {
      if (!this.#take('(')) throw new Error(`${name} //= is followed by a group`);
      this.#groups.set(name, [...(this.#groups.get(name) ?? []), ...this.#entries(')')]);
      return;
    }
    if (operator !== '=' && operator !== '/=') throw new Error(`${name} ${operator}: only =, /= and //= are known`);
    if (operator === '=' && this.#rules.has(name)) throw new Error(`${name} is defined twice`);
    const types = this.#rules.get(name) ?? [];
    types.push(this.#type());
    this.#rules.set(name, types);
  }

  #type(): Type {
    const of = [this.#type1()];
    while (this.#take('/')) of.push(this.#type1());
    return of.length === 1 ? of[0]! : { kind: 'choice', of };
  }

  #type1(): Type {
    const { kind, text } = this.#next();
    if (kind === 'string') return this.#controlled({ kind: 'literal', value: JSON.parse(text) as string });
    if (kind === 'number') return { kind: 'literal', value: Number(text) };
    if (text === '{') return { kind: 'map', entries: this.#entries('}') };
    if (text === '[') return { kind: 'array', entries: this.#entries(']') };
    if (kind !== 'name') throw new Error(`a type begins with ${text}`);
    return this.#controlled({ kind: 'name', name: text, controls: [] });
  }

  #controlled(type: Type): Type {
    const controls: Control[] = [];
    while (this.#peek() && this.#tokens[this.#at]!.kind === 'control') {
      const operator = this.#next().text;
      const { kind, text } = this.#next();
      controls.push({
        operator,
        argument:
          kind === 'string' ? (JSON.parse(text.replace(/\\(?!["\\])/g, '\\\\')) as string) : kind === 'number' ? Number(text) : text,
      });
    }
    return type.kind === 'name' ? { ...type, controls } : type;
  }

  #entries(end: string): Entry[] {
    const entries: Entry[] = [];
    while (!this.#take(end)) {
      entries.push(this.#entry());
      this.#take(',');
    }
    return entries;
  }

  #entry(): Entry {
    const [least, most] = this.#occurrence();
    const token = this.#tokens[this.#at]!;
    if (token.text.startsWith('~')) {
      this.#at++;
      return { least, most, key: undefined, unwrapped: true, type: { kind: 'name', name: token.text.slice(1), controls: [] } };
    }
    const after = this.#tokens[this.#at + 1]?.text;
    if (after !== ':' && after !== '=>') return { least, most, key: undefined, unwrapped: false, type: this.#type() };
    if (after === '=>' && token.text !== 'text') throw new Error(`keys of type ${token.text} are not known here`);
    this.#at += 2;
    return { least, most, key: after === '=>' ? '*' : token.text, unwrapped: false, type: this.#type() };
  }

  #occurrence(): [number, number] {
    const token = this.#tokens[this.#at]!;
    if (token.kind !== 'occurrence' && token.text !== '?' && token.text !== '*' && token.text !== '+') return [1, 1];
    this.#at++;
    if (token.text === '?') return [0, 1];
    if (token.text === '+') return [1, Number.POSITIVE_INFINITY];
    const [least, most] = token.text.split('*');
    return [Number(least || 0), most === '' || most === undefined ? Number.POSITIVE_INFINITY : Number(most)];
  }

  // ---- checking ---------------------------------------------------------------------------------------------------------

  #lookUp(name: string): Type {
    const types = this.#rules.get(name);
    if (types === undefined) throw new Error(`the schema has no ${name}`);
    return types.length === 1 ? types[0]! : { kind: 'choice', of: types };
  }

  #check(type: Type, value: unknown, at: string): Fault {
    switch (type.kind) {
      case 'literal':
        return value === type.value ? '' : `${at} is ${show(value)}, not ${show(type.value)}`;
      case 'choice':
        return this.#choice(type.of, value, at);
      case 'map':
        return this.#map(type.entries, value, at);
      case 'array':
        return this.#array(type.entries, value, at);
      case 'name': {
        const fault = PRELUDE[type.name] === undefined ? this.#check(this.#lookUp(type.name), value, at) : prelude(type.name, value, at);
        if (fault !== '') return fault;
        for (const control of type.controls) {
          const refused = this.#control(control, type.name, value, at);
          if (refused !== '') return refused;
        }
        return '';
      }
    }
  }

  /** The fault of the choice that came farthest: of a map, the one that its type field names. */
  #choice(of: readonly Type[], value: unknown, at: string): Fault {
    let farthest = '';
    let depth = -1;
    for (const one of of) {
      const fault = this.#check(one, value, at);
      if (fault === '') return '';
      const isKind = fault.startsWith(`${at}.frame_type `) || fault.startsWith(`${at} `);
      const reached = isKind ? 0 : 1;
      if (reached > depth) [farthest, depth] = [fault, reached];
    }
    return depth === 0 ? `${at}: ${show(value)} is none of its ${of.length} choices` : farthest;
  }

  #map(entries: readonly Entry[], value: unknown, at: string): Fault {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return `${at} is ${show(value)}, no map`;
    const known = new Set<string>();
    const fault = this.#members(entries, value as Record<string, unknown>, known, at);
    if (fault !== '') return fault;
    if (known.has('*')) return '';
    const unknown = Object.keys(value).find((key) => !known.has(key));
    return unknown === undefined ? '' : `${at} has ${unknown}, which is unknown`;
  }

  #members(entries: readonly Entry[], map: Record<string, unknown>, known: Set<string>, at: string): Fault {
    for (const { key, least, type, unwrapped } of entries) {
      if (key === undefined) {
        const name = type.kind === 'name' ? type.name : '';
        if (name.startsWith('$$')) {
          const fault = this.#members(this.#groups.get(name) ?? [], map, known, at);
          if (fault !== '') return fault;
          continue;
        }
        const inner = this.#lookUp(name);
        if (!unwrapped || inner.kind !== 'map') throw new Error(`${at}: a member without a key`);
        const fault = this.#members(inner.entries, map, known, at);
        if (fault !== '') return fault;
        continue;
      }
      known.add(key);
      if (key === '*') continue; // text => any
      if (!Object.hasOwn(map, key)) {
        if (least > 0) return `${at} lacks ${key}`;
        continue;
      }
      const fault = this.#check(type, map[key], `${at}.${key}`);
      if (fault !== '') return fault;
    }
    return '';
  }

  /** One kind of element, as often as its occurrence says. */
  #array(entries: readonly Entry[], value: unknown, at: string): Fault {
    if (!Array.isArray(value)) return `${at} is ${show(value)}, no array`;
    const [entry, ...more] = entries;
    if (entry === undefined || more.length > 0) throw new Error(`${at}: an array of several kinds`);
    if (value.length < entry.least || value.length > entry.most)
      return `${at} has ${value.length} elements, it may have ${entry.least} to ${entry.most}`;
    for (const [i, element] of value.entries()) {
      const fault = this.#check(entry.type, element, `${at}[${i}]`);
      if (fault !== '') return fault;
    }
    return '';
  }

  #control({ operator, argument }: Control, name: string, value: unknown, at: string): Fault {
    switch (operator) {
      case '.default':
        return '';
      case '.regexp':
        return new RegExp(`^(?:${argument})$`).test(value as string) ? '' : `${at} is ${show(value)}, not of the form ${argument}`;
      case '.size': {
        const size = Number(argument);
        if (typeof value === 'number') return value < 2 ** (8 * size) ? '' : `${at} is ${value}, more than ${size} octets hold`;
        // a hexstring stands for octets, which its size counts: the drafts have ".size 16" where a token has 128 bits
        const octets = name === 'hexstring' ? (value as string).length / 2 : (value as string).length;
        return octets === size ? '' : `${at} has ${octets} octets, not ${size}`;
      }
      default:
        throw new Error(`${operator} is not known here`);
    }
  }
}

const isText = (value: unknown): boolean => typeof value === 'string';
const isNumber = (value: unknown): boolean => typeof value === 'number' && Number.isFinite(value);
const PRELUDE: Readonly<Record<string, (value: unknown) => boolean>> = {
  any: () => true,
  bool: (value) => typeof value === 'boolean',
  text: isText,
  tstr: isText,
  uint: (value) => Number.isInteger(value) && (value as number) >= 0,
  float32: isNumber,
  float64: isNumber,
};

const prelude = (name: string, value: unknown, at: string): Fault => (PRELUDE[name]!(value) ? '' : `${at} is ${show(value)}, no ${name}`);

const show = (value: unknown): string => {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
};
