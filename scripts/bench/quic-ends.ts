import { nodeProvider, systemRandom } from '@quiclab/crypto/node';
import { type Connection, type ConnectionEvent, type ConnectOptions, Endpoint, standardPolicies } from '@quiclab/quic';
import { clientHandshake, serverHandshake, ticketKeeper } from '@quiclab/tls';
import { type Driver, drive, monotonicClock, UdpSocket } from '@quiclab/udp';
import type { ContestOptions } from './contest.ts';
import { HOST_NAME, LOOPBACK, makeIdentity } from './identity.ts';

export const clock = monotonicClock();

/** What an application does with the events of a connection. */
export type Handler = (now: number, connection: Connection, event: ConnectionEvent) => void;

/** An endpoint of ours on a real socket. */
export interface QuicEnd {
  readonly endpoint: Endpoint;
  readonly driver: Driver;
  readonly port: number;
}

const quicConfig = ({ datagramSize }: ContestOptions) => ({ datagramSize, maxStreamsBidi: 1_000 });

export async function quicServer(
  options: ContestOptions,
  alpn: string,
  handler: Handler,
  resumption: { readonly tickets?: boolean; readonly earlyData?: boolean } = {},
): Promise<QuicEnd & { readonly certificate: string }> {
  const { certificate, privateKey } = makeIdentity();
  const { tickets = false, earlyData = false } = resumption;
  const handshake = serverHandshake({
    provider: nodeProvider,
    certificates: [certificate],
    privateKey,
    ...(tickets && { tickets: ticketKeeper({ provider: nodeProvider, random: systemRandom }), earlyData }),
  });
  const policies = standardPolicies({ random: systemRandom, crypto: nodeProvider, handshake });
  const endpoint = new Endpoint({ policies, config: quicConfig(options), accept: { alpn: [alpn] } });
  return { ...(await onSocket(endpoint, handler)), certificate: Buffer.from(certificate).toString('base64') };
}

export async function quicClient(
  options: ContestOptions,
  certificate: Uint8Array,
  handler: Handler,
  provider = nodeProvider,
): Promise<QuicEnd> {
  const handshake = clientHandshake({ provider, trust: { ca: [certificate] } });
  const policies = standardPolicies({ random: systemRandom, crypto: nodeProvider, handshake });
  return onSocket(new Endpoint({ policies, config: quicConfig(options) }), handler);
}

/** Begins a connection to a server on this machine; it leaves with the endpoint's next turn. */
export function connect(
  client: QuicEnd,
  alpn: string,
  port: number,
  resume: Pick<ConnectOptions, 'session' | 'earlyData'> = {},
): Connection {
  const remote = { host: LOOPBACK, port };
  const connection = client.endpoint.connect(clock.now(), { remote, serverName: HOST_NAME, alpn: [alpn], ...resume });
  client.driver.wake();
  return connection;
}

/** What the end of a connection has seen, and its socket. */
export function notesOf({ driver }: QuicEnd, connection: Connection | undefined): Record<string, number> {
  if (connection === undefined) return {};
  const { turns, datagramsSent, datagramsReceived } = driver.counters();
  const { packetsSent, packetsLost, spuriousLosses, probes, smoothedRtt, congestionWindow } = connection.stats();
  return { packetsSent, packetsLost, spuriousLosses, probes, smoothedRtt, congestionWindow, turns, datagramsSent, datagramsReceived };
}

async function onSocket(endpoint: Endpoint, handler: Handler): Promise<QuicEnd> {
  const socket = await UdpSocket.bind({ host: LOOPBACK, port: 0 });
  const driver = drive(endpoint, socket, {
    clock,
    handle({ type, connection }) {
      if (type !== 'active') return;
      const now = clock.now();
      for (let event = connection.pollEvent(); event !== undefined; event = connection.pollEvent()) handler(now, connection, event);
    },
    onError(error) {
      throw error;
    },
  });
  return { endpoint, driver, port: socket.address().port };
}
