import { nullProtection } from '@quiclab/crypto';
import { nodeProvider } from '@quiclab/crypto/node';
import { type ImpairmentMaker, listed } from '@quiclab/impair';
import { type Dialect, QlogObserver } from '@quiclab/trace';
import { smallPage } from '@quiclab/workload';
import { describe, expect, test } from 'vitest';
import { parsePlan, runSimulated } from '../src/index.ts';
import { capturedLosses, udpOf } from '../src/recorded/captures.ts';
import { lossList, recordedLosses } from '../src/recorded/loss-list.ts';
import { qlogLosses } from '../src/recorded/qlog-losses.ts';

const crypto = nullProtection(nodeProvider);

function run(loss: ImpairmentMaker, qlog: (text: string) => void = () => {}, dialect: Dialect = 'current') {
  const sizes = new Map(smallPage.objects.map(({ path, size }) => [path, size]));
  const link = { delay: 10_000, rate: 20e6 };
  return runSimulated({
    model: 'h3',
    seed: 3,
    page: smallPage,
    source: (path) => new Uint8Array(sizes.get(path)!),
    links: { up: link, down: { ...link, loss } },
    ends: { crypto },
    observers: { server: ({ originalId }) => new QlogObserver({ side: 'server', originalId, dialect, title: 'test', write: qlog }) },
  });
}

describe('a list of losses', () => {
  test.each([
    ['7\n3\n', [7, 3]],
    ['# by hand\n\n 12 \n', [12]],
    ['datagram,lost\n1,0\n2,1\n3,1\n', [2, 3]],
    ['1,1\r\n2,0\r\n', [1]],
    ['datagram\n4\n', [4]],
    ['', []],
  ] as [string, number[]][])('%j', (text, lost) => expect(recordedLosses(text)).toEqual(lost));

  test.each([
    ['1\n0\n', "line 2: '0' is not the number of a datagram, from 1"],
    ['1\nx\n', "line 2: 'x' is not the number of a datagram, from 1"],
    ['1,0\n2,2\n', "line 2: '2,2' is not like 17,1"],
    ['1,0,9\n', "line 1: '1,0,9' is not like 17,1"],
    ['time,datagram,lost\n', 'line 1: has 3 columns'],
  ])('%j is refused', (text, problem) => expect(() => recordedLosses(text)).toThrow(problem));

  test('that was written is read as it was', () => {
    expect(recordedLosses(lossList([2, 5], 'two captures'))).toEqual([2, 5]);
  });
});

describe("losses by a sender's qlog", () => {
  test.each(['current', 'qvis'] as const)('are the datagrams that the link dropped (%s)', (dialect) => {
    let text = '';
    const { down } = run(
      listed(20, 21, 60, 100),
      (record) => {
        text += record;
      },
      dialect,
    );
    expect(down.drops.map(({ index }) => index)).toEqual([20, 21, 60, 100]);
    const { lost, sent } = qlogLosses(text);
    expect({ lost, sent }).toEqual({ lost: [20, 21, 60, 100], sent: down.entered });
    expect(recordedLosses(text)).toEqual(lost);
    // and given to a path they are the same losses again
    expect(run(listed(...lost)).down.drops).toEqual(down.drops);
  });

  const sent = (type: string, number: number, more = {}) => ({
    name: 'quic:packet_sent',
    data: { header: { packet_type: type, packet_number: number }, ...more },
  });
  const lost = (type: string, number: number) => ({
    name: 'recovery:packet_lost',
    data: { header: { packet_type: type, packet_number: number } },
  });
  const lines = (...events: object[]): string => events.map((event) => `${JSON.stringify(event)}\n`).join('');

  test('packets that share a datagram are one; 0-RTT packets are numbered with those of 1-RTT (RFC 9000 §12.3)', () => {
    const events = [
      sent('initial', 0, { datagram_id: 8 }),
      sent('handshake', 0, { datagram_id: 8 }),
      sent('0RTT', 1),
      sent('1RTT', 2),
      lost('handshake', 0),
      lost('1RTT', 1),
    ];
    expect(qlogLosses(lines(...events))).toEqual({ lost: [1, 2], sent: 3, declared: 2 });
    expect(qlogLosses(JSON.stringify({ traces: [{ events }] }))).toEqual({ lost: [1, 2], sent: 3, declared: 2 });
  });

  test.each([
    [lines(sent('1RTT', 1), lost('1RTT', 2)), 'line 2: packet 1RTT 2 is declared lost, and was not sent before'],
    [lines({ name: 'quic:packet_received' }), 'nothing is sent in it'],
    [`${lines(sent('1RTT', 1))}{"name": \n`, 'line 2'],
    [lines({ name: 'quic:packet_sent', data: {} }), 'line 1: no header with packet_type and packet_number'],
  ])('%j is refused', (text, problem) => expect(() => qlogLosses(text)).toThrow(problem));
});

describe('losses by two captures', () => {
  const A = [10, 0, 0, 1];
  const B = [10, 0, 0, 2];
  const u16 = (value: number): number[] => [value >> 8, value & 255];

  /** Ethernet, IPv4, UDP. */
  function frame(payload: string, from: number[] = A, to: number[] = B, port = 4433): number[] {
    const data = [...Buffer.from(payload)];
    const udp = [...u16(port), ...u16(443), ...u16(8 + data.length), 0, 0, ...data];
    const ip = [0x45, 0, ...u16(20 + udp.length), 0, 0, 0x40, 0, 64, 17, 0, 0, ...from, ...to];
    return [...Array(12).fill(2), 0x08, 0x00, ...ip, ...udp];
  }
  const u32 = (value: number, little: boolean): number[] => {
    const octets = Buffer.alloc(4);
    if (little) octets.writeUInt32LE(value);
    else octets.writeUInt32BE(value);
    return [...octets];
  };
  const pcap = (frames: number[][], little = true, link = 1): Uint8Array =>
    Uint8Array.from([
      ...u32(0xa1b2c3d4, little),
      ...(little ? [2, 0, 4, 0] : [0, 2, 0, 4]),
      ...Array(8).fill(0),
      ...u32(65_535, little),
      ...u32(link, little),
      ...frames.flatMap((octets) => [...Array(8).fill(0), ...u32(octets.length, little), ...u32(octets.length, little), ...octets]),
    ]);
  const block = (type: number, body: number[]): number[] => {
    const padded = [...body, ...Array((4 - (body.length % 4)) % 4).fill(0)];
    return [...u32(type, true), ...u32(padded.length + 12, true), ...padded, ...u32(padded.length + 12, true)];
  };
  const pcapng = (frames: number[][]): Uint8Array =>
    Uint8Array.from([
      ...block(0x0a0d0d0a, [...u32(0x1a2b3c4d, true), 1, 0, 0, 0, ...Array(8).fill(255)]),
      ...block(1, [1, 0, 0, 0, ...u32(0, true)]),
      ...block(5, u32(0, true)), // statistics: passed over
      ...frames.flatMap((octets) => block(6, [...Array(12).fill(0), ...u32(octets.length, true), ...u32(octets.length, true), ...octets])),
    ]);

  const left = ['a', 'b', 'c', 'd', 'e', 'f'].map((payload) => frame(payload));
  /** Two did not arrive, others did so in another order, from a translated address. */
  const came = ['c', 'a', 'd', 'f'].map((payload) => frame(payload, [203, 0, 113, 9], B, 61_000));

  test.each([
    ['pcap', pcap(left), pcap(came)],
    ['pcap of the other byte order', pcap(left, false), pcap(came, false)],
    ['pcapng', pcapng(left), pcapng(came)],
    [
      'raw IP',
      pcap(
        left.map((octets) => octets.slice(14)),
        true,
        101,
      ),
      pcap(came),
    ],
  ])('%s', (_name, sent, arrived) => {
    expect(capturedLosses(udpOf(sent), udpOf(arrived))).toEqual({ lost: [2, 5], sent: 6, flow: '10.0.0.1:4433', trailing: 0 });
  });

  test('what the others sent is not counted; the flow can be named', () => {
    const both = udpOf(pcap([frame('x', B, A, 443), ...left]));
    expect(capturedLosses(both, udpOf(pcap(came))).lost).toEqual([2, 5]);
    expect(capturedLosses(both, udpOf(pcap([frame('x', B, A, 443)])), '10.0.0.2:443')).toMatchObject({ lost: [], sent: 1 });
    expect(() => capturedLosses(both, udpOf(pcap(came)), '10.9.9.9:1')).toThrow(
      '10.9.9.9:1 has sent nothing; these have: 10.0.0.1:4433 (6), 10.0.0.2:443 (1)',
    );
  });

  test('of two alike one may be lost, and losses at the end are said', () => {
    const twice = udpOf(pcap(['a', 'a', 'b', 'c'].map((payload) => frame(payload))));
    expect(capturedLosses(twice, udpOf(pcap([frame('a'), frame('b')])))).toMatchObject({ lost: [2, 4], trailing: 1 });
  });

  test('what cannot be told is refused', () => {
    expect(() => capturedLosses(udpOf(pcap(left)), udpOf(pcap([frame('z')])))).toThrow(
      'none of the 6 datagrams of 10.0.0.1:4433 is in the other capture',
    );
    expect(() => udpOf(new Uint8Array(40))).toThrow('this is neither pcap nor pcapng');
    expect(() => udpOf(pcap(left).subarray(0, 100))).toThrow('frame 2: the capture ends');
    expect(() => udpOf(pcap([left[0]!.slice(0, -1)]))).toThrow('frame 1: 42 of 42 octets were captured');
    expect(() => udpOf(pcap(left, true, 147))).toThrow('frames of link type 147 are not read');
  });

  test('whatever octets a capture has, it is read or refused', () => {
    const whole = pcapng(left);
    for (let at = 0; at < whole.length; at++) {
      const changed = whole.slice();
      changed[at] = 255 - changed[at]!;
      try {
        udpOf(changed);
      } catch (problem) {
        expect(problem).toBeInstanceOf(Error);
        expect(problem).not.toBeInstanceOf(RangeError);
      }
    }
  });
});

describe('a plan with recorded losses', () => {
  const PLAN = (loss: string): string => `question: what if it were lost again?
workload: small
models: [h3]
topology: { both: { rate: 10Mbit, delay: 25ms }, down: { loss: ${loss} } }
`;
  const files: Readonly<Record<string, string>> = {
    'l.csv': 'datagram,lost\n4,1\n5,0\n6,1\n',
    'l.qlog': '{"name":"quic:packet_sent","data":{"header":{"packet_type":"1RTT","packet_number":0},"secret":"SECRET"}}\n',
    'bad.csv': '4\nfour\n',
    'down.trace': '3\n2\n',
  };
  const parse = (text: string) => parsePlan(text, 'p.yaml', (name) => files[name]!);

  test('takes them from CSV, and keeps what was lost', () => {
    for (const loss of ['{ trace: l.csv }', '{ model: trace, file: l.csv }'])
      expect(parse(PLAN(loss)).document.files).toEqual({ 'l.csv': '4\n6\n' });
  });
  test('takes them from a qlog, and keeps nothing else of it', () => {
    expect(JSON.stringify(parse(PLAN('{ trace: l.qlog }')).document)).not.toContain('SECRET');
  });
  test('names plan, line and the line of the record', () => {
    expect(() => parse(PLAN('{ trace: bad.csv }'))).toThrow(/topology\.down.*recorded losses, line 2: 'four'/s);
    expect(() => parse(PLAN('none').replace('rate: 10Mbit', 'rate: { trace: down.trace }'))).toThrow(
      /rate trace, line 2: 2 ms comes after 3 ms/,
    );
  });
});
