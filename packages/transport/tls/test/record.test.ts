import { latin1 } from '@quiclab/bytes';
import { nullProtection } from '@quiclab/crypto';
import { nodeProvider } from '@quiclab/crypto/node';
import { describe, expect, test } from 'vitest';
import { clientHandshake, serverHandshake } from '../src/index.ts';
import { RecordKeys } from '../src/record/protection.ts';
import { identities, root } from './certificates.ts';
import { type End, recordsIn, StreamPair, sealed } from './record-pair.ts';
import { simple } from './rfc8448-vectors.ts';

const hex = (octets: Uint8Array): string => Buffer.from(octets).toString('hex');
const secured = (options = {}): StreamPair => new StreamPair(options).run();

describe('RFC 8448 §3, records', () => {
  const keys = (secret: Uint8Array): RecordKeys => new RecordKeys(nodeProvider, 'TLS_AES_128_GCM_SHA256', 'application', secret);
  const counting = Uint8Array.from({ length: 51 }, (_, i) => (i < 50 ? i : 23));
  const clientKeys = keys(simple.clientApplicationSecret);
  const serverKeys = keys(simple.serverApplicationSecret);

  test("the client's Finished (RFC 9846 §5.2)", () => {
    const record = sealed(keys(simple.clientHandshakeSecret), Uint8Array.of(...simple.clientFinished, 22));
    expect(hex(record)).toBe(
      '170303003575ec4dc238cce60b298044a71e219c56cc77b0517fe9b93c7a4bfc44d87f38f80338ac98fc46deb384bd1caeacab6867d726c40546',
    );
  });

  test('application data of both, then close_notify of both (RFC 9846 §5.3, §7.3)', () => {
    expect(hex(sealed(clientKeys, counting))).toBe(
      '1703030043a23f7054b62c94d0affafe8228ba55cbefacea42f914aa66bcab3f2b9819a8a5b46b395bd54a9a20441e2b62974e1f5a6292a2977014bd1e3deae63aeebb21694915e4',
    );
    sealed(serverKeys, Uint8Array.of(...simple.newSessionTicket, 22));
    expect(hex(sealed(serverKeys, counting))).toBe(
      '17030300432e937e11ef4ac740e538ad36005fc4a46932fc3225d05f82aa1b36e30efaf97d90e6dffc602dcb501a59a8fcc49c4bf2e5f0a21c0047c2abf332540dd032e167c2955d',
    );
    expect(hex(sealed(clientKeys, Uint8Array.of(1, 0, 21)))).toBe('1703030013c9872760655666b74d7ff1153efd6db6d0b0e3');
    expect(hex(sealed(serverKeys, Uint8Array.of(1, 0, 21)))).toBe('1703030013b58fd67166ebf599d24720cfbe7efa7a8864a9');
  });
});

describe('a handshake over TCP', () => {
  test('is secured at both ends, with a protocol, and octets arrive in both directions', () => {
    const { client, server } = secured();
    for (const end of [client, server])
      expect(end.of('secured')).toEqual([{ type: 'secured', alpn: 'h2', resumed: false, earlyData: 'none' }]);
    const pair = { client, server };
    expect(client.write('a question')).toBe(10);
    server.receive(pair.client.lower.take());
    expect(server.received).toBe('a question');
    expect(server.write('an answer')).toBe(9);
    client.receive(server.lower.take());
    expect(client.received).toBe('an answer');
  });

  test.each([1, 2, 5, 6, 7, 100, 1_000])('comes to the same in pieces of %i octets', (piece) => {
    const pair = new StreamPair();
    pair.run(piece);
    pair.client.write('x'.repeat(40_000));
    pair.server.receive(pair.client.lower.take(), false, piece);
    expect(pair.server.received.length).toBe(40_000);
  });

  test('looks like TLS 1.2 resumption to middleboxes, if it is to (RFC 9846 §E.4)', () => {
    const types = (options: { readonly compatibility?: boolean }): [number[], number[]] => {
      const { client, server } = secured({ clientOptions: options });
      const sent = (end: End) => end.observer.mapped.filter(({ direction }) => direction === 'sent').map(({ type }) => type);
      return [sent(client), sent(server)];
    };
    expect(types({})).toEqual([
      [22, 20, 22],
      [22, 20, 22],
    ]);
    expect(types({ compatibility: false })).toEqual([
      [22, 22],
      [22, 22],
    ]);
  });

  test('goes through a HelloRetryRequest, with one change_cipher_spec each (RFC 9846 §4.1.4, §E.4)', () => {
    const { client, server } = secured({ client: { groups: ['x25519', 'secp256r1'], keyShares: [] } });
    expect(client.of('secured').length + server.of('secured').length).toBe(2);
    const sent = (end: End) => end.observer.mapped.filter(({ direction }) => direction === 'sent').map(({ type }) => type);
    expect(sent(client)).toEqual([22, 20, 22, 22]);
    expect(sent(server)).toEqual([22, 20, 22, 22]);
  });

  test('the first ClientHello says 0x0301, everything else 0x0303 (RFC 9846 §5.1)', () => {
    const pair = new StreamPair({ client: { groups: ['x25519'], keyShares: [] } });
    pair.client.stream.start(pair.client.now);
    const first = pair.client.lower.take();
    expect(hex(first.subarray(0, 3))).toBe('160301');
    pair.server.receive(first);
    const retry = pair.server.lower.take();
    expect(hex(retry.subarray(0, 3))).toBe('160303');
    pair.client.receive(retry);
    expect(hex(pair.client.lower.take().subarray(0, 9))).toBe('140303000101160303');
  });

  test('needs no application protocol', () => {
    const { client, server } = secured({ clientOptions: { alpn: [] } });
    expect([client, server].map((end) => end.of('secured')[0]!.alpn)).toEqual(['', '']);
    const other = secured({ serverOptions: { alpn: [] } });
    expect([other.client, other.server].map((end) => end.of('secured')[0]!.alpn)).toEqual(['', '']);
  });

  test('ends with no_application_protocol where there is none in common (RFC 7301 §3.2)', () => {
    const { client, server } = secured({ clientOptions: { alpn: ['smtp'] } });
    expect(server.closed).toMatchObject({ clean: false, reason: expect.stringContaining('no_application_protocol') });
    expect(client.closed).toMatchObject({ clean: false, reason: 'the peer sent no_application_protocol' });
    expect(server.lower.finished).toBe(true);
  });

  test('takes a chain that needs several records', () => {
    const { certificate, privateKey } = identities.ed25519;
    const certificates = [certificate, ...Array.from({ length: 30 }, () => root)];
    const pair = secured({
      client: { trust: { verify: false } },
      server: { certificates, privateKey },
      serverOptions: { maxPlaintext: 512 },
    });
    expect(pair.client.of('secured').length).toBe(1);
    expect(pair.client.observer.mapped.filter(({ direction, type }) => direction === 'received' && type === 22).length).toBeGreaterThan(20);
  });

  test('with null protection', () => {
    const provider = nullProtection(nodeProvider);
    const { certificate, privateKey } = identities.ed25519;
    const pair = secured({
      client: { provider },
      server: { provider, certificates: [certificate], privateKey },
      clientOptions: { provider },
      serverOptions: { provider },
    });
    pair.client.write('in the clear');
    const octets = pair.client.lower.take();
    expect(Buffer.from(octets).toString('latin1')).toContain('in the clear');
    const flipped = octets.slice();
    flipped[8]! ^= 1;
    pair.server.receive(flipped);
    expect(pair.server.closed?.reason).toContain('bad_record_mac');
  });

  test('under each suite', () => {
    for (const suite of ['TLS_AES_128_GCM_SHA256', 'TLS_AES_256_GCM_SHA384', 'TLS_CHACHA20_POLY1305_SHA256'] as const) {
      const pair = secured({ client: { suites: [suite] } });
      pair.server.write(suite);
      pair.client.receive(pair.server.lower.take());
      expect(pair.client.received).toBe(suite);
    }
  });
});

describe('records', () => {
  const sizes = (end: End): number[] => recordsIn(end.lower.take()).map(([, length]) => length);

  test('hold 16,384 octets, and the rest (RFC 9846 §5.1)', () => {
    const { client } = secured();
    expect(client.write('x'.repeat(40_000))).toBe(40_000);
    expect(sizes(client)).toEqual([16_384 + 17, 16_384 + 17, 40_000 - 32_768 + 17]);
  });

  test('are as large as fits so many octets, if so asked', () => {
    const { client } = secured({ clientOptions: { maxRecord: 1_460 } });
    client.write('x'.repeat(4_000));
    expect(sizes(client).map((length) => length + 5)).toEqual([1_460, 1_460, 4_000 - 2 * 1_438 + 22]);
  });

  test('are padded, within their limits (RFC 9846 §5.4)', () => {
    const { client, server } = secured({ clientOptions: { padding: () => 1_000 } });
    client.write('x');
    client.write('x'.repeat(16_384));
    const octets = client.lower.take();
    expect(recordsIn(octets).map(([, length]) => length)).toEqual([1 + 17 + 1_000, 16_384 + 17]);
    server.receive(octets);
    expect(server.received.length).toBe(16_385);
    const bounded = secured({ clientOptions: { padding: () => 1_000_000, maxRecord: 600 } });
    bounded.client.write('x');
    expect(recordsIn(bounded.client.lower.take())).toEqual([[23, 595]]);
  });

  test.each([{ maxPlaintext: 0 }, { maxPlaintext: 16_385 }, { maxRecord: 22 }])('cannot be made with %o', (options) => {
    expect(() => new StreamPair({ clientOptions: options })).toThrow('are');
  });

  test('are readable when they are whole, not before (RFC 9846 §5.2)', () => {
    const { client, server } = secured();
    client.write('all or nothing');
    const octets = client.lower.take();
    server.receive(octets.subarray(0, octets.length - 1));
    expect(server.received).toBe('');
    server.receive(octets.subarray(octets.length - 1));
    expect(server.received).toBe('all or nothing');
  });

  test('are mapped to where they lie below, at both ends', () => {
    const { client, server } = secured();
    const before = client.observer.mapped.filter(({ direction }) => direction === 'sent');
    const start = before.reduce((sum, { cipher }) => sum + cipher[1], 0);
    client.write('x'.repeat(20_000));
    server.receive(client.lower.take());
    const expected = [
      { plaintext: [0, 16_384], cipher: [start, 16_406], type: 23 },
      { plaintext: [16_384, 3_616], cipher: [start + 16_406, 3_638], type: 23 },
    ];
    expect(client.observer.mapped.filter(({ type, direction }) => type === 23 && direction === 'sent')).toMatchObject(expected);
    expect(server.observer.mapped.filter(({ type, direction }) => type === 23 && direction === 'received')).toMatchObject(expected);
    const all = server.observer.mapped.filter(({ direction }) => direction === 'received');
    all.forEach(({ cipher }, i) => {
      expect(cipher[0]).toBe(i === 0 ? 0 : all[i - 1]!.cipher[0] + all[i - 1]!.cipher[1]);
    });
  });
});

describe('room', () => {
  test('beyond what the stream below takes, one record is sealed, and no more', () => {
    const { client } = secured();
    client.lower.room = 1_000;
    expect(client.write('x'.repeat(100_000))).toBe(16_384);
    expect(client.write('y')).toBe(0);
    expect(client.lower.take().length).toBe(1_000);
    client.lower.unacknowledged = 300;
    expect(client.stream.unacknowledged).toBe(16_384 + 22 - 1_000 + 300);
    client.lower.room = 15_000;
    client.stream.onTransport(client.now, { type: 'writable' });
    client.settle();
    expect(client.of('writable').length).toBe(0); // there are 406 octets left
    client.lower.room = 1_000;
    client.stream.onTransport(client.now, { type: 'writable' });
    client.settle();
    expect(client.of('writable').length).toBe(1);
    expect(client.write('z'.repeat(10))).toBe(10);
  });

  test('before the handshake is complete there is none; writable says when', () => {
    const pair = new StreamPair();
    expect(pair.client.write('too early')).toBe(0);
    pair.run();
    expect(pair.client.of('writable').length).toBe(1);
  });

  test('of a reader that does not read: one record is opened, what is behind it stays where it is', () => {
    const { client, server } = secured();
    client.write('x'.repeat(50_000));
    server.reading = false;
    server.receive(client.lower.take(), false, 16_406);
    expect(server.of('readable').length).toBe(1);
    expect(server.observer.mapped.filter(({ type, direction }) => type === 23 && direction === 'received').length).toBe(1);
    server.readAll();
    expect(server.received.length).toBe(50_000);
  });
});

describe('keys', () => {
  test('are updated by one side; the other follows if it is asked to (RFC 9846 §4.6.3, §7.2)', () => {
    const pair = secured();
    pair.client.stream.updateKeys(pair.client.now);
    pair.run();
    expect(pair.client.observer.generations).toEqual([
      ['sent', 1],
      ['received', 1],
    ]);
    pair.client.stream.updateKeys(pair.client.now, false);
    pair.run();
    expect(pair.client.observer.generations.slice(2)).toEqual([['sent', 2]]);
    pair.client.write('under the third keys');
    pair.server.write('under the second keys');
    pair.run();
    expect([pair.server.received, pair.client.received]).toEqual(['under the third keys', 'under the second keys']);
  });

  test('cross: both ask, both answer, and each side is two generations on (RFC 9846 §4.6.3)', () => {
    const pair = secured();
    pair.client.stream.updateKeys(pair.client.now);
    pair.server.stream.updateKeys(pair.server.now);
    pair.run();
    expect(pair.client.observer.generations.filter(([direction]) => direction === 'sent').length).toBe(2);
    pair.client.write('a');
    pair.server.write('b');
    pair.run();
    expect([pair.server.received, pair.client.received]).toEqual(['a', 'b']);
  });

  test('are asked for once, until the peer has answered (RFC 9846 §4.6.3)', () => {
    const { client, server } = secured();
    client.stream.updateKeys(client.now);
    client.stream.updateKeys(client.now);
    server.receive(client.lower.take());
    expect(server.observer.generations).toEqual([
      ['received', 1],
      ['received', 2],
      ['sent', 1],
    ]);
  });

  test('are updated before they have sealed too much (RFC 9846 §5.5)', () => {
    const pair = secured({ clientOptions: { keyUpdateAfter: 3 } });
    for (let i = 0; i < 10; i++) pair.client.write(`${i}`);
    pair.run();
    expect(pair.server.received).toBe('0123456789');
    expect(pair.client.observer.generations.map(([, generation]) => generation)).toEqual([1, 2, 3]);
  });
});

describe('the end', () => {
  test('is clean when both have said close_notify, and the streams below are over (RFC 9846 §6.1)', () => {
    const pair = secured();
    const { client, server } = pair;
    client.write('last words');
    client.stream.finish(client.now);
    client.settle();
    expect(client.lower.finished).toBe(true);
    server.receive(client.lower.take(), true);
    expect([server.received, server.fin]).toEqual(['last words', true]);
    expect(server.closed).toBeUndefined();
    expect(server.write('an answer')).toBe(9); // RFC 9846 §6.1: the other direction goes on
    server.stream.finish(server.now);
    client.receive(server.lower.take(), true);
    expect([client.received, client.fin]).toEqual(['an answer', true]);
    client.closedBelow();
    server.closedBelow();
    expect([client.closed, server.closed]).toMatchObject([{ clean: true }, { clean: true }]);
    expect(client.write('nobody hears')).toBe(0);
  });

  test('is not clean where a stream ends without close_notify: it may have been truncated (RFC 9846 §6.1)', () => {
    const { client, server } = secured();
    client.write('and then');
    server.receive(client.lower.take(), true);
    expect(server.received).toBe('and then');
    expect(server.fin).toBe(false);
    expect(server.closed).toMatchObject({ clean: false, reason: expect.stringContaining('without close_notify') });
  });

  test('is not clean in the middle of a record, or of the handshake', () => {
    const { client, server } = secured();
    client.write('cut');
    server.receive(client.lower.take().subarray(0, 10), true);
    expect(server.closed?.clean).toBe(false);
    const early = new StreamPair();
    early.client.stream.start(early.client.now);
    early.client.receive(new Uint8Array(0), true);
    expect(early.client.closed).toMatchObject({ clean: false, reason: expect.stringContaining('during the handshake') });
  });

  test('waits for what has come to be read', () => {
    const { client, server } = secured();
    client.write('unread');
    client.stream.finish(client.now);
    server.stream.finish(server.now);
    server.reading = false;
    server.receive(client.lower.take(), true);
    server.closedBelow();
    expect(server.closed).toBeUndefined();
    server.readAll();
    server.settle();
    expect([server.received, server.fin]).toEqual(['unread', true]);
    expect(server.closed?.clean).toBe(true);
  });

  test('comes at once with a reset', () => {
    const { client } = secured();
    client.closedBelow(false, 'reset by peer');
    expect(client.closed).toMatchObject({ clean: false, reason: 'reset by peer' });
  });

  test('is made by abort, which is told below', () => {
    const { client } = secured();
    client.stream.abort(client.now, 'enough');
    client.settle();
    expect(client.lower.aborted).toBe('enough');
    expect(client.closed).toMatchObject({ clean: false, reason: 'enough' });
  });

  test('by abort comes to the stream below after an alert as well: the peer may never close', () => {
    const { client } = secured();
    client.lower.room = 0;
    client.receive(new Uint8Array(8));
    expect(client.closed?.clean).toBe(false);
    expect(client.lower.aborted).toBeUndefined();
    const { closed } = client;
    client.stream.abort(client.now, 'enough');
    client.lower.room = 100;
    client.settle();
    expect(client.lower.aborted).toBe('enough');
    expect(client.lower.sent).toEqual([]);
    expect(client.closed).toEqual(closed);
  });

  test('by abort is not told to a stream below that is over', () => {
    const { client } = secured();
    client.closedBelow(false, 'reset by peer');
    client.stream.abort(client.now, 'enough');
    expect(client.lower.aborted).toBeUndefined();
  });

  test('finish before the handshake is complete waits for it', () => {
    const pair = new StreamPair();
    pair.client.stream.finish(pair.client.now);
    pair.run();
    expect(pair.server.fin).toBe(true);
  });
});

test('the handshakes are those of a configuration, for as many streams as are wanted', () => {
  const handshake = clientHandshake({ provider: nodeProvider, trust: { ca: [root] } });
  const { certificate, privateKey } = identities.p256;
  const server = serverHandshake({ provider: nodeProvider, certificates: [certificate], privateKey });
  for (let seed = 1; seed < 4; seed++) {
    const pair = new StreamPair({ seed, clientOptions: { handshake }, serverOptions: { handshake: server } }).run();
    pair.client.write(latin1('ok'));
    pair.run();
    expect(pair.server.received).toBe('ok');
  }
});
