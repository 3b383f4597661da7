import type { Redis } from 'ioredis';
import type { QueueUrl } from './url.ts';

/** What tells of a connection to Redis. */
export interface ConnectionEvents {
  /** It is away, and is looked for again. Once for each time. */
  onAway?(why: string): void;
  /** It is back. */
  onBack?(): void;
  /** It was away for too long, and nothing is tried any more. */
  onLost(error: Error): void;
}

const CONNECT_MS = 5_000;
/** A server that is there and does not answer counts as away: blocking commands are asked to end well before that (`BLOCK_MS`). */
const ANSWER_MS = 15_000;
const RETRY_MS = 250;
/** For how long a command waits in Redis for something to happen. */
export const BLOCK_MS = 5_000;

/**
 * A connection to Redis, when it is made. BullMQ makes more of its kind from it.
 * @param patience  ms for which it may be away
 * @throws an Error that names the URL without its password, and says why not
 */
export async function connect(url: QueueUrl, patience: number, events: ConnectionEvents): Promise<Redis> {
  const { Redis } = await import('ioredis');
  let allowed = 0; // what is not there at the start is probably a wrong URL
  let since = 0;
  let why = '';
  const client = new Redis({
    host: url.host,
    port: url.port,
    db: url.db,
    ...(url.username !== '' && { username: url.username }),
    ...(url.password !== '' && { password: url.password }),
    ...(url.tls && { tls: {} }),
    lazyConnect: true,
    connectTimeout: CONNECT_MS,
    socketTimeout: ANSWER_MS,
    maxRetriesPerRequest: null, // what is asked for while it is away is done when it is back, or fails when it is lost
    retryStrategy: (times) => {
      if (times === 1) since = Date.now();
      return Date.now() - since >= allowed ? null : RETRY_MS;
    },
  });
  const lost = (what: string): Error => new Error(`Redis at ${url.shown} ${what}${why === '' ? '' : ` (${why})`}`);
  client.on('error', (error: Error) => {
    why = error.message;
  });
  try {
    await client.connect();
    await client.select(url.db); // what connect() says of it is not heard
  } catch (error) {
    if (why === '') why = (error as Error).message;
    client.disconnect();
    throw lost('cannot be used');
  }
  allowed = patience;
  let away = false;
  client.on('reconnecting', () => {
    if (away) return;
    away = true;
    events.onAway?.(lost('is away').message);
  });
  client.on('ready', () => {
    if (!away) return;
    away = false;
    why = '';
    events.onBack?.();
  });
  client.on('end', () => events.onLost(lost('is not there any more')));
  return client;
}
