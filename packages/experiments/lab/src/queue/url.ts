/** Where a queue is, as `--queue` says it. */
export interface QueueUrl {
  readonly host: string;
  readonly port: number;
  readonly db: number;
  readonly tls: boolean;
  readonly username: string;
  readonly password: string;
  /** As it may be printed: without user and password. */
  readonly shown: string;
}

const DEFAULT_PORT = 6_379;
const LIKE = 'is not like redis://host:6379 (rediss:// with TLS, redis://user:password@host:6379/2 with all that there is)';

/** Throws an Error that says what is wrong with it, and no password. */
export function parseQueueUrl(text: string): QueueUrl {
  const wrong = new Error(`--queue: '${text.replace(/\/\/.*@/s, '//…@')}' ${LIKE}`);
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw wrong;
  }
  const { protocol, hostname, port, pathname, search, hash } = url;
  const [, db] = /^\/?(\d{0,4})$/.exec(pathname) ?? [];
  if (!['redis:', 'rediss:'].includes(protocol) || hostname === '' || db === undefined || search !== '' || hash !== '') throw wrong;
  let credentials: string[];
  try {
    credentials = [url.username, url.password].map(decodeURIComponent);
  } catch {
    throw wrong;
  }
  const at = { port: port === '' ? DEFAULT_PORT : Number(port), db: Number(db) };
  return {
    host: hostname.replace(/^\[|\]$/g, ''),
    ...at,
    tls: protocol === 'rediss:',
    username: credentials[0]!,
    password: credentials[1]!,
    shown: `${protocol}//${hostname}:${at.port}${at.db === 0 ? '' : `/${at.db}`}`,
  };
}
