import { nodeProvider } from '@quiclab/crypto/node';
import type { Policies } from '@quiclab/quic';
import { SECOND, seededRandom } from '@quiclab/sansio';
import { serverHandshake, ticketKeeper } from '@quiclab/tls';
import { expect } from 'vitest';
import { certificate, Pair, type PairOptions, text } from './pair.ts';

/** A server that gives sessions and takes early data. @param seed  of its ticket keys */
export const serverPolicies = (seed = 1): Pick<Policies, 'handshake'> => ({
  handshake: serverHandshake({
    provider: nodeProvider,
    certificates: [certificate.certificate],
    privateKey: certificate.privateKey,
    tickets: ticketKeeper({ provider: nodeProvider, random: seededRandom(seed).fork('tickets') }),
    earlyData: true,
  }),
});

/** A first connection that has ended, and the session that it left. */
export function afterFirst(options: PairOptions = {}): { pair: Pair; session: Uint8Array } {
  const pair = new Pair({
    serverPolicies: serverPolicies(),
    serve(one, event) {
      if (event.type !== 'stream-readable') return;
      const { data, fin } = one.readAll(one.accepted!, event.id);
      one.accepted!.write(one.now, event.id, text(`echo ${data}`));
      if (fin) one.accepted!.finish(event.id);
    },
    ...options,
  });
  pair.handshake();
  pair.run(pair.now + SECOND);
  const event = pair.clientEvents.find((one) => one.type === 'session');
  expect(event).toBeDefined();
  pair.connection.close(pair.now, 0, '');
  pair.run(pair.now + 2 * SECOND);
  pair.clientObserver.sent.length = 0;
  pair.clientObserver.received.length = 0;
  return { pair, session: (event as { data: Uint8Array }).data };
}
