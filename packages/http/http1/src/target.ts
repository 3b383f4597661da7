import { type Field, isAuthority } from '@quiclab/http-semantics';
import { bad } from './errors.ts';
import type { RequestLine } from './start-line.ts';

/** Visible ASCII without a fragment. */
const PATH = /^[\x21\x22\x24-\x7e]*$/;
const ABSOLUTE = /^(https?):\/\/([^/?]*)([/?].*)?$/i;

/**
 * The pseudo-header fields that stand for a request target and Host, as the other versions of HTTP have them. RFC 9112 §3.2, §3.3.
 * @param host    the value of Host, where there is one
 * @param scheme  that of the connection
 */
export function pseudoFields({ method, target }: RequestLine, host: string | undefined, scheme: string): Field[] {
  if (host !== undefined && host !== '' && !isAuthority(host)) throw bad('a Host that is none'); // RFC 9112 §3.2
  if (method === 'CONNECT') {
    if (!isAuthority(target) || !/:\d+$/.test(target)) throw bad('CONNECT without host and port'); // RFC 9112 §3.2.3
    return [
      [':method', method],
      [':authority', target],
    ];
  }
  if (!PATH.test(target)) throw bad('a request target that is none');
  if (target.startsWith('/')) return fields(method, scheme, host, target);
  if (target === '*') {
    if (method !== 'OPTIONS') throw bad("the target '*' is for OPTIONS"); // RFC 9112 §3.2.4
    return fields(method, scheme, host, target);
  }
  const absolute = ABSOLUTE.exec(target);
  if (absolute === null) throw bad('a request target that is none');
  const [, ownScheme, authority, path = ''] = absolute;
  if (!isAuthority(authority!)) throw bad('a request target without a host'); // RFC 9110 §4.2.1; with user information: §4.2.4
  // RFC 9112 §3.2.2: the target's own authority counts, and not Host
  const rooted = path === '' && method === 'OPTIONS' ? '*' : path.startsWith('/') ? path : `/${path}`;
  return fields(method, ownScheme!.toLowerCase(), authority, rooted);
}

function fields(method: string, scheme: string, authority: string | undefined, path: string): Field[] {
  if (authority === '') throw bad('an empty Host'); // RFC 9110 §4.2.1: http and https have an authority
  const named: Field[] = [
    [':method', method],
    [':scheme', scheme],
    [':path', path],
  ];
  if (authority !== undefined) named.splice(2, 0, [':authority', authority]);
  return named;
}
