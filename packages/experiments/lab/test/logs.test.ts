import { carrierOf, flowOf, Gate, REQUEST, RESPONSE, RunLog } from '@quiclab/ledger';
import type { PacketView } from '@quiclab/quic';
import type { SegmentView } from '@quiclab/tcp';
import { defaultTransportParameters, FrameType, PacketType } from '@quiclab/wire';
import { describe, expect, test } from 'vitest';
import { Carried, QuicLog, TcpLog } from '../src/index.ts';

// What the observers of transports write into the run's log, told by hand.

const UP = carrierOf(3, 4, REQUEST);
const CLIENT = flowOf(3, REQUEST);

/** A packet with these frames: type, stream, offset, size. */
function packet(packetNumber: number, level: PacketView['level'], ...frames: (readonly number[])[]): PacketView {
  return {
    level,
    packetNumber,
    bytes: 1_000 + packetNumber,
    waited: false,
    frames: {
      length: frames.length,
      type: (i: number) => frames[i]![0]!,
      stream: (i: number) => frames[i]![1]!,
      offset: (i: number) => frames[i]![2]!,
      size: (i: number) => frames[i]![3]!,
    },
  } as PacketView;
}
const stream = (id: number, offset: number, size: number, fin = false): readonly number[] => [
  FrameType.STREAM | (fin ? 1 : 0),
  id,
  offset,
  size,
];

describe('QUIC', () => {
  test('octets of exchanges are noted, those of the connection’s own streams, and the handshake’s, are not', () => {
    const log = new RunLog();
    const quic = new QuicLog(log, 3, 'client');
    quic.packetSent(10, packet(0, 'initial', [FrameType.CRYPTO, 0, 0, 300]));
    quic.packetSent(20, packet(7, 'application', stream(2, 0, 5), stream(4, 0, 50), stream(4, 50, 10, true)));
    quic.packetSent(30, packet(8, 'application', stream(2, 5, 5)));
    expect(log.sendings).toEqual([20, UP, 0, 50, 0, 7, 20, UP, 50, 10, 1, 7]);
    quic.packetLost(40, packet(7, 'application', stream(4, 0, 50)));
    quic.packetLost(40, packet(8, 'application', stream(2, 5, 5)));
    expect(log.losses).toEqual([40, CLIENT, 7]);
  });

  test('a packet arrives when it comes, and is opened when its keys are there (RFC 9001 §5.7)', () => {
    const log = new RunLog();
    const quic = new QuicLog(log, 3, 'server');
    quic.packetBuffered(10, PacketType.ZERO_RTT, 1_005);
    quic.packetBuffered(12, PacketType.ZERO_RTT, 1_006);
    quic.packetReceived(30, { ...packet(6, 'early', stream(4, 50, 50)), waited: true });
    quic.streamArrived(30, 4, 50, 50);
    quic.packetReceived(30, { ...packet(5, 'early', stream(4, 0, 50)), waited: true });
    quic.streamArrived(30, 4, 0, 50);
    quic.packetReceived(31, packet(7, 'application', stream(4, 100, 50)));
    expect(log.arrivals).toEqual([12, CLIENT, 6, 30, 10, CLIENT, 5, 30, 31, CLIENT, 7, 31]);
    expect(log.receipts).toEqual([12, UP, 50, 50, 10, UP, 0, 50]);
  });

  test('rejected early data is lost when that is known, and counts anew (RFC 9001 §4.6.2)', () => {
    const log = new RunLog();
    const quic = new QuicLog(log, 3, 'client');
    quic.parametersRestored(0, { ...defaultTransportParameters, initialMaxData: 60, initialMaxStreamDataBidiRemote: 100 });
    quic.streamWritten(0, 4);
    quic.packetSent(0, packet(0, 'early', stream(4, 0, 60)));
    quic.streamSent(0, 4, 0, 60);
    quic.handshakeState(50, 'complete', 'h3', 'rejected');
    expect(log.losses).toEqual([50, CLIENT, 0]);
    expect(log.gateChanges).toEqual([0, CLIENT, Gate.CONNECTION_CREDIT, 50, CLIENT, 0]);
    expect(log.limits).toEqual([0, UP, 100]);
  });

  test('credit is what parameters and frames say; other gates are what the connection says (RFC 9000 §4.1, §18.2)', () => {
    const log = new RunLog();
    const quic = new QuicLog(log, 3, 'server');
    const down = carrierOf(3, 4, RESPONSE);
    quic.streamWritten(5, 4);
    quic.parameters(6, 'local', { ...defaultTransportParameters, initialMaxData: 9 });
    quic.parameters(6, 'remote', { ...defaultTransportParameters, initialMaxData: 100, initialMaxStreamDataBidiLocal: 40 });
    quic.streamSent(7, 4, 0, 40);
    quic.streamSent(8, 8, 0, 60);
    quic.sendingRefused(9, 'window');
    quic.packetReceived(10, packet(1, 'application', [FrameType.MAX_DATA, 0, 500, 0], [FrameType.MAX_STREAM_DATA, 4, 90, 0]));
    quic.sendingRefused(11, '');
    expect(log.limits).toEqual([6, down, 40, 10, down, 90]);
    const flow = flowOf(3, RESPONSE);
    expect(log.gateChanges).toEqual([
      ...[8, flow, Gate.CONNECTION_CREDIT],
      ...[9, flow, Gate.CONNECTION_CREDIT | Gate.WINDOW],
      ...[10, flow, Gate.WINDOW],
      ...[11, flow, 0],
    ]);
  });
});

describe('TCP', () => {
  const segment = (offset: number, length: number): SegmentView => ({ offset, length }) as SegmentView;
  const carrier = carrierOf(3, 0, REQUEST);

  test('which copy of a segment came, the link tells', () => {
    const log = new RunLog();
    const carried = [new Carried(false), new Carried(false)] as const;
    const client = new TcpLog(log, 3, 'client', carried);
    const server = new TcpLog(log, 3, 'server', carried);
    const sends: readonly (readonly [number, number])[] = [
      [-1, 0], // SYN
      [0, 100],
      [100, 100],
      [0, 100], // again
    ];
    sends.forEach(([offset, length], i) => {
      client.segmentSent(10 + i, segment(offset, length));
      carried[REQUEST].onEntered(i + 1);
    });
    const arrive = (at: number, index: number, offset: number, how: 'streamArrived' | 'streamRepeated' | 'nothing'): void => {
      carried[REQUEST].onDelivered(index);
      server.segmentReceived(at, segment(offset, 100));
      if (how === 'streamArrived') server.streamArrived(at, offset, 100);
      if (how === 'streamRepeated') server.streamRepeated(at);
    };
    arrive(20, 3, 100, 'nothing'); // it was discarded
    arrive(21, 4, 0, 'streamArrived');
    arrive(22, 2, 0, 'streamRepeated'); // the first copy was overtaken
    expect(log.sendings).toEqual([11, carrier, 0, 100, 0, 0, 12, carrier, 100, 100, 0, 1, 13, carrier, 0, 100, 0, 2]);
    expect(log.arrivals).toEqual([21, CLIENT, 2, 21, 22, CLIENT, 0, 22]);
    expect(log.receipts).toEqual([21, carrier, 0, 100]);
    expect(carried[REQUEST].rows).toEqual([2, CLIENT, 0, 3, CLIENT, 1, 4, CLIENT, 2]);
  });

  test('octets that are given up are the latest copies of them', () => {
    const log = new RunLog();
    const tcp = new TcpLog(log, 3, 'client', [new Carried(false), new Carried(false)]);
    tcp.segmentSent(10, segment(0, 100));
    tcp.segmentSent(11, segment(100, 100));
    tcp.segmentSent(12, segment(0, 50));
    tcp.streamLost(20, 0, 200, 'rack');
    expect(log.losses).toEqual([20, CLIENT, 2, 20, CLIENT, 0, 20, CLIENT, 1]);
    tcp.streamLost(21, 500, 10, 'rack'); // never sent
    tcp.gateChanged(22, '', 'credit');
    tcp.gateChanged(23, 'credit', 'pacer');
    tcp.gateChanged(24, 'pacer', 'application');
    expect(log.losses).toHaveLength(9);
    expect(log.gateChanges).toEqual([22, CLIENT, Gate.CONNECTION_CREDIT, 23, CLIENT, Gate.PACER, 24, CLIENT, 0]);
  });
});
