import { ByteWriter, concat, fromHex, sameBytes, toHex } from '@quiclab/bytes';
import {
  longHeaderSize,
  PacketHeader,
  PacketType,
  readHeader,
  readPacketNumber,
  readRetry,
  readVersions,
  setLength,
  shortHeaderSize,
  VERSION_1,
  VERSION_2,
  writeLongHeader,
  writeRetry,
  writeShortHeader,
  writeStatelessReset,
  writeVersionNegotiation,
} from '@quiclab/wire';
import { describe, expect, test } from 'vitest';

const none = new Uint8Array(0);
const clientId = fromHex('8394c8f03e515708');
const serverId = fromHex('f067a5502a4262b5');

function read(bytes: Uint8Array, shortIdLength = 0, start = 0, end = bytes.length): PacketHeader {
  const header = new PacketHeader();
  expect(readHeader(bytes, start, end, shortIdLength, header)).toBe('');
  return header;
}

function fault(bytes: Uint8Array, shortIdLength = 0): string {
  return readHeader(bytes, 0, bytes.length, shortIdLength, new PacketHeader());
}

describe('the headers of the samples', () => {
  test.each([
    ['RFC 9001 A.2', VERSION_1, 'c300000001088394c8f03e5157080000449e00000002'],
    ['RFC 9369 A.2', VERSION_2, 'd36b3343cf088394c8f03e5157080000449e00000002'],
  ])("%s: a client's Initial", (_, version, hex) => {
    const bytes = concat(fromHex(hex), new Uint8Array(1162 + 16));
    const header = read(bytes);
    expect(header.type).toBe(PacketType.INITIAL);
    expect(header.version).toBe(version);
    expect(header.destinationId).toEqual(clientId);
    expect(header.sourceId).toEqual(none);
    expect(header.token).toEqual(none);
    expect(header.packetNumberOffset).toBe(18);
    expect(header.end).toBe(18 + 1182);
    expect(readPacketNumber(bytes, 18, 4)).toBe(2);

    const w = ByteWriter.growable(); // written back, it is the same
    const packetNumberOffset = writeLongHeader(w, PacketType.INITIAL, version, clientId, none, none, 2, 4);
    expect(packetNumberOffset).toBe(18);
    setLength(w.bytes, packetNumberOffset, 18 + 1182);
    expect(toHex(w.written())).toBe(hex);
  });

  test.each([
    ['RFC 9001 A.3', VERSION_1, 'c1000000010008f067a5502a4262b50040750001'],
    ['RFC 9369 A.3', VERSION_2, 'd16b3343cf0008f067a5502a4262b50040750001'],
  ])("%s: a server's Initial", (_, version, hex) => {
    const header = read(concat(fromHex(hex), new Uint8Array(0x75 - 2)));
    expect(header.type).toBe(PacketType.INITIAL);
    expect(header.version).toBe(version);
    expect(header.destinationId).toEqual(none);
    expect(header.sourceId).toEqual(serverId);
    expect(header.packetNumberOffset).toBe(18);
    const w = ByteWriter.growable();
    setLength(w.bytes, writeLongHeader(w, PacketType.INITIAL, version, none, serverId, none, 1, 2), 18 + 0x75);
    expect(toHex(w.written())).toBe(hex);
  });

  test.each([
    [
      'RFC 9001 A.4',
      VERSION_1,
      'ff000000010008f067a5502a4262b5746f6b656e04a265ba2eff4d829058fb3f0f2496ba',
      '04a265ba2eff4d829058fb3f0f2496ba',
    ],
    [
      'RFC 9369 A.4',
      VERSION_2,
      'cf6b3343cf0008f067a5502a4262b5746f6b656ec8646ce8bfe33952d955543665dcc7b6',
      'c8646ce8bfe33952d955543665dcc7b6',
    ],
  ])('%s: a Retry', (_, version, hex, tag) => {
    const bytes = fromHex(hex);
    const header = read(bytes);
    expect(header.type).toBe(PacketType.RETRY);
    expect(header.sourceId).toEqual(serverId);
    expect(header.end).toBe(bytes.length);
    const retry = readRetry(header)!;
    expect(toHex(retry.token)).toBe('746f6b656e');
    expect(toHex(retry.integrityTag)).toBe(tag);
    expect(retry.untagged).toEqual(bytes.subarray(0, bytes.length - 16));
    const w = ByteWriter.growable();
    writeRetry(w, version, none, serverId, fromHex('746f6b656e'), 0x0f);
    w.octets(fromHex(tag));
    expect(toHex(w.written())).toBe(hex);
  });

  test('RFC 9001 A.5: a short header without connection ID', () => {
    const header = read(fromHex('4cfe4189655e5cd55c41f69080575d7999c25a5bfb'));
    expect(header.type).toBe(PacketType.ONE_RTT);
    expect(header.packetNumberOffset).toBe(1);
    expect(header.end).toBe(21);
    const w = ByteWriter.growable();
    expect(writeShortHeader(w, none, 654360564, 3, 0, 0)).toBe(1);
    expect(toHex(w.written())).toBe('4200bff4');
  });
});

describe('long headers (RFC 9000 §17.2)', () => {
  const types = [PacketType.INITIAL, PacketType.ZERO_RTT, PacketType.HANDSHAKE];
  test.each([VERSION_1, VERSION_2])('what was written is read, in version 0x%s', (version) => {
    for (const type of types) {
      for (const [d, s, t] of [
        [0, 0, 0],
        [8, 20, 63],
        [20, 5, 64],
        [1, 1, 300],
      ] as const) {
        for (const packetNumberLength of [1, 2, 3, 4]) {
          const [destinationId, sourceId, token] = [new Uint8Array(d).fill(1), new Uint8Array(s).fill(2), new Uint8Array(t).fill(3)];
          const w = ByteWriter.growable(1500);
          w.zeros(7);
          const offset = writeLongHeader(w, type, version, destinationId, sourceId, token, 77, packetNumberLength);
          expect(w.position - 7).toBe(longHeaderSize(type, d, s, t, packetNumberLength));
          expect(w.position - offset).toBe(packetNumberLength);
          w.zeros(100);
          setLength(w.bytes, offset, w.position);
          const end = w.position;
          w.zeros(50); // a coalesced packet
          const header = read(w.written(), 8, 7);
          expect(header.type).toBe(type);
          expect(header.version).toBe(version);
          expect(header.start).toBe(7);
          expect(header.packetNumberOffset).toBe(offset);
          expect(header.end).toBe(end);
          expect(header.destinationId).toEqual(destinationId);
          expect(header.sourceId).toEqual(sourceId);
          expect(header.token).toEqual(type === PacketType.INITIAL ? token : none);
          expect((w.bytes[7]! & 3) + 1).toBe(packetNumberLength);
          expect(w.bytes[7]! & 0x0c).toBe(0);
          expect(readPacketNumber(w.bytes, offset, packetNumberLength)).toBe(77);
        }
      }
    }
  });

  test('a header cut short anywhere is a fault', () => {
    const w = ByteWriter.growable();
    const offset = writeLongHeader(w, PacketType.INITIAL, VERSION_1, clientId, serverId, new Uint8Array(70), 1, 1);
    setLength(w.bytes, offset, offset + 30);
    w.zeros(29);
    const whole = w.written();
    for (let length = 0; length < whole.length; length++)
      expect(['truncated', 'token', 'length']).toContain(fault(whole.subarray(0, length)));
    expect(fault(whole)).toBe('');
  });

  test('the fixed bit must be set (§17.2)', () => {
    const bytes = fromHex('8300000001000000024000');
    expect(fault(bytes)).toBe('fixed-bit');
    expect(fault(fromHex('0300'))).toBe('fixed-bit');
  });

  test('… or have any value, for whoever announced that (RFC 9287 §3)', () => {
    for (const hex of ['8300000001000000024000', '0300']) {
      const bytes = fromHex(hex);
      expect(readHeader(bytes, 0, bytes.length, 0, new PacketHeader(), true)).toBe('');
    }
  });

  test('a packet of a reserved version is written like one of version 1, and read as one of no version that we know (RFC 9000 §6.3)', () => {
    const w = ByteWriter.growable();
    writeLongHeader(w, PacketType.INITIAL, 0x1a2a_3a4a, clientId, serverId, new Uint8Array(0), 0, 4);
    const header = new PacketHeader();
    expect(readHeader(w.bytes, 0, w.position, 8, header)).toBe('');
    expect([w.bytes[0], header.type, header.version]).toEqual([0xc3, PacketType.UNKNOWN_VERSION, 0x1a2a_3a4a]);
  });

  test('a connection ID of 21 octets is no version 1 (§17.2)', () => {
    const long = new Uint8Array(21);
    for (const [d, s] of [
      [long, none],
      [none, long],
    ] as const) {
      const w = ByteWriter.growable();
      writeLongHeader(w, PacketType.HANDSHAKE, VERSION_1, d, s, none, 0, 1);
      expect(fault(w.written())).toBe('cid-too-long');
    }
  });

  test('a token or a length beyond the datagram are faults, however large', () => {
    expect(fault(fromHex('c00000000100000500'))).toBe('token');
    expect(fault(fromHex('c0000000010000ffffffffffffffff00'))).toBe('token');
    expect(fault(fromHex('c00000000100000005ffff'))).toBe('length');
    expect(fault(fromHex('c0000000010000 00 ffffffffffffffff'))).toBe('length');
  });

  test('a Retry needs the 16 octets of its tag, and a token (§17.2.5)', () => {
    const head = 'f0000000010000';
    expect(fault(fromHex(`${head}${'00'.repeat(15)}`))).toBe('truncated');
    expect(readRetry(read(fromHex(`${head}${'00'.repeat(16)}`)))).toBeUndefined();
    expect(readRetry(read(fromHex(`${head}${'00'.repeat(17)}`)))?.token.length).toBe(1);
  });

  test('a packet too long for two octets of length is our mistake', () => {
    expect(() => setLength(new Uint8Array(4), 2, 2 + 0x4000)).toThrow(RangeError);
    expect(() => writeLongHeader(ByteWriter.growable(), PacketType.INITIAL, 5, none, none, none, 0, 1)).toThrow(RangeError);
  });
});

describe('short headers (RFC 9000 §17.3)', () => {
  test('what was written is read', () => {
    for (const id of [none, clientId, new Uint8Array(20).fill(9)]) {
      for (const length of [1, 2, 3, 4]) {
        const w = ByteWriter.growable();
        w.zeros(3);
        const offset = writeShortHeader(w, id, 0x01020304, length, 1, 1);
        expect(w.position - 3).toBe(shortHeaderSize(id.length, length));
        expect(w.bytes[3]).toBe(0x40 | 0x20 | 0x04 | (length - 1));
        w.zeros(20);
        const header = read(w.written(), id.length, 3);
        expect(header.type).toBe(PacketType.ONE_RTT);
        expect(header.destinationId).toEqual(id);
        expect(header.packetNumberOffset).toBe(offset);
        expect(header.end).toBe(w.position);
        expect(readPacketNumber(w.bytes, offset, length)).toBe(0x01020304 % 2 ** (8 * length));
      }
    }
  });

  test('key phase and spin bit stand in 0x04 and 0x20', () => {
    for (const [phase, spin, first] of [
      [0, 0, 0x40],
      [1, 0, 0x44],
      [0, 1, 0x60],
    ] as const) {
      const w = ByteWriter.growable();
      writeShortHeader(w, none, 0, 1, phase, spin);
      expect(w.bytes[0]).toBe(first);
    }
  });

  test('an ID that is not all there is a fault', () => {
    expect(fault(fromHex('4001020304'), 5)).toBe('truncated');
    expect(fault(fromHex('4001020304'), 4)).toBe('');
    expect(fault(none)).toBe('truncated');
  });

  test('a record that held a long header shows nothing of it', () => {
    const header = read(fromHex('c0000000010101 01ff 02aabb 4001 00'.replace(/ /g, '')));
    expect(header.token.length).toBe(2);
    const short = fromHex('40112233445566');
    expect(readHeader(short, 0, short.length, 2, header)).toBe('');
    expect([header.version, header.sourceIdLength, header.tokenLength]).toEqual([0, 0, 0]);
    expect(header.sourceId).toEqual(none);
    expect(header.token).toEqual(none);
    expect(toHex(header.destinationId)).toBe('1122');
  });
});

describe('versions that we do not know (RFC 8999)', () => {
  test('the invariants are read, IDs of 255 octets and a fixed bit of 0 included', () => {
    const [d, s] = [new Uint8Array(255).fill(1), new Uint8Array(254).fill(2)];
    const bytes = concat(fromHex('80 1a2a3a4a ff'), d, fromHex('fe'), s, new Uint8Array(9));
    const header = read(bytes);
    expect(header.type).toBe(PacketType.UNKNOWN_VERSION);
    expect(header.version).toBe(0x1a2a3a4a);
    expect(sameBytes(header.destinationId, d)).toBe(true);
    expect(sameBytes(header.sourceId, s)).toBe(true);
    expect(header.end).toBe(bytes.length);
    for (let length = 0; length < bytes.length - 9; length++) expect(fault(bytes.subarray(0, length))).toBe('truncated');
  });

  test('Version Negotiation: what was written is read (RFC 9000 §17.2.1)', () => {
    const [d, s] = [new Uint8Array(255).fill(1), new Uint8Array(3).fill(2)];
    for (const unusedBits of [0, 0x3f, 0xff]) {
      const w = ByteWriter.growable();
      writeVersionNegotiation(w, d, s, [VERSION_1, 0xdadadada, VERSION_2], unusedBits);
      expect(w.bytes[0]! & 0xc0).toBe(0xc0);
      const header = read(w.written());
      expect(header.type).toBe(PacketType.VERSION_NEGOTIATION);
      expect(header.destinationId).toEqual(d);
      expect(header.sourceId).toEqual(s);
      expect(readVersions(header.bytes, header.packetNumberOffset, header.end)).toEqual([VERSION_1, 0xdadadada, VERSION_2]);
    }
  });

  test('the unused bits of Version Negotiation may be anything, the fixed bit too', () => {
    expect(read(fromHex('80 00000000 00 00 00000001')).type).toBe(PacketType.VERSION_NEGOTIATION);
  });

  test('a list of versions that is empty or cut short is none (RFC 8999 §6)', () => {
    const bytes = new Uint8Array(12);
    for (let length = 0; length <= 12; length++) {
      const versions = readVersions(bytes, 0, length);
      if (length > 0 && length % 4 === 0) expect(versions).toHaveLength(length / 4);
      else expect(versions).toBeUndefined();
    }
  });
});

describe('Stateless Reset (RFC 9000 §10.3)', () => {
  test('two fixed bits, what was there before, the token', () => {
    const bytes = new Uint8Array(60).fill(0xee);
    const w = new ByteWriter(bytes, 5);
    writeStatelessReset(w, 41, new Uint8Array(16).fill(7));
    expect(w.position).toBe(46);
    expect(toHex(bytes)).toBe(`${'ee'.repeat(5)}6e${'ee'.repeat(24)}${'07'.repeat(16)}${'ee'.repeat(14)}`);
  });

  test('fewer than 21 octets cannot look like a packet, and must fit', () => {
    expect(() => writeStatelessReset(ByteWriter.growable(), 20, new Uint8Array(16))).toThrow(RangeError);
    expect(() => writeStatelessReset(new ByteWriter(new Uint8Array(20)), 21, new Uint8Array(16))).toThrow(RangeError);
    expect(() => writeStatelessReset(ByteWriter.growable(), 21, new Uint8Array(15))).toThrow(RangeError);
  });
});
