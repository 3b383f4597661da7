import { nodeProvider } from '@quiclab/crypto/node';
import { type Micros, SECOND, seededRandom } from '@quiclab/sansio';
import { type HandshakeStep, type TicketKeeper, type TicketKeeperOptions, ticketKeeper } from '../src/index.ts';
import { NOW } from './certificates.ts';
import { Pair, type PairOptions } from './pair.ts';

export const REMEMBERED = Uint8Array.of(1, 2, 3);

export const keeper = (options: Partial<TicketKeeperOptions> = {}): TicketKeeper =>
  ticketKeeper({ provider: nodeProvider, random: seededRandom('tickets'), ...options });

/** A client that would send early data, a server that would take it. */
export const withEarlyData = (tickets: TicketKeeper): PairOptions => ({
  server: { tickets, earlyData: true },
  clientOptions: { earlyData: true },
  serverOptions: { remember: REMEMBERED },
});

export const sessionsIn = (steps: readonly HandshakeStep[]): Uint8Array[] =>
  steps.flatMap((step) => (step.type === 'session' ? [step.data] : []));

/** What a first connection leaves its client with. */
export function firstSession(options: PairOptions): Uint8Array {
  const [session] = sessionsIn(new Pair(options).run().clientSteps);
  if (session === undefined) throw new Error('no session');
  return session;
}

export const LATER: Micros = NOW + 5 * SECOND;

/** The connection that comes five seconds later, with the session. */
export const later = (options: PairOptions, session: Uint8Array): Pair =>
  new Pair({ seed: 2, now: LATER, ...options, clientOptions: { ...options.clientOptions, session } });

/** Which messages each side sent, by type. */
export function messageTypes(pair: Pair, from: 'client' | 'server'): number[] {
  const types: number[] = [];
  for (const { data } of pair.flights.filter((flight) => flight.from === from))
    for (let at = 0; at < data.length; at += 4 + ((data[at + 1]! << 16) | (data[at + 2]! << 8) | data[at + 3]!)) types.push(data[at]!);
  return types;
}

export const verdict = (steps: readonly HandshakeStep[]): { readonly resumed: boolean; readonly earlyData: string } => {
  const complete = steps.find((step) => step.type === 'complete');
  if (complete?.type !== 'complete') throw new Error('not complete');
  return { resumed: complete.resumed, earlyData: complete.earlyData };
};
