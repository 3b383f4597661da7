import { concat, fromHex, toHex } from '@quiclab/bytes';
import {
  type CipherSuite,
  confidentialityLimit,
  hkdfExpandLabel,
  initialSecrets,
  integrityLimit,
  nextSecret,
  packetProtector,
  retryIntegrityTag,
  suiteHash,
  suiteKeyLength,
  TAG_LENGTH,
  trafficKeys,
} from '@quiclab/crypto';
import { nodeProvider } from '@quiclab/crypto/node';
import { describe, expect, test } from 'vitest';
import { clientCrypto, clientInitialV1, clientInitialV2, serverInitialV1, serverInitialV2, serverPayload } from './packet-vectors.ts';

const AES_128: CipherSuite = 'TLS_AES_128_GCM_SHA256';
const CHACHA: CipherSuite = 'TLS_CHACHA20_POLY1305_SHA256';
const destinationId = fromHex('8394c8f03e515708');
const EMPTY = new Uint8Array(0);
const clientPayload = concat(clientCrypto, new Uint8Array(1162 - clientCrypto.length));

const expand = (secret: Uint8Array, label: string, length: number): string =>
  toHex(hkdfExpandLabel(nodeProvider, 'sha256', secret, label, EMPTY, length));

const VERSIONS = [
  {
    title: 'version 1 (RFC 9001 A)',
    version: 1,
    labels: ['quic key', 'quic iv', 'quic hp'],
    client: [
      'c00cf151ca5be075ed0ebfb5c80323c42d6b7db67881289af4008f1f6c357aea',
      '1f369613dd76d5467730efcbe3b1a22d',
      'fa044b2f42a3fd3b46fb255c',
      '9f50449e04a0e810283a1e9933adedd2',
    ],
    server: [
      '3c199828fd139efd216c155ad844cc81fb82fa8d7446fa7d78be803acdda951b',
      'cf3a5331653c364c88f0f379b6067e37',
      '0ac1493ca1905853b0bba03e',
      'c206b8d9b9f0f37644430b490eeaa314',
    ],
    clientHeader: fromHex('c300000001088394c8f03e5157080000449e00000002'),
    clientPacket: clientInitialV1,
    serverHeader: fromHex('c1000000010008f067a5502a4262b50040750001'),
    serverPacket: serverInitialV1,
    retry: fromHex('ff000000010008f067a5502a4262b5746f6b656e04a265ba2eff4d829058fb3f0f2496ba'),
    next: '1223504755036d556342ee9361d253421a826c9ecdf3c7148684b36b714881f9',
    short: '4cfe4189655e5cd55c41f69080575d7999c25a5bfb',
  },
  {
    title: 'version 2 (RFC 9369 A)',
    version: 0x6b3343cf,
    labels: ['quicv2 key', 'quicv2 iv', 'quicv2 hp'],
    client: [
      '14ec9d6eb9fd7af83bf5a668bc17a7e283766aade7ecd0891f70f9ff7f4bf47b',
      '8b1a0bc121284290a29e0971b5cd045d',
      '91f73e2351d8fa91660e909f',
      '45b95e15235d6f45a6b19cbcb0294ba9',
    ],
    server: [
      '0263db1782731bf4588e7e4d93b7463907cb8cd8200b5da55a8bd488eafc37c1',
      '82db637861d55e1d011f19ea71d5d2a7',
      'dd13c276499c0249d3310652',
      'edf6d05c83121201b436e16877593c3a',
    ],
    clientHeader: fromHex('d36b3343cf088394c8f03e5157080000449e00000002'),
    clientPacket: clientInitialV2,
    serverHeader: fromHex('d16b3343cf0008f067a5502a4262b50040750001'),
    serverPacket: serverInitialV2,
    retry: fromHex('cf6b3343cf0008f067a5502a4262b5746f6b656ec8646ce8bfe33952d955543665dcc7b6'),
    next: 'c69374c49e3d2a9466fa689e49d476db5d0dfbc87d32ceeaa6343fd0ae4c7d88',
    short: '5558b1c60ae7b6b932bc27d786f4bc2bb20f2162ba',
  },
] as const;

describe.each(VERSIONS)('the sample packets of QUIC $title', (v) => {
  const secrets = initialSecrets(nodeProvider, v.version, destinationId);

  test('Initial secrets, keys, IVs and header protection keys (A.1)', () => {
    for (const [secret, expected] of [
      [secrets.client, v.client],
      [secrets.server, v.server],
    ] as const) {
      const [key, iv, hp] = v.labels;
      expect([toHex(secret), expand(secret, key, 16), expand(secret, iv, 12), expand(secret, hp, 16)]).toEqual(expected);
    }
  });

  test.each([
    ["the client's Initial (A.2)", secrets.client, v.clientHeader, 4, 2, clientPayload, v.clientPacket],
    ["the server's Initial (A.3)", secrets.server, v.serverHeader, 2, 1, serverPayload, v.serverPacket],
  ] as const)('%s seals and opens', (_, secret, header, numberLength, number, payload, packet) => {
    const keys = trafficKeys(nodeProvider, AES_128, secret, v.version);
    const start = 7; // packets are seldom at the start of their array
    const bytes = concat(new Uint8Array(start), header, payload, new Uint8Array(TAG_LENGTH));
    const payloadStart = start + header.length;
    keys.packet.seal(bytes, start, payloadStart, payloadStart + payload.length, number);
    keys.header.protect(bytes, start, payloadStart - numberLength, numberLength);
    expect(toHex(bytes.subarray(start))).toBe(toHex(packet));

    expect(keys.header.unprotect(bytes, start, payloadStart - numberLength, bytes.length)).toBe(numberLength);
    const end = keys.packet.open(bytes, start, payloadStart, bytes.length, number);
    expect(end).toBe(payloadStart + payload.length);
    expect(toHex(bytes.subarray(start, end))).toBe(toHex(concat(header, payload)));
  });

  test('the integrity tag of a Retry (A.4)', () => {
    const tagStart = v.retry.length - TAG_LENGTH;
    const tag = retryIntegrityTag(nodeProvider, v.version, destinationId, v.retry.subarray(0, tagStart));
    expect(toHex(tag)).toBe(toHex(v.retry.subarray(tagStart)));
  });

  test('a ChaCha20-Poly1305 packet with a short header, and the secret of the next key phase (A.5)', () => {
    const secret = fromHex('9ac312a7f877468ebe69422748ad00a15443f18203a07d6060f688f30f21632b');
    const keys = trafficKeys(nodeProvider, CHACHA, secret, v.version);
    const bytes = concat(fromHex('4200bff401'), new Uint8Array(TAG_LENGTH));
    keys.packet.seal(bytes, 0, 4, 5, 654360564);
    keys.header.protect(bytes, 0, 1, 3);
    expect(toHex(bytes)).toBe(v.short);
    expect(keys.header.unprotect(bytes, 0, 1, bytes.length)).toBe(3);
    expect(keys.packet.open(bytes, 0, 4, bytes.length, 654360564)).toBe(5);
    expect(toHex(bytes.subarray(0, 5))).toBe('4200bff401');
    expect(toHex(nextSecret(nodeProvider, CHACHA, secret, v.version))).toBe(v.next);
  });
});

const SUITES: readonly CipherSuite[] = ['TLS_AES_128_GCM_SHA256', 'TLS_AES_256_GCM_SHA384', 'TLS_CHACHA20_POLY1305_SHA256'];

describe.each(SUITES)('packets protected with %s', (suite) => {
  const secret = new Uint8Array(suiteHash(suite) === 'sha256' ? 32 : 48).fill(9);
  const keys = trafficKeys(nodeProvider, suite, secret, 1);
  const sealed = (packetNumber: number): Uint8Array => {
    const bytes = concat(fromHex('4100000000000000000001'), new Uint8Array(40).fill(5), new Uint8Array(TAG_LENGTH));
    keys.packet.seal(bytes, 0, 11, 51, packetNumber);
    return bytes;
  };

  test('what was altered anywhere does not open, and is left as it came', () => {
    for (let i = 0; i < 67; i++) {
      const bytes = sealed(1);
      bytes[i] ^= 0x10;
      const before = toHex(bytes);
      expect(keys.packet.open(bytes, 0, 11, bytes.length, 1)).toBe(-1);
      expect(toHex(bytes)).toBe(before);
    }
    expect(keys.packet.open(sealed(1), 0, 11, 67, 1)).toBe(51);
  });

  test('packet numbers beyond 2^32 take part in the nonce with all their bits (RFC 9001 §5.3)', () => {
    const number = 2 ** 52 + 2 ** 40 + 3;
    expect(keys.packet.open(sealed(number), 0, 11, 67, number)).toBe(51);
    for (const other of [3, 2 ** 40 + 3, 2 ** 52 + 3, number + 1, number - 2 ** 32]) {
      expect(keys.packet.open(sealed(number), 0, 11, 67, other)).toBe(-1);
    }
  });

  test('the keys of the next phase open the next phase only (RFC 9001 §6.1)', () => {
    const next = packetProtector(nodeProvider, suite, nextSecret(nodeProvider, suite, secret, 1), 1);
    const bytes = sealed(8);
    expect(next.open(bytes, 0, 11, 67, 8)).toBe(-1);
    expect(keys.packet.open(bytes, 0, 11, 67, 8)).toBe(51);
  });

  test('less than a tag does not open', () => {
    expect(keys.packet.open(new Uint8Array(40), 0, 11, 11 + 15, 1)).toBe(-1);
    expect(keys.packet.open(new Uint8Array(40), 0, 11, 11, 1)).toBe(-1);
  });

  test('an empty payload seals to a tag and opens to nothing', () => {
    const bytes = concat(fromHex('4100000001'), new Uint8Array(TAG_LENGTH));
    keys.packet.seal(bytes, 0, 5, 5, 1);
    expect(keys.packet.open(bytes, 0, 5, bytes.length, 1)).toBe(5);
  });

  test('header protection needs a whole sample, four octets after the packet number starts (RFC 9001 §5.4.2)', () => {
    const bytes = sealed(1);
    const before = toHex(bytes);
    expect(keys.header.unprotect(bytes, 0, 10, 29)).toBe(0);
    expect(toHex(bytes)).toBe(before);
    keys.header.protect(bytes, 0, 10, 2);
    expect(keys.header.unprotect(bytes, 0, 10, 30)).toBe(2);
    expect(toHex(bytes)).toBe(before);
  });

  test('a seal without room for its tag is a mistake of the caller', () => {
    expect(() => keys.packet.seal(new Uint8Array(40), 0, 5, 25, 1)).toThrow(RangeError);
  });
});

test('key lengths (RFC 9001 §5.1) and usage limits (RFC 9001 §6.6)', () => {
  expect(SUITES.map(suiteKeyLength)).toEqual([16, 32, 32]);
  expect(SUITES.map(suiteHash)).toEqual(['sha256', 'sha384', 'sha256']);
  expect(SUITES.map(confidentialityLimit)).toEqual([2 ** 23, 2 ** 23, Number.MAX_SAFE_INTEGER]);
  expect(SUITES.map(integrityLimit)).toEqual([2 ** 52, 2 ** 52, 2 ** 36]);
});

test('a version without a key schedule is refused', () => {
  expect(() => initialSecrets(nodeProvider, 0x1a2a3a4a, destinationId)).toThrow('0x1a2a3a4a');
});
