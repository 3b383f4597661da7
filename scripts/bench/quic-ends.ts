import { nodeProvider, systemRandom } from '@quiclab/crypto/node';
import {
  type Connection,
  type ConnectionEvent,
  type ConnectOptions,
  Endpoint,
  type EndpointOptions,
  standardPolicies,
} from '@quiclab/quic';
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

const quicConfig = ({ datagramSize, mtuDiscovery = false }: ContestOptions) => ({ datagramSize, mtuDiscovery, maxStreamsBidi: 1_000 });

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
  const end = await onSocket(options, { policies, accept: { alpn: [alpn] } }, handler);
  return { ...end, certificate: Buffer.from(certificate).toString('base64') };
}

export async function quicClient(
  options: ContestOptions,
  certificate: Uint8Array,
  handler: Handler,
  provider = nodeProvider,
): Promise<QuicEnd> {
  const handshake = clientHandshake({ provider, trust: { ca: [certificate] } });
  const policies = standardPolicies({ random: systemRandom, crypto: nodeProvider, handshake });
  return onSocket(options, { policies }, handler);
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
  const { packetsSent, packetsLost, spuriousLosses, probes, smoothedRtt, congestionWindow, paths } = connection.stats();
  const { maxDatagramSize } = paths[0]!;
  return {
    ...{ packetsSent, packetsLost, spuriousLosses, probes, smoothedRtt, congestionWindow, maxDatagramSize },
    ...{ turns, datagramsSent, datagramsReceived },
  };
}

async function onSocket(options: ContestOptions, of: EndpointOptions, handler: Handler): Promise<QuicEnd> {
  const socket = await UdpSocket.bind({ host: LOOPBACK, port: 0 });
  const largest = options.mtuDiscovery ? socket.largestDatagram(socket.local, socket.local) : 0;
  const endpoint = new Endpoint({ ...of, config: quicConfig(options), maxProbeSize: () => largest });
  const driver = drive(endpoint, socket, {
    clock,
    slotSize: Math.max(1_500, largest),
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
