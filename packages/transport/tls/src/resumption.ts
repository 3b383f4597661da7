import { sameBytes } from '@quiclab/bytes';
import { suiteHash } from '@quiclab/crypto';
import { MILLISECOND, type Micros, SECOND } from '@quiclab/sansio';
import { Alert } from './alerts.ts';
import type { ServerSettings } from './config.ts';
import { KeySchedule, resumptionKey } from './key-schedule.ts';
import { earlyDataAllowed, encodeNewSessionTicket, QUIC_EARLY_DATA } from './messages/new-session-ticket.ts';
import type { Negotiated } from './negotiation.ts';
import { type HandshakeOptions, TlsAlert } from './port.ts';
import { withoutBinders } from './pre-shared-key.ts';
import { decodeTicketState, encodeTicketState, type TicketState } from './ticket-state.ts';
import { LONGEST_LIFETIME, type TicketKeeper } from './tickets.ts';
import type { Transcript } from './transcript.ts';

/** A session that a client offered, and that is resumed. */
export interface Resumption {
  /** Which of the client's identities it is. */
  readonly index: number;
  readonly ticket: Uint8Array;
  readonly state: TicketState;
  /** How old the client says the ticket is. */
  readonly age: Micros;
  /** At the Early Secret. */
  readonly keys: KeySchedule;
}

/** Clients offer one or two; opening more is work that an attacker would like to give. */
const IDENTITIES_TRIED = 4;

/**
 * The first session offered that can be resumed on these terms; undefined where there is none, which means a full
 * handshake. Throws decrypt_error where the client does not have its key (RFC 9846 §4.2.11).
 * @param clientHello  the whole message
 * @param transcript   of what came before it
 */
export function resume(
  now: Micros,
  clientHello: Uint8Array,
  transcript: Transcript,
  terms: Negotiated,
  settings: ServerSettings,
  context: string,
): Resumption | undefined {
  const { tickets, provider } = settings;
  const { offeredPsks: offered } = terms;
  if (tickets === undefined || offered === undefined) return undefined;
  const tried = offered.identities.slice(0, IDENTITIES_TRIED);
  for (const [index, { identity: ticket, obfuscatedAge }] of tried.entries()) {
    const state = openTicket(now, ticket, tickets);
    if (state === undefined || !fits(state, terms, context)) continue;
    const keys = new KeySchedule(provider, terms.suite, state.key);
    const binder = keys.binder(transcript.hashWith(keys.hash, withoutBinders(clientHello, offered.binders)));
    // of this one only: what is found out about others by trying must stay little (RFC 9846 §F.6)
    if (!provider.equal(offered.binders[index]!, binder))
      throw new TlsAlert(Alert.DECRYPT_ERROR, 'the binder does not match the ticket and the ClientHello');
    return { index, ticket, state, age: ((obfuscatedAge - state.ageAdd) >>> 0) * MILLISECOND, keys };
  }
  return undefined;
}

function openTicket(now: Micros, ticket: Uint8Array, tickets: TicketKeeper): TicketState | undefined {
  const octets = tickets.open(now, ticket);
  const state = octets && decodeTicketState(octets);
  return state !== undefined && now >= state.issuedAt && now < state.expiresAt ? state : undefined;
}

/** The server name need not be the same, but then neither is what the session was made for (RFC 9846 §4.2.11). */
const fits = (state: TicketState, terms: Negotiated, context: string): boolean =>
  suiteHash(state.suite) === suiteHash(terms.suite) && state.serverName === terms.serverName && state.context === context;

/**
 * Whether early data can be taken that came with the first ClientHello (RFC 9846 §4.2.10, §8; RFC 9001 §4.6.2, §4.6.3).
 * The ticket is used up last, when nothing else speaks against it.
 */
export function acceptsEarlyData(
  now: Micros,
  resumption: Resumption,
  terms: Negotiated,
  settings: ServerSettings,
  options: HandshakeOptions,
): boolean {
  const { index, ticket, state, age } = resumption;
  const { remember } = options;
  if (!settings.earlyData || remember === undefined || state.remembered === undefined) return false;
  if (index !== 0 || state.suite !== terms.suite || state.alpn !== terms.alpn) return false;
  const { acceptEarlyData = (remembered: Uint8Array) => sameBytes(remembered, remember) } = options;
  return acceptEarlyData(state.remembered) && settings.tickets!.admitEarlyData(now, ticket, state.issuedAt + age);
}

/** What a connection hands on to those that resume it. */
export interface TicketOrigin extends Pick<TicketState, 'suite' | 'alpn' | 'serverName' | 'context' | 'authenticatedAt'> {
  /** 'res master' */
  readonly secret: Uint8Array;
}

/** NewSessionTicket messages for a connection whose handshake is complete; none where sessions are not resumed (RFC 9846 §4.6.1). */
export function newTickets(now: Micros, origin: TicketOrigin, settings: ServerSettings, options: HandshakeOptions): Uint8Array[] {
  const { tickets, ticketCount, provider, earlyData, maxEarlyData } = settings;
  const { secret, ...facts } = origin;
  if (tickets === undefined || facts.serverName.length > 255) return [];
  // in whole seconds, and not beyond what the proof by certificate is good for
  const lifetime = Math.floor(Math.min(tickets.lifetime, LONGEST_LIFETIME, facts.authenticatedAt + LONGEST_LIFETIME - now) / SECOND);
  if (lifetime <= 0) return [];
  const remembered = earlyData ? options.remember : undefined;
  const extensions = remembered === undefined ? new Map() : earlyDataAllowed(options.transport === 'tcp' ? maxEarlyData : QUIC_EARLY_DATA);
  const random = options.random.fork('tls/server/tickets');
  return Array.from({ length: ticketCount }, (_, i) => {
    const nonce = Uint8Array.of(i);
    const ageAdd = random.at(i).uint32();
    const key = resumptionKey(provider, facts.suite, secret, nonce);
    // not offset by an estimate of the RTT (RFC 9846 §8.3), which is small beside the tolerance
    const state = { ...facts, key, ageAdd, issuedAt: now, expiresAt: now + lifetime * SECOND, remembered };
    const ticket = tickets.seal(now, encodeTicketState(state));
    return encodeNewSessionTicket({ lifetime, ageAdd, nonce, ticket, extensions });
  });
}
