import { fromHex, toHex } from '@quiclab/bytes';
import { nullProtection } from '@quiclab/crypto';
import { nodeProvider } from '@quiclab/crypto/node';
import { type ConnectionIdGenerator, Endpoint, LoadBalancerIds, standardPolicies } from '@quiclab/quic';
import { type Random, SECOND, seededRandom } from '@quiclab/sansio';
import { FrameType } from '@quiclab/wire';
import { describe, expect, test } from 'vitest';
import { clientTls, Pair, text } from './pair.ts';
import { sourceOf } from './scripted-peer.ts';

// draft-ietf-quic-load-balancers

const KEY = fromHex('8f95f09245765f80256934e50c66207f');

/** Draws these octets, whatever is asked for. */
const drawing = (octets: Uint8Array): Random => ({
  uint32: () => 0,
  fill: (bytes) => bytes.set(octets.subarray(0, bytes.length)),
  fork: () => drawing(octets),
  at: () => drawing(octets),
});

const ids = (id: number, serverId: string, nonceLength: number, key?: Uint8Array) =>
  new LoadBalancerIds({ id, serverId: fromHex(serverId), nonceLength, ...(key && { key }) }, nodeProvider);

function generated(generator: LoadBalancerIds, random: Random): Uint8Array {
  const id = new Uint8Array(generator.length);
  generator.generate(id, random);
  return id;
}

describe('connection IDs for load balancers: the vectors of the draft', () => {
  test.each([
    [0, 'c4605e', '4504cc4f', '07c4605e4504cc4f'],
    [1, '350d28b420', '3487d970b0', '2a350d28b4203487d970b0'], // the draft's own is cut short by half an octet
  ])('unencrypted, configuration %i', (id, serverId, nonce, expected) => {
    const generator = ids(id, serverId, nonce.length / 2);
    // without a key, the nonce is what chance puts there
    const made = generated(generator, drawing(fromHex(`00${serverId}${nonce}`)));
    expect(toHex(made)).toBe(expected);
    expect(toHex(generator.serverIdOf(made)!)).toBe(serverId);
  });

  test.each([
    [0, 'ed793a', 'ee080dbf', '0720b1d07b359d3c'],
    [1, 'ed793a51d49b8f5fab65', 'ee080dbf48', '2fcc381bc74cb4fbad2823a3d1f8fed2'],
    [2, 'ed793a51d49b8f5f', 'ee080dbf48c0d1e5', '504dd2d05a7b0de9b2b9907afb5ecf8cc3'],
    [3, 'ed793a51d49b8f5fab', 'ee080dbf48c0d1e55d', '125779c9cc86beb3a3a4a3ca96fce4bfe0cdbc'],
  ])('encrypted, configuration %i', (id, serverId, nonce, expected) => {
    const generator = ids(id, serverId, nonce.length / 2, KEY);
    const made = generated(generator, drawing(fromHex(nonce)));
    expect(toHex(made.subarray(1))).toBe(expected.slice(2));
    if (id < 3) expect(toHex(made)).toBe(expected); // the draft's last has the first octet of a configuration 0
    expect(toHex(generator.serverIdOf(made)!)).toBe(serverId);
  });

  test('the example of §"Encryption Example", whose halves share an octet', () => {
    const generator = ids(0, '31441a', 4, fromHex('fdf726a9893ec05c0632d3956680baf0'));
    expect(toHex(generated(generator, drawing(fromHex('9c69c275'))))).toBe('0767947d29be054a');
  });
});

describe('connection IDs for load balancers', () => {
  test('the first octet says configuration and length, or configuration and nothing', () => {
    const random = seededRandom(1);
    expect(generated(ids(5, '0102', 6), random)[0]).toBe((5 << 5) | 8);
    const silent = new LoadBalancerIds({ id: 5, serverId: fromHex('0102'), nonceLength: 6, encodeLength: false }, nodeProvider);
    const firsts = new Set(Array.from({ length: 200 }, () => generated(silent, random)[0]!));
    expect([...firsts].every((first) => first >>> 5 === 5)).toBe(true);
    expect(firsts.size).toBeGreaterThan(25);
  });

  test.each([
    [1, 4],
    [3, 4],
    [8, 8],
    [15, 4],
    [1, 18],
    [9, 10],
  ])('server ID of %i octets, nonce of %i: never twice the same, and always read back', (serverLength, nonceLength) => {
    for (const key of [undefined, KEY]) {
      const random = seededRandom(7);
      const serverId = new Uint8Array(serverLength);
      random.fill(serverId);
      const generator = ids(2, toHex(serverId), nonceLength, key);
      const seen = new Set<string>();
      for (let i = 0; i < 600; i++) {
        const id = generated(generator, random);
        seen.add(toHex(id));
        expect(toHex(generator.serverIdOf(id)!)).toBe(toHex(serverId));
      }
      expect(seen.size).toBe(600);
    }
  });

  test('an ID of another configuration, or too short a one, is not routable', () => {
    const random = seededRandom(1);
    const made = generated(ids(3, 'aabb', 4, KEY), random);
    expect(ids(2, 'aabb', 4, KEY).serverIdOf(made)).toBeUndefined();
    expect(ids(3, 'aabb', 5, KEY).serverIdOf(made)).toBeUndefined();
  });

  test('null protection has the same IDs: whoever routes need not know', () => {
    const config = { id: 0, serverId: fromHex('ed793a'), nonceLength: 4, key: KEY };
    const generator = new LoadBalancerIds(config, nullProtection(nodeProvider));
    expect(toHex(generated(generator, drawing(fromHex('ee080dbf'))))).toBe('0720b1d07b359d3c');
  });

  test.each([
    ['configuration 7, which is reserved', { id: 7 }],
    ['no server ID', { serverId: new Uint8Array(0) }],
    ['a nonce of 3 octets', { nonceLength: 3 }],
    ['20 octets', { serverId: new Uint8Array(10), nonceLength: 10 }],
    ['a key of 15 octets', { key: new Uint8Array(15) }],
  ])('%s is refused', (_, wrong) => {
    expect(() => new LoadBalancerIds({ id: 0, serverId: new Uint8Array(3), nonceLength: 4, ...wrong }, nodeProvider)).toThrow();
  });
});

describe('an endpoint with a generator of its own', () => {
  test.each(['never', 'always'] as const)('every ID that a server issues is routable; retry: %s', (retry) => {
    const serverIds = ids(1, 'c0ffee', 4, KEY);
    const pair = new Pair({ serverIds, retry }).handshake();
    pair.run(pair.now + SECOND);
    expect(toHex(serverIds.serverIdOf(sourceOf(pair, 'down')!)!)).toBe('c0ffee');
    const said = pair.serverObserver.sent.flatMap(({ frames }) => frames.filter(([type]) => type === FrameType.NEW_CONNECTION_ID));
    expect(said.length).toBe(3);
    const id = pair.connection.openStream('uni')!;
    pair.connection.write(pair.now, id, text('routed'));
    pair.run(pair.now + SECOND);
    expect(pair.readAll(pair.accepted!, id).data).toBe('routed');
  });

  test('IDs in NEW_CONNECTION_ID frames, too', () => {
    const serverIds = ids(1, 'c0ffee', 5, KEY);
    const pair = new Pair({ serverIds });
    const heard: string[] = [];
    const generate = serverIds.generate.bind(serverIds);
    serverIds.generate = (id, random) => {
      generate(id, random);
      heard.push(toHex(serverIds.serverIdOf(id)!));
    };
    pair.handshake();
    expect(heard.length).toBeGreaterThanOrEqual(3);
    expect(new Set(heard)).toEqual(new Set(['c0ffee']));
  });

  test.each([4, 6, 20])('IDs of %i octets, also after a Retry', (length) => {
    const counting: ConnectionIdGenerator = {
      length,
      generate: (id) => {
        id.fill(0);
        id[0] = ++made;
      },
    };
    let made = 0;
    const pair = new Pair({ serverIds: counting, retry: 'always' }).handshake();
    expect(pair.accepted!.handshakeComplete).toBe(true);
    expect(made).toBeGreaterThanOrEqual(4);
  });

  test('an ID that is taken is asked for again', () => {
    let asked = 0;
    const repeating: ConnectionIdGenerator = { length: 8, generate: (id) => void id.fill(asked++ >> 2) };
    const pair = new Pair({ serverIds: repeating }).handshake();
    expect(pair.accepted!.handshakeComplete).toBe(true);
    expect(asked).toBeGreaterThan(4);
  });

  test.each([3, 21, 8.5])('a generator of %d octets is refused', (length) => {
    const policies = standardPolicies({ random: seededRandom(1), crypto: nodeProvider, handshake: clientTls() });
    expect(() => new Endpoint({ policies, connectionIds: { length, generate: () => {} } })).toThrow('octets');
  });
});
