/** Something of QUIC's while one flow of the kernel's TCP has the path already. INTEROP, crosstraffic. */
import type { PathPlan } from '@quiclab/lab';
import { Child, type Lateness, relayIn, type Tunnel } from '@quiclab/lab/tunnel';
import type { FromBulk, ToBulk } from './bulk.ts';

/** TCP has its share before. */
const HEAD_START_MS = 5_000;
const BULK = new URL('./bulk.ts', import.meta.url);

/** What came down while QUIC had something to say, seen at the end of the path: kbit/s. */
export interface Shares {
  /** For so many octets of content, from the first 1-RTT packet to the last. */
  readonly quic: number;
  /** Octets of the stream that were new, in the same time. */
  readonly tcp: number;
  /** The largest IP packets of both, octets. */
  readonly packets: { readonly quic: number; readonly tcp: number };
  readonly lateness: Lateness;
  readonly queueDrops: number;
  readonly unread: number;
}

/** @param transfer  what QUIC is to do through the tunnel: so many octets of content come down */
export async function besideTcp<T>(
  tunnel: Tunnel,
  { path, seed, content }: { readonly path: PathPlan; readonly seed: number; readonly content: number },
  transfer: () => Promise<T>,
): Promise<{ readonly result: T; readonly shares: Shares }> {
  const relay = relayIn(tunnel);
  const source = new Child<ToBulk, FromBulk>(tunnel, 'server', BULK);
  const sink = new Child<ToBulk, FromBulk>(tunnel, 'client', BULK);
  try {
    await relay.ask({ type: 'open', seed, path }, 'open');
    const { port } = await source.ask({ type: 'listen' }, 'listening');
    await sink.ask({ type: 'connect', port }, 'connected');
    await new Promise((resolve) => setTimeout(resolve, HEAD_START_MS));
    const result = await transfer();
    const { down, lateness, unread, flows } = await relay.ask({ type: 'close' }, 'figures');
    const { quicFirstAt, quicLastAt, tcpOctets, quicPacket, tcpPacket } = flows;
    const rate = (octets: number): number => (quicLastAt > quicFirstAt ? (octets * 8_000) / (quicLastAt - quicFirstAt) : 0);
    const packets = { quic: quicPacket, tcp: tcpPacket };
    const measured = { quic: rate(content), tcp: rate(tcpOctets), packets };
    return { result, shares: { ...measured, lateness: lateness.down, queueDrops: down.queueDrops, unread } };
  } finally {
    await Promise.all([sink.stop(), source.stop(), relay.stop()]);
  }
}
