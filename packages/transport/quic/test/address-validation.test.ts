import { nodeProvider } from '@quiclab/crypto/node';
import { SECOND, seededRandom } from '@quiclab/sansio';
import { PacketHeader, PacketType, readHeader, TransportErrorCode, VERSION_1, writeNewToken } from '@quiclab/wire';
import { describe, expect, test } from 'vitest';
import { stamp } from '../src/connection/versions.ts';
import { AddressTokens } from '../src/endpoint/tokens.ts';
import { breaks } from './breaks.ts';
import { CLIENT, Pair, type PairOptions, SERVER, text } from './pair.ts';
import { established } from './scripted-peer.ts';

const header = (bytes: Uint8Array): PacketHeader => {
  const into = new PacketHeader();
  expect(readHeader(bytes, 0, bytes.length, 8, into)).toBe('');
  return into;
};

/** A pair whose datagrams are noted, and may be changed on their way. */
function noted(
  options: PairOptions,
  change: (direction: string, n: number, bytes: Uint8Array) => Uint8Array | undefined = (_d, _n, b) => b,
) {
  const up: Uint8Array[] = [];
  const down: Uint8Array[] = [];
  const pair = new Pair({
    ...options,
    impair(direction, n, bytes) {
      const changed = change(direction, n, bytes);
      (direction === 'up' ? up : down).push(bytes.slice());
      return changed === undefined ? [] : [{ late: 0, bytes: changed }];
    },
  });
  return { pair, up, down };
}

const closeOf = (pair: Pair) => pair.clientEvents.find((event) => event.type === 'closed');
const confirmed = (pair: Pair): boolean => pair.clientEvents.some((event) => event.type === 'handshake-confirmed');

describe('Retry (RFC 9000 §8.1.2, §17.2.5)', () => {
  test('the client comes back with the token, to the new connection ID, and the handshake completes one round trip later', () => {
    const { pair, up, down } = noted({ retry: 'always' });
    pair.handshake();
    expect(confirmed(pair)).toBe(true);
    const retry = header(down[0]!);
    expect(retry.type).toBe(PacketType.RETRY);
    const again = header(up[1]!);
    expect(again.type).toBe(PacketType.INITIAL);
    expect(again.token).toEqual(retry.token);
    expect(again.destinationId).toEqual(retry.sourceId);
    expect(up[1]!.length).toBe(1200);
    // packet numbers go on (§17.2.5.3), and the server has validated the address before anything else
    expect(pair.clientObserver.sent.filter(({ level }) => level === 'initial').map(({ packetNumber }) => packetNumber)).toEqual([0, 1, 2]);
    expect(pair.clientEvents.map((event) => event.type)).toContain('handshake-complete');
    expect(pair.clientObserver.received[0]!.at).toBe(40_000);
  });

  test('no connection is made, and nothing kept, for a client that does not come back', () => {
    const pair = new Pair({ retry: 'always', drop: (direction) => direction === 'down' });
    pair.run(5_000_000);
    expect(pair.server.connections.size).toBe(0);
    expect(pair.datagrams.down).toBeGreaterThan(2);
  });

  test('a lost Retry, or a lost answer to it, only takes longer', () => {
    for (const [direction, nth] of [
      ['down', 1],
      ['up', 2],
      ['down', 2],
    ] as const) {
      const pair = new Pair({ retry: 'always', drop: (way, n) => way === direction && n === nth });
      pair.handshake();
      expect(confirmed(pair), `${direction} ${nth}`).toBe(true);
    }
  });

  test('under load is from retryAbove half-open handshakes on', () => {
    const { down } = (() => {
      const one = noted({ retry: 'under-load', serverConfig: { retryAbove: 0 } });
      one.pair.handshake();
      return one;
    })();
    expect(header(down[0]!).type).toBe(PacketType.RETRY);
    const quiet = noted({ retry: 'under-load', serverConfig: { retryAbove: 1 } });
    quiet.pair.handshake();
    expect(header(quiet.down[0]!).type).toBe(PacketType.INITIAL);
  });

  test('every flipped bit of a Retry makes the client pass it over (RFC 9001 §5.8)', () => {
    const length = (() => {
      const { pair, down } = noted({ retry: 'always' });
      pair.run(15_000);
      return down[0]!.length;
    })();
    for (let bit = 0; bit < 8 * length; bit += 3) {
      const pair = new Pair({
        retry: 'always',
        impair: (direction, n, bytes) => {
          if (direction === 'down' && n === 1) bytes[bit >> 3]! ^= 1 << (bit & 7);
          return [{ late: 0, bytes }];
        },
      });
      pair.run(100_000); // before the first probe timeout
      expect(pair.datagrams.up, `bit ${bit}`).toBe(1);
      expect(closeOf(pair)).toBeUndefined();
    }
  });

  test(`an altered token is answered with INVALID_TOKEN at once${breaks('9000/8.1.2/invalid-token', 'client', TransportErrorCode.INVALID_TOKEN)}`, () => {
    const { pair } = noted({ retry: 'always' }, (direction, n, bytes) => {
      // the token as the server made it, taken from another connection's Retry: authentic, but for another connection ID
      if (direction === 'up' && n === 2) return undefined;
      return bytes;
    });
    pair.run(15_000);
    expect(pair.server.connections.size).toBe(0);
    // the server's own keys: its random is the pair's
    const tokens = new AddressTokens(nodeProvider, seededRandom(1).fork('server').fork('address-tokens'));
    const token = tokens.forRetry(0, CLIENT, VERSION_1, new Uint8Array(8), new Uint8Array(8));
    const stale = new Pair({ retry: 'always', token: stamp(VERSION_1, token) });
    stale.run(1_000_000);
    expect(closeOf(stale)).toMatchObject({ cause: { kind: 'peer-transport', code: TransportErrorCode.INVALID_TOKEN } });
    expect(stale.server.connections.size).toBe(0);
  });
});

describe('tokens (RFC 9000 §8.1.3, §8.1.4)', () => {
  const make = () => new AddressTokens(nodeProvider, seededRandom(1).fork('tokens'));
  const id = (octet: number) => new Uint8Array(8).fill(octet);

  test('a Retry token opens for its address, and gives the connection IDs back', () => {
    const tokens = make();
    const token = tokens.forRetry(5, CLIENT, VERSION_1, id(1), id(2));
    expect(tokens.open(6, token, CLIENT, VERSION_1)).toEqual({ kind: 'retry', originalDestination: id(1), retrySource: id(2) });
    expect(tokens.open(6, token, SERVER, VERSION_1)).toEqual({ kind: 'invalid-retry' });
    expect(tokens.open(6, token, { ...CLIENT, port: 7 }, VERSION_1)).toEqual({ kind: 'invalid-retry' });
    expect(tokens.open(31 * SECOND, token, CLIENT, VERSION_1)).toEqual({ kind: 'invalid-retry' });
  });

  test('a token of NEW_TOKEN is good once, from any port of its address, for a day', () => {
    const tokens = make();
    const token = tokens.forNextConnection(0, CLIENT, VERSION_1);
    expect(tokens.open(1, token, { ...CLIENT, port: 9 }, VERSION_1)).toEqual({ kind: 'new-token' });
    expect(tokens.open(2, token, CLIENT, VERSION_1)).toEqual({ kind: 'unknown' });
    const another = tokens.forNextConnection(0, CLIENT, VERSION_1);
    expect(tokens.open(1, another, SERVER, VERSION_1)).toEqual({ kind: 'unknown' });
    expect(tokens.open(25 * 3600 * SECOND, another, CLIENT, VERSION_1)).toEqual({ kind: 'unknown' });
    const late = tokens.forNextConnection(23 * 3600 * SECOND, CLIENT, VERSION_1);
    expect(tokens.open(30 * 3600 * SECOND, late, CLIENT, VERSION_1)).toEqual({ kind: 'new-token' });
    expect(tokens.open(31 * 3600 * SECOND, late, CLIENT, VERSION_1)).toEqual({ kind: 'unknown' });
  });

  test('cut short or altered anywhere, it validates nothing', () => {
    const tokens = make();
    for (const token of [tokens.forRetry(5, CLIENT, VERSION_1, id(1), id(2)), tokens.forNextConnection(5, CLIENT, VERSION_1)]) {
      for (let length = 0; length < token.length; length++)
        expect(tokens.open(6, token.slice(0, length), CLIENT, VERSION_1).kind).toMatch(/invalid-retry|unknown/);
      for (let bit = 0; bit < 8 * token.length; bit++) {
        const altered = token.slice();
        altered[bit >> 3]! ^= 1 << (bit & 7);
        expect(tokens.open(6, altered, CLIENT, VERSION_1).kind).toMatch(/invalid-retry|unknown/);
      }
    }
  });

  test('a client gets one with its first connection, and is spared the Retry of the next', () => {
    const first = new Pair({ retry: 'never' });
    first.handshake();
    first.run(first.now + 100_000);
    const event = first.clientEvents.find((one) => one.type === 'token');
    expect(event).toBeDefined();
    const { pair, down } = noted({ retry: 'always', token: (event as { data: Uint8Array }).data });
    pair.handshake();
    expect(confirmed(pair)).toBe(true);
    expect(header(down[0]!).type).toBe(PacketType.INITIAL);
  });
});

test('a token that comes again, as its packet seemed lost, is handed out once (RFC 9000 §19.7)', () => {
  const { pair, peer } = established('server');
  pair.clientEvents.length = 0;
  for (const token of ['one', 'two', 'one', 'two', 'one']) peer.send('application', (w) => writeNewToken(w, text(token)));
  expect(pair.clientEvents).toEqual(['one', 'two'].map((token) => ({ type: 'token', data: stamp(VERSION_1, text(token)) })));
});
