import type { HarEntry, HarField } from './har.ts';

/** Where the size of a response's content was taken from. */
export type SizeSource =
  | 'no content'
  | 'content-length'
  | 'content.size'
  | 'bodySize'
  | 'compression'
  | '_transferSize'
  | 'decoded'
  | 'unknown';

export interface ContentSize {
  readonly octets: number;
  readonly source: SizeSource;
}

/**
 * How many octets of content a response had as it was sent. What browsers mean by their fields differs, so the first of these that is known:
 *
 * 1. none, where there can be none: HEAD, 1xx, 204, 304;
 * 2. the field Content-Length: it is what was sent;
 * 3. `content.size`, where fields are there and name no Content-Encoding: then what was sent is what was decoded;
 * 4. `response.bodySize`: in Chromium known for HTTP/1 only, with the framing of chunks; in Firefox with the header section;
 * 5. `content.size` less `content.compression`: Safari;
 * 6. `response._transferSize`, with the (compressed) header section: Chromium's HTTP/2 and HTTP/3;
 * 7. `content.size`, decoded: larger than what was sent;
 * 8. nothing is known: 0.
 */
export function contentSize(entry: HarEntry): ContentSize {
  const { method, status, responseFields, contentSize: decoded, bodySize, compression, transferSize } = entry;
  if (method === 'HEAD' || status === 204 || status === 304 || (status >= 100 && status < 200)) return { octets: 0, source: 'no content' };
  const length = fieldOf(responseFields, 'content-length');
  if (length !== undefined && /^\d{1,15}$/.test(length)) return known(Number(length), 'content-length');
  const coding = fieldOf(responseFields, 'content-encoding') ?? 'identity';
  if (decoded > 0 && responseFields.length > 0 && /^\s*(identity)?\s*$/i.test(coding)) return known(decoded, 'content.size');
  if (bodySize > 0) return known(bodySize, 'bodySize');
  if (decoded > 0 && compression > 0 && compression < decoded) return known(decoded - compression, 'compression');
  if (transferSize > 0 && decoded !== 0) return known(transferSize, '_transferSize');
  if (decoded > 0) return known(decoded, 'decoded');
  return bodySize === 0 || decoded === 0 ? { octets: 0, source: 'no content' } : { octets: 0, source: 'unknown' };
}

/** What it would have been, had the cache not had it. */
export function sizeWithoutCache(entry: HarEntry): ContentSize {
  const length = fieldOf(entry.responseFields, 'content-length');
  if (entry.status !== 304 && length !== undefined && /^\d{1,15}$/.test(length)) return known(Number(length), 'content-length');
  return entry.contentSize > 0 ? known(entry.contentSize, 'decoded') : { octets: 0, source: 'unknown' };
}

const known = (octets: number, source: SizeSource): ContentSize => ({ octets: Math.round(octets), source });

export const fieldOf = (fields: readonly HarField[], name: string): string | undefined =>
  fields.find((field) => field.name === name)?.value;

/** What every message has anyway, whoever made it. */
const OWN = ['host', 'connection', 'priority', 'content-length', 'content-type', 'transfer-encoding', 'keep-alive', 'date'];

/**
 * Octets of the fields of a message beyond those that the lab's own messages have, as HTTP/1.1 writes them; -1 where they are not known.
 * @param size  of the whole header section with its first line, where the fields are not there
 */
export function fieldOctets(fields: readonly HarField[], size: number, firstLine: number): number {
  if (fields.length === 0) return size > firstLine ? size - firstLine : -1;
  return fields.reduce(
    (sum, { name, value }) => (name.startsWith(':') || OWN.includes(name) ? sum : sum + name.length + value.length + 4),
    0,
  );
}

const FIELD_OCTETS = 400;
const MOST_OCTETS = 8_000;
/** As likely to be compressed as what it stands for: letters and digits, in no order. */
const FILLER = 'q7Rk2vLx9TbN4mZsW1yHc8FpJd3GaUe6XoVi5Bt0';

/** Fields of so many octets that say nothing: those of a HAR file are nobody's business. */
export function fillerFields(octets: number): [string, string][] {
  const fields: [string, string][] = [];
  for (let left = Math.min(octets, MOST_OCTETS); left >= 20; ) {
    const name = `x-recorded-${fields.length + 1}`;
    const value = Math.min(FIELD_OCTETS, Math.max(1, left - name.length - 4));
    fields.push([name, FILLER.repeat(Math.ceil(value / FILLER.length)).slice(0, value)]);
    left -= name.length + value + 4;
  }
  return fields;
}

export function medianOf(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted.length === 0 ? 0 : sorted[Math.floor((sorted.length - 1) / 2)]!;
}
