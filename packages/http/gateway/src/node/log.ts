import { MILLISECOND } from '@quiclab/sansio';
import type { Logger } from 'pino';
import type { GatewayObserver } from '../observer.ts';

/** A line for each request: `info` where the origin has answered, `warn` where the gateway had to, or where something was broken off. */
export const logging = (logger: Logger): GatewayObserver => ({
  passed({ client, method, authority, path, front, back, status, octetsUp, octetsDown, began, ended, attempts, outcome, reason }) {
    const facts = {
      client: client.host,
      request: `${method} ${authority}${path}`,
      front: `HTTP/${front}`,
      ...(back === '' ? {} : { back: `HTTP/${back}` }),
      status,
      octetsUp,
      octetsDown,
      ms: Math.round((ended - began) / MILLISECOND),
      ...(attempts > 1 ? { attempts } : {}),
      ...(reason === '' ? {} : { reason }),
    };
    if (outcome === 'complete') logger.info(facts, 'complete');
    else logger.warn(facts, outcome === 'answered' ? 'answered by the gateway' : 'broken off');
  },
  attemptFailed(_now, reason, again) {
    logger.debug({ reason, again }, 'the origin gave no answer');
  },
});
