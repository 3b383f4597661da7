import { cubic } from '@quiclab/congestion';
import { integerBelow, MILLISECOND, type Micros, NEVER, SECOND, seededRandom } from '@quiclab/sansio';
import { Flows } from './flows.ts';
import { TcpBulk } from './tcp-bulk.ts';

/** The default path of INTEROP.md. */
const PATH = { rate: 10_000_000, delay: 15 * MILLISECOND, queue: { packets: 25 } };
const OCTETS = 25 << 20;
const EARLIER: Micros = 5 * SECOND;
/** Datagrams of 1,200 octets and segments of 1,208 are both IP packets of 1,228: 20 + 12 of header, 1,176 of data. */
export const EQUAL_SIZES = 1_188;
/** As on Ethernet: IP packets of 1,500. */
export const USUAL_SIZES = 1_460;

export interface CrossTraffic {
  /** Of the QUIC transfer, from its first 1-RTT packet at the client to the last, kbit/s. */
  readonly quic: number;
  /** What the TCP flow brought meanwhile, kbit/s. */
  readonly tcp: number;
  /** Of the TCP flow alone before: the second that ends when the other begins. */
  readonly before: number;
}

/**
 * `crosstraffic` of INTEROP.md: 25 MiB over QUIC against a TCP flow without end that began five seconds earlier, over the same two links and
 * between the same two hosts, CUBIC both. Nothing here is drawn but how much later than five seconds the transfer begins, up to a tenth of one.
 * @param maxSegmentSize  of the TCP flow: what its option says
 */
export function crossTraffic(seed: number, maxSegmentSize: number = EQUAL_SIZES): CrossTraffic {
  const random = seededRandom(seed).fork('cross traffic');
  const start = EARLIER + integerBelow(random, 100 * MILLISECOND);
  const flows = new Flows({
    seed,
    up: PATH,
    down: PATH,
    starts: [start],
    octets: OCTETS,
    controller: ({ maxDatagramSize }) => cubic({ maxDatagramSize }),
  });
  const bulk = new TcpBulk(random, { octets: NEVER, config: { maxSegmentSize } });
  const { world, clientHost, serverHost } = flows;
  clientHost.attach({ protocol: 'tcp', machine: bulk.client, handle: (event, now) => bulk.onClient(event, now) });
  serverHost.attach({ protocol: 'tcp', machine: bulk.server, handle: (event, now) => bulk.onServer(event, now) });
  world.at(0, (now) => {
    bulk.connect(now);
    clientHost.turn();
  });
  world.run({ until: start - SECOND });
  const early = bulk.octets;
  flows.run(start);
  const before = bulk.octets - early;
  flows.run(NEVER, () => (flows.flows[0]?.firstPacketAt ?? NEVER) === NEVER);
  const flow = flows.flows[0]!;
  const atFirst = bulk.octets;
  flows.run(start + 600 * SECOND);
  const took = flow.lastPacketAt - flow.firstPacketAt;
  if (!flow.done) throw new Error(`seed ${seed}: after ten minutes ${flow.octets} octets had come`);
  const rate = (octets: number): number => (8_000 * octets) / took;
  return { quic: rate(OCTETS), tcp: rate(bulk.octets - atFirst), before: (8_000 * before) / SECOND };
}

export const median = (values: readonly number[]): number => {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
};
