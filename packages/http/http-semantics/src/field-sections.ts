import { contentLength, INVALID_LENGTH } from './content-length.ts';
import type { Fields } from './fields.ts';
import { isConnectionSpecific } from './hop-by-hop.ts';
import { parseStatus } from './status.ts';
import { isAuthority, isFieldValue, isLowerCaseFieldName, isToken } from './syntax.ts';

/**
 * What makes field sections malformed in HTTP/2 and HTTP/3, whose pseudo-header fields are the same (RFC 9113 §8.1.1, §8.2, §8.3;
 * RFC 9114 §4.1.2, §4.2, §4.3). Each check answers with the reason, or '' where there is none, so that refusing garbage costs no
 * exception.
 */

const REQUEST_PSEUDO = [':method', ':scheme', ':authority', ':path'];
const EXTENDED_CONNECT_PSEUDO = [...REQUEST_PSEUDO, ':protocol'];
const RESPONSE_PSEUDO = [':status'];

/**
 * RFC 9113 §8.3.1, §8.5; RFC 9114 §4.3.1, §4.4.
 * @param extendedConnect  whether the server takes CONNECT with :protocol, and has said so (RFC 8441 §4, RFC 9220 §3)
 */
export function malformedRequest(fields: Fields, extendedConnect = false): string {
  const reason = malformedSection(fields, extendedConnect ? EXTENDED_CONNECT_PSEUDO : REQUEST_PSEUDO, true);
  if (reason !== '') return reason;
  const protocol = firstValue(fields, ':protocol');
  const method = firstValue(fields, ':method');
  const scheme = firstValue(fields, ':scheme');
  const authority = firstValue(fields, ':authority');
  const path = firstValue(fields, ':path');
  if (method === undefined) return 'no :method';
  if (!isToken(method)) return ':method is no token';
  if (protocol !== undefined) {
    if (method !== 'CONNECT') return ':protocol without CONNECT';
    if (!isToken(protocol)) return ':protocol is no token';
    if (authority === undefined) return ':protocol without :authority';
  } else if (method === 'CONNECT') {
    if (scheme !== undefined || path !== undefined) return 'CONNECT with :scheme or :path';
    return authority === undefined || !/^[^@/?#\s]+:\d{1,5}$/.test(authority) ? 'CONNECT without host and port in :authority' : '';
  }
  if (scheme === undefined) return 'no :scheme';
  if (!/^[A-Za-z][A-Za-z0-9+.-]*$/.test(scheme)) return ':scheme is none';
  if (path === undefined) return 'no :path';
  return malformedTarget(fields, method, scheme, authority, path);
}

function malformedTarget(fields: Fields, method: string, scheme: string, authority: string | undefined, path: string): string {
  const host = firstValue(fields, 'host');
  if (authority === '' || host === '') return 'an empty authority';
  if (authority !== undefined && host !== undefined && authority !== host) return ':authority and host differ';
  const http = /^https?$/i.test(scheme);
  if (!http) return path === '' || isPath(path) ? '' : ':path is none';
  if (authority === undefined && host === undefined) return 'neither :authority nor host';
  if (!isAuthority(authority ?? host ?? '')) return 'an authority that is not a host, with or without a port';
  if (path === '*') return method === 'OPTIONS' ? '' : ":path '*' is for OPTIONS";
  return path.startsWith('/') && isPath(path) ? '' : ':path is none';
}

/** RFC 9113 §8.3.2, §8.6; RFC 9114 §4.3.2, §4.5. */
export function malformedResponse(fields: Fields): string {
  const reason = malformedSection(fields, RESPONSE_PSEUDO, false);
  if (reason !== '') return reason;
  const status = firstValue(fields, ':status');
  if (status === undefined) return 'no :status';
  const code = parseStatus(status);
  if (code < 0) return ':status is none';
  return code === 101 ? ':status 101, which only HTTP/1.1 has' : '';
}

/** RFC 9113 §8.1; RFC 9114 §4.3. */
export const malformedTrailers = (fields: Fields): string => malformedSection(fields, [], false);

function malformedSection(fields: Fields, pseudo: readonly string[], mayHaveTe: boolean): string {
  let seenPseudo = 0; // a bit for each that was there
  let seenRegular = false;
  let hosts = 0;
  for (const [name, value] of fields) {
    if (!isFieldValue(value)) return `a character in the value of '${name}' that may not be there`;
    if (name.charCodeAt(0) === 0x3a) {
      const index = pseudo.indexOf(name);
      if (index < 0) return `pseudo-header field '${name}', which has no meaning here`;
      if (seenRegular) return `'${name}' after a regular field`;
      if ((seenPseudo & (1 << index)) !== 0) return `'${name}' twice`;
      seenPseudo |= 1 << index;
      continue;
    }
    seenRegular = true;
    if (!isLowerCaseFieldName(name)) return `field name '${name}'`;
    if (name === 'te' && mayHaveTe && value === 'trailers') continue; // RFC 9113 §8.2.2, RFC 9114 §4.2: the one that may be there
    if (isConnectionSpecific(name)) return `connection-specific field '${name}'`;
    if (name === 'host' && ++hosts > 1) return "'host' twice";
  }
  return contentLength(fields) === INVALID_LENGTH ? 'an invalid content-length' : '';
}

/** path-absolute and query (RFC 3986): visible ASCII, no fragment. */
const isPath = (path: string): boolean => /^[\x21\x22\x24-\x7e]+$/.test(path);

/** The first value of a name; whoever asks has seen to it that there is no other. */
function firstValue(fields: Fields, name: string): string | undefined {
  for (const field of fields) if (field[0] === name) return field[1];
  return undefined;
}
