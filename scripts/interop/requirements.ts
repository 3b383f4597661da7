/** What must have been seen of a case beside every file having arrived: the QUIC interop runner's checks. */
import type { Evidence } from './evidence.ts';
import { isReserved, VERSION_1, VERSION_2 } from './packets.ts';
import type { DissectedDatagram } from './tshark.ts';

export interface Requirement {
  /** Whether Wireshark's view of the connection is needed, with the secrets of one end. */
  readonly dissects: boolean;
  /** Why it does not hold, or undefined when it does. */
  against(evidence: Evidence): string | undefined;
}

const byHeaders = (against: Requirement['against']): Requirement => ({ dissects: false, against });
const byDissection = (against: (datagrams: readonly DissectedDatagram[], evidence: Evidence) => string | undefined): Requirement => ({
  dissects: true,
  against: (evidence) => (evidence.dissected.length === 0 ? 'nothing was dissected' : against(evidence.dissected, evidence)),
});

export const handshakes = (expected: number): Requirement =>
  byHeaders((evidence) => {
    const found = evidence.handshakesAt().length;
    return found === expected ? undefined : `${found} ${found === 1 ? 'handshake' : 'handshakes'} instead of ${expected}`;
  });

export const noRetry = byHeaders((evidence) => {
  const retries = evidence.packets('down').filter(({ kind }) => kind === 'retry').length;
  return retries === 0 ? undefined : `the server sent ${retries} Retry packets`;
});

/** RFC 9000 §17.2.5. */
export const retried = byHeaders((evidence) => {
  if (!evidence.packets('down').some(({ kind }) => kind === 'retry')) return 'the server sent no Retry';
  const tokens = evidence.packets('up').filter(({ kind, tokenOctets }) => kind === 'initial' && tokenOctets > 0).length;
  return tokens > 0 ? undefined : 'no Initial of the client carries a token';
});

/** RFC 9000 §6. */
export const versionNegotiated = byHeaders((evidence) => {
  const first = evidence.packets('up')[0];
  if (first === undefined || !isReserved(first.version)) return `the client began with version 0x${first?.version.toString(16)}`;
  return evidence.packets('down').some(({ kind }) => kind === 'version-negotiation') ? undefined : 'no Version Negotiation packet';
});

/** RFC 9368 §2.3, RFC 9369 §4. */
export const upgradedToVersion2 = byHeaders((evidence) => {
  const [up, down] = [evidence.packets('up'), evidence.packets('down')];
  if (up[0]?.version !== VERSION_1) return `the client began with version 0x${up[0]?.version.toString(16)}`;
  for (const [packets, end] of [[up, 'client'] as const, [down, 'server'] as const])
    if (!packets.some(({ kind, version }) => kind === 'handshake' && version === VERSION_2))
      return `the ${end} sent no Handshake packet of version 2`;
  return undefined;
});

const AMPLIFICATION = 3;

/** RFC 9000 §8.1: until a Handshake packet of the client arrives, the server sends three times what it got, and no more. */
export const withinAmplificationLimit = byHeaders(({ passages }) => {
  let received = 0;
  let sent = 0;
  for (const one of passages) {
    if (one.event === 'arrived' && one.direction === 'up') {
      if (one.packets.some(({ kind }) => kind === 'handshake')) return undefined;
      received += one.octets;
    } else if (one.event === 'entered' && one.direction === 'down') {
      sent += one.octets;
      if (sent > AMPLIFICATION * received) return `the server had sent ${sent} octets after ${received} of an address not validated`;
    }
  }
  return 'no Handshake packet of the client arrived';
});

/** Octets that the requests of the case would take at least if they came in 1-RTT packets. */
const MOST_AFTER_EARLY = 5_000;

/** RFC 9001 §4.6. */
export const sentEarly = byHeaders((evidence) => {
  const up = evidence.packets('up');
  if (!up.some(({ kind }) => kind === '0-rtt')) return 'the client sent no 0-RTT packet';
  const octets = up.reduce((sum, packet) => sum + (packet.kind === '1-rtt' ? packet.octets : 0), 0);
  return octets <= MOST_AFTER_EARLY ? undefined : `the client sent ${octets} octets in 1-RTT packets`;
});

/** RFC 9000 §9.2, §9.5: the client goes to the preferred address, under an ID that nobody saw on the old path. */
export const movedToPreferredAddress = byHeaders(({ passages }) => {
  const known = new Set<string>();
  for (const one of passages) {
    if (one.event !== 'entered' || one.direction !== 'up') continue;
    for (const { destination } of one.packets) {
      const id = destination.slice(0, 8);
      if (one.entrance === 0) known.add(id);
      else return known.has(id) ? `its first packet there has the ID ${id}… of the old path` : undefined;
    }
  }
  return 'the client never sent to the preferred address';
});

const CERTIFICATE = '11';
const CHACHA20 = '0x1303';
const PATH_CHALLENGE = '26';
const PATH_RESPONSE = '27';
const CLOSES = ['28', '29'];
const MEBIBYTE = 1 << 20;
/** The usual path with its queue full takes less. */
const LONGEST_WAY_S = 0.1;

const anyUp = (datagrams: readonly DissectedDatagram[]) => datagrams.filter(({ direction }) => direction === 'up');
const anyDown = (datagrams: readonly DissectedDatagram[]) => datagrams.filter(({ direction }) => direction === 'down');

/** RFC 9002 §6.2: nothing is heard for so long that the client asks again. */
export const helloRepeated = byDissection((datagrams) => {
  const beginnings = anyUp(datagrams).filter(({ cryptoOffsets, packetTypes }) => packetTypes[0] === '0' && cryptoOffsets[0] === '0').length;
  return beginnings >= 2 ? undefined : `${beginnings} ClientHello instead of two or more`;
});

export const onlyChaCha20 = byDissection((datagrams) => {
  const offered = new Set(anyUp(datagrams).flatMap(({ cipherSuites }) => cipherSuites));
  const chosen = new Set(anyDown(datagrams).flatMap(({ cipherSuites }) => cipherSuites));
  if ([...offered].join() !== CHACHA20) return `the client offers ${[...offered].join(', ')}`;
  return [...chosen].join() === CHACHA20 ? undefined : `the server chose ${[...chosen].join(', ')}`;
});

export const atMostStreams = (most: number): Requirement =>
  byDissection((datagrams) => {
    const limits = anyDown(datagrams).flatMap(({ maxStreamsBidi }) => maxStreamsBidi.map(Number));
    if (limits.length === 0) return "the server's initial_max_streams_bidi was not seen";
    return Math.max(...limits) <= most ? undefined : `the server's initial_max_streams_bidi is ${Math.max(...limits)}`;
  });

/** RFC 9001 §6: both ends are in the next key phase before a mebibyte has come down. */
export const keysUpdated = byDissection((datagrams) => {
  let octets = 0;
  const flipped = { up: false, down: false };
  for (const { direction, keyPhases, octets: size } of datagrams) {
    if (keyPhases.includes('1')) flipped[direction] = true;
    if (direction === 'down') octets += size;
    if (flipped.up && flipped.down) return undefined;
    if (octets > MEBIBYTE) break;
  }
  return `no key phase of 1 ${flipped.up ? 'from the server' : flipped.down ? 'from the client' : 'at all'} in the first MiB`;
});

/** RFC 9846 §2.2: the second handshake brings no certificate. */
export const resumed = byDissection((datagrams, evidence) => {
  const second = evidence.handshakesAt()[1];
  if (second === undefined) return 'there was no second handshake';
  const withCertificate = (part: readonly DissectedDatagram[]) => part.some(({ handshakeTypes }) => handshakeTypes.includes(CERTIFICATE));
  if (!withCertificate(datagrams.slice(0, second))) return 'the first handshake brings no certificate';
  return withCertificate(datagrams.slice(second)) ? 'the second handshake brings a certificate' : undefined;
});

/** RFC 9000 §9.3: the server's first packet to each new address of the client's asks whether it is there, and the client answers. */
export const newAddressesValidated = byDissection((datagrams) => {
  const addresses = [...new Set(datagrams.map(({ client }) => client))];
  if (addresses.length < 2) return "the client's address never changed";
  const closedAt = anyUp(datagrams).find(({ frameTypes }) => frameTypes.some((type) => CLOSES.includes(type)))?.at ?? Infinity;
  for (const address of addresses.slice(1)) {
    const own = datagrams.filter(({ client }) => client === address);
    const first = own.find(({ direction }) => direction === 'down');
    if (first === undefined) continue; // the run was over, or the address had changed again
    if (!first.frameTypes.includes(PATH_CHALLENGE)) return `the first packet to ${address} carries no PATH_CHALLENGE`;
    if (closedAt < first.at + LONGEST_WAY_S) continue; // there was nobody any more when it arrived
    if (!own.some(({ direction, frameTypes }) => direction === 'up' && frameTypes.includes(PATH_RESPONSE)))
      return `no PATH_RESPONSE came from ${address}`;
  }
  return undefined;
});
