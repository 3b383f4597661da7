import { ByteWriter } from '@quiclab/bytes';
import { isReserved, PacketHeader, readHeader, readVersions, VERSION_1, VERSION_2, writeVersionNegotiation } from '@quiclab/wire';
import { describe, expect, test } from 'vitest';
import { Versions } from '../src/connection/versions.ts';
import { Pair } from './pair.ts';

const negotiation = (destination: Uint8Array, source: Uint8Array, versions: readonly number[]): Uint8Array => {
  const writer = ByteWriter.growable();
  writeVersionNegotiation(writer, destination, source, versions, 0);
  return writer.written().slice();
};

/** The IDs in the client's first Initial. */
function ids(pair: Pair): { destination: Uint8Array; source: Uint8Array } {
  pair.settle();
  const header = new PacketHeader();
  const first = pair.left[0]!.bytes;
  expect(readHeader(first, 0, first.length, 8, header)).toBe('');
  return { destination: header.destinationId.slice(), source: header.sourceId.slice() };
}

describe('a server', () => {
  test('answers a version that it does not speak with those that it does, and the client says why it gives up (RFC 9000 §6)', () => {
    const pair = new Pair({ clientConfig: { versions: [VERSION_2] }, serverConfig: { versions: [VERSION_1] } });
    const { destination, source } = ids(pair);
    pair.run(1_000_000);
    const [answer, ...more] = pair.left.filter((left) => left.direction === 'down');
    expect(more).toEqual([]);
    const header = new PacketHeader();
    expect(readHeader(answer!.bytes, 0, answer!.bytes.length, 8, header)).toBe('');
    expect([header.version, header.destinationId, header.sourceId]).toEqual([0, source, destination]);
    const versions = readVersions(header.bytes, header.packetNumberOffset, header.end)!;
    expect(versions[0]).toBe(VERSION_1);
    expect(versions.slice(1).map(isReserved)).toEqual([true]); // RFC 9000 §6.3
    expect(pair.clientEvents).toEqual([{ type: 'closed', cause: { kind: 'version-mismatch', offered: VERSION_2, supported: versions } }]);
    expect(pair.endpointEvents.map((event) => event.type)).toEqual(['active', 'drained']); // and not the other way round
    expect([pair.client.connections.size, pair.server.connections.size]).toEqual([0, 0]);
  });

  test('answers no datagram below 1,200 octets, and no Version Negotiation packet (RFC 9000 §6.1, §14.1)', () => {
    const pair = new Pair();
    const unknown = (length: number, version: number): Uint8Array => {
      const bytes = new Uint8Array(length);
      bytes.set([0xc0, 0, 0, 0, version, 8, 1, 2, 3, 4, 5, 6, 7, 8, 0]);
      return bytes;
    };
    expect(pair.deliver('up', unknown(1_199, 99))).toEqual([]);
    expect(pair.deliver('up', unknown(1_200, 99))).toHaveLength(1);
    expect(pair.deliver('up', unknown(1_200, 0))).toEqual([]);
  });

  test('reads connection IDs of any length in packets of versions that it does not know (RFC 8999 §5.1)', () => {
    const pair = new Pair();
    const bytes = new Uint8Array(1_200).fill(7);
    bytes.set([0xc0, 0, 0, 0, 99, 255]);
    bytes[6 + 255] = 200;
    const [answer] = pair.deliver('up', bytes);
    const header = new PacketHeader();
    expect(readHeader(answer!, 0, answer!.length, 8, header)).toBe('');
    expect([header.destinationIdLength, header.sourceIdLength]).toEqual([200, 255]);
    expect(answer!.length).toBeLessThanOrEqual(1_200);
  });
});

describe('a client ignores a Version Negotiation packet (RFC 9000 §6.2)', () => {
  const others = [0x0a0a_0a0a, 0xff00_001d];
  test.each([
    ['that lists the version it offered', (d: Uint8Array, s: Uint8Array) => negotiation(s, d, [VERSION_1, ...others])],
    ['with another destination connection ID', (d: Uint8Array) => negotiation(new Uint8Array(8), d, others)],
    ['with another source connection ID', (_d: Uint8Array, s: Uint8Array) => negotiation(s, new Uint8Array(8), others)],
    ['with no version at all', (d: Uint8Array, s: Uint8Array) => negotiation(s, d, [])],
    ['that is cut short', (d: Uint8Array, s: Uint8Array) => negotiation(s, d, others).slice(0, -1)],
  ])('%s', (_name, make) => {
    const pair = new Pair();
    const { destination, source } = ids(pair);
    pair.deliver('down', make(destination, source));
    expect(pair.connection.state).toBe('open');
    pair.handshake();
    expect(pair.clientEvents.map((event) => event.type)).toContain('handshake-confirmed');
  });

  test('that comes after anything else was heard', () => {
    const pair = new Pair({ drop: (direction, n) => direction === 'up' && n > 1 });
    const { destination, source } = ids(pair);
    pair.run(25_000);
    pair.deliver('down', negotiation(source, destination, others));
    expect(pair.connection.state).toBe('open');
  });

  test('… but believes one that none of this is true of', () => {
    const pair = new Pair();
    const { destination, source } = ids(pair);
    pair.deliver('down', negotiation(source, destination, others));
    expect(pair.connection.cause).toEqual({ kind: 'version-mismatch', offered: VERSION_1, supported: others });
  });
});

describe('a server that says nothing of versions after Version Negotiation', () => {
  const afterNegotiation = (version: number): Versions => {
    const versions = new Versions(0x1a2a3a4a, [VERSION_2, VERSION_1], undefined);
    versions.restart(version);
    return versions;
  };

  test('may be one that speaks version 1 only: the client goes on (RFC 9368 §8)', () => {
    expect(() => afterNegotiation(VERSION_1).authenticate(undefined)).not.toThrow();
  });

  test('cannot have meant another version: VERSION_NEGOTIATION_ERROR (RFC 9368 §4)', () => {
    expect(() => afterNegotiation(VERSION_2).authenticate(undefined)).toThrow('does not say that it chose version 0x6b3343cf');
  });
});

test('a version that nobody here knows is a mistake of the caller', () => {
  expect(() => new Pair({ version: 0x1234 })).toThrow('QUIC version 0x1234 is not among the versions spoken here');
});
