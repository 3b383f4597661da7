import { type Field, type Fields, isConnectionSpecific, trimBlanks } from '@quiclab/http-semantics';
import { bad } from './errors.ts';

/** A field section without what is about this connection alone, and what the connection options were. RFC 9110 §7.6.1. */
export interface EndedHop {
  readonly fields: Field[];
  /** In lower case. */
  readonly options: ReadonlySet<string>;
}

/** Said by the framing of this version, whatever Connection names. */
const FRAMING: ReadonlySet<string> = new Set(['host', 'content-length', 'transfer-encoding']);

/**
 * Ends the hop: what applications see is what HTTP/2 and HTTP/3 would have carried. Two are left where Connection names them,
 * `upgrade`, which no other version has, and `te: trailers`, which all have.
 */
export function endHop(fields: Fields): EndedHop {
  const options = new Set<string>();
  for (const [name, value] of fields) if (name === 'connection') for (const option of listed(value)) options.add(option);
  const kept: Field[] = [];
  for (const field of fields) {
    const [name, value] = field;
    if (name === 'upgrade' && options.has(name)) kept.push(field);
    else if (name === 'te' && options.has(name) && listed(value).includes('trailers')) kept.push(['te', 'trailers']);
    else if (!isConnectionSpecific(name) && (!options.has(name) || FRAMING.has(name))) kept.push(field);
  }
  return { fields: kept, options };
}

/** The members of a list, in lower case, without the empty ones. RFC 9110 §5.6.1. */
export const listed = (value: string): string[] =>
  value
    .toLowerCase()
    .split(',')
    .map(trimBlanks)
    .filter((member) => member !== '');

/** A trailer section, without what is about this connection. RFC 9110 §6.5.1: for framing and routing it is too late. */
export function trailersOf(fields: Fields): Field[] {
  for (const [name] of fields) if (FRAMING.has(name)) throw bad(`${name} in a trailer section`);
  return endHop(fields).fields;
}
