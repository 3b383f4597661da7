import type { Line } from './sensitive.ts';

/** The static table, in the order of its indexes, of which the first is 1. RFC 7541 Appendix A. */
export const STATIC_TABLE: readonly Line[] = [
  [':authority', ''],
  [':method', 'GET'],
  [':method', 'POST'],
  [':path', '/'],
  [':path', '/index.html'],
  [':scheme', 'http'],
  [':scheme', 'https'],
  [':status', '200'],
  [':status', '204'],
  [':status', '206'],
  [':status', '304'],
  [':status', '400'],
  [':status', '404'],
  [':status', '500'],
  ['accept-charset', ''],
  ['accept-encoding', 'gzip, deflate'],
  ['accept-language', ''],
  ['accept-ranges', ''],
  ['accept', ''],
  ['access-control-allow-origin', ''],
  ['age', ''],
  ['allow', ''],
  ['authorization', ''],
  ['cache-control', ''],
  ['content-disposition', ''],
  ['content-encoding', ''],
  ['content-language', ''],
  ['content-length', ''],
  ['content-location', ''],
  ['content-range', ''],
  ['content-type', ''],
  ['cookie', ''],
  ['date', ''],
  ['etag', ''],
  ['expect', ''],
  ['expires', ''],
  ['from', ''],
  ['host', ''],
  ['if-match', ''],
  ['if-modified-since', ''],
  ['if-none-match', ''],
  ['if-range', ''],
  ['if-unmodified-since', ''],
  ['last-modified', ''],
  ['link', ''],
  ['location', ''],
  ['max-forwards', ''],
  ['proxy-authenticate', ''],
  ['proxy-authorization', ''],
  ['range', ''],
  ['referer', ''],
  ['refresh', ''],
  ['retry-after', ''],
  ['server', ''],
  ['set-cookie', ''],
  ['strict-transport-security', ''],
  ['transfer-encoding', ''],
  ['user-agent', ''],
  ['vary', ''],
  ['via', ''],
  ['www-authenticate', ''],
];

/** A name of the table: its lowest index, and the index of each value that stands beside it. */
interface StaticName {
  readonly name: number;
  readonly lines: ReadonlyMap<string, number>;
}

/** The names of the table, for looking a line up by its text. */
export const STATIC_NAMES: ReadonlyMap<string, StaticName> = /* @__PURE__ */ byName();

function byName(): ReadonlyMap<string, StaticName> {
  const names = new Map<string, { name: number; lines: Map<string, number> }>();
  STATIC_TABLE.forEach(([name, value], i) => {
    const known = names.get(name);
    if (known === undefined) names.set(name, { name: i + 1, lines: new Map([[value, i + 1]]) });
    else known.lines.set(value, i + 1);
  });
  return names;
}
