import { endToEnd, type Field, type Fields } from '@quiclab/http-semantics';

/**
 * What has no business in a trailer section, where many a recipient adds it to the header section that was judged already: what says how the
 * message is framed, where it goes, whom it is for or who asks, what may be done with it, and what its content is. RFC 9110 §6.5.1.
 */
const NOT_IN_TRAILERS: ReadonlySet<string> = new Set([
  ...['content-length', 'host', 'trailer', 'via', 'forwarded', 'x-forwarded-for', 'x-forwarded-proto', 'x-forwarded-host', 'early-data'],
  ...['authorization', 'proxy-authorization', 'www-authenticate', 'proxy-authenticate', 'cookie', 'set-cookie', 'alt-svc'],
  ...[
    'cache-control',
    'expect',
    'max-forwards',
    'pragma',
    'range',
    'if-match',
    'if-none-match',
    'if-modified-since',
    'if-unmodified-since',
  ],
  ...['if-range', 'age', 'date', 'expires', 'location', 'retry-after', 'vary', 'warning'],
  ...['content-encoding', 'content-type', 'content-range'],
]);

/** Trailers that may be carried on. */
export const trailersOf = (fields: Fields): Field[] => endToEnd(fields).filter(([name]) => !NOT_IN_TRAILERS.has(name) && !isDisguise(name));

/** What servers must be able to believe, since a gateway judges it or says it. */
const JUDGED: ReadonlySet<string> = new Set([
  ...['content-length', 'transfer-encoding', 'host', 'connection', 'te', 'upgrade', 'expect', 'via', 'early-data'],
  ...['forwarded', 'x-forwarded-for', 'x-forwarded-proto', 'x-forwarded-host'],
]);

/**
 * Whether a program that gets its fields by way of CGI would take this for another one: there X_Forwarded_For and X-Forwarded-For are both
 * HTTP_X_FORWARDED_FOR, and Proxy is HTTP_PROXY, in which many look for a proxy to use (RFC 3875 §4.1.18; CVE-2016-5385).
 */
export const isDisguise = (name: string): boolean => name === 'proxy' || (name.includes('_') && JUDGED.has(name.replaceAll('_', '-')));
