/** What a page needs of a URL. */
export interface SplitUrl {
  /** In small letters: 'https'. */
  readonly scheme: string;
  /** In small letters, user information and the scheme's own port left out; '' where there is no authority. */
  readonly authority: string;
  /** With its query, without fragment; begins with '/' where there is an authority. */
  readonly path: string;
}

const USUAL_PORTS: Readonly<Record<string, string>> = { http: '80', https: '443', ws: '80', wss: '443' };

/** RFC 3986 §3. undefined where there is no scheme. */
export function splitUrl(url: string): SplitUrl | undefined {
  const match = /^([A-Za-z][A-Za-z0-9+.-]*):(?:\/\/([^/?#]*))?([^#]*)/.exec(url);
  if (match === null) return undefined;
  const scheme = match[1]!.toLowerCase();
  if (match[2] === undefined) return { scheme, authority: '', path: match[3]! };
  const host = match[2].slice(match[2].lastIndexOf('@') + 1).toLowerCase();
  const port = /:(\d*)$/.exec(host)?.[1];
  const authority = port === '' || (port !== undefined && port === USUAL_PORTS[scheme]) ? host.slice(0, host.lastIndexOf(':')) : host;
  return { scheme, authority, path: match[3]!.startsWith('/') ? match[3]! : `/${match[3]}` };
}

export const withoutFragment = (url: string): string => url.split('#', 1)[0]!;

/** RFC 3986 §5.2, without fragments. */
export function resolveUrl(base: string, reference: string): string {
  const target = withoutFragment(reference);
  if (/^[A-Za-z][A-Za-z0-9+.-]*:/.test(target)) return target;
  const match = /^([^:]+:)(\/\/[^/?#]*)?([^?#]*)(\?[^#]*)?/.exec(base);
  if (match === null) return target;
  const [, scheme = '', authority = '', path = '', query = ''] = match;
  if (target.startsWith('//')) return scheme + target;
  if (target === '') return scheme + authority + path + query;
  if (target.startsWith('?')) return scheme + authority + (path || '/') + target;
  const [own, ...queries] = target.split('?');
  const merged = own!.startsWith('/') ? own! : path.slice(0, path.lastIndexOf('/') + 1) + own;
  return scheme + authority + withoutDots(merged) + (queries.length > 0 ? `?${queries.join('?')}` : '');
}

function withoutDots(path: string): string {
  const kept: string[] = [];
  const parts = path.split('/').slice(path.startsWith('/') ? 1 : 0);
  for (const [i, part] of parts.entries()) {
    const last = i === parts.length - 1;
    if (part === '.' || part === '..') {
      if (part === '..') kept.pop();
      if (last) kept.push('');
    } else kept.push(part);
  }
  return `/${kept.join('/')}`;
}

const LONGEST_HOST = 200;

/** The authority as a host name: a port, or what is in no name, becomes part of it, so that what was apart stays so. */
export function hostName(said: string): string {
  const authority = said.replace(/\.$/, '').slice(0, LONGEST_HOST);
  if (/^[a-z0-9_-]+(\.[a-z0-9_-]+)*$/.test(authority) && !/^\d+(\.\d+){3}$/.test(authority)) return authority;
  const named = authority.replace(/^(.*[^:\]]|\[.*\]):(\d+)$/, '$1-$2').replace(/[^a-z0-9.-]+/g, '-');
  const joined = /^[\d.-]+$/.test(named) ? `ip-${named.replace(/\./g, '-')}` : named.replace(/^[-.]+|[-.]+$/g, '');
  return joined === '' ? 'unnamed' : joined;
}

/** What no path may hold is percent-encoded (RFC 3986 §2.1). */
export const encodedPath = (path: string): string =>
  path.replace(/[^!-~]+/gu, (part) => {
    try {
      return encodeURIComponent(part);
    } catch {
      return '%EF%BF%BD'; // half of a pair that stands alone
    }
  });

/** Values of a query may be secrets: each of their characters becomes an x, so that they stay as long as they were. */
export function maskedQuery(path: string): string {
  const at = path.indexOf('?');
  if (at < 0) return path;
  const parameters = path
    .slice(at + 1)
    .split('&')
    .map((parameter) => {
      const equals = parameter.indexOf('=');
      return parameter.slice(0, equals + 1) + 'x'.repeat(parameter.length - equals - 1);
    });
  return `${path.slice(0, at)}?${parameters.join('&')}`;
}
