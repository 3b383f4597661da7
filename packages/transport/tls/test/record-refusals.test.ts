import { concat, fromHex, latin1 } from '@quiclab/bytes';
import { describe, expect, test } from 'vitest';
import { encodeKeyUpdate } from '../src/messages/key-update.ts';
import { alertName } from '../src/record/index.ts';
import { type End, plain, StreamPair, sealed } from './record-pair.ts';

const HANDSHAKE = 22;
const ALERT = 21;
const DATA = 23;

const secured = (options = {}): StreamPair => new StreamPair(options).run();
const inner = (type: number, content: Uint8Array | string, padding = 0): Uint8Array =>
  concat(typeof content === 'string' ? latin1(content) : content, Uint8Array.of(type), new Uint8Array(padding));

/** What this end says, and says it to its peer, too, before it closes the stream below. */
function expectAlert(end: End, name: string): void {
  expect(end.closed).toMatchObject({ clean: false, reason: expect.stringContaining(name) });
  expect(end.observer.alerts.filter(([direction]) => direction === 'sent').map(([, description]) => alertName(description))).toEqual([
    name,
  ]);
  expect(end.lower.finished).toBe(true);
}

describe('after the handshake, an alert answers', () => {
  const cases: [string, string, (pair: StreamPair) => Uint8Array][] = [
    ['a record that does not open (RFC 9846 §5.2)', 'bad_record_mac', () => plain(DATA, new Uint8Array(40))],
    ['a record too short for a tag (RFC 9846 §5.2)', 'bad_record_mac', () => plain(DATA, new Uint8Array(3))],
    ['an empty record (RFC 9846 §5.2)', 'bad_record_mac', () => plain(DATA, new Uint8Array(0))],
    ['a record that is too long, by its header (RFC 9846 §5.2)', 'record_overflow', () => fromHex('1703034101')],
    ['a plaintext record that is too long, by its header (RFC 9846 §5.1)', 'record_overflow', () => fromHex('1603034001')],
    [
      'more content than a record may hold (RFC 9846 §5.4)',
      'record_overflow',
      (pair) => sealed(pair.forger('client'), inner(DATA, new Uint8Array(16_385))),
    ],
    [
      'content that fits, with padding that does not (RFC 9846 §5.4)',
      'record_overflow',
      (pair) => sealed(pair.forger('client'), inner(DATA, 'x', 16_384)),
    ],
    ['nothing but zeros (RFC 9846 §5.4)', 'unexpected_message', (pair) => sealed(pair.forger('client'), new Uint8Array(100))],
    ['a protected record of no type (RFC 9846 §5)', 'unexpected_message', (pair) => sealed(pair.forger('client'), inner(24, 'heartbeat'))],
    [
      'a protected change_cipher_spec (RFC 9846 §5)',
      'unexpected_message',
      (pair) => sealed(pair.forger('client'), inner(20, Uint8Array.of(1))),
    ],
    ['a change_cipher_spec (RFC 9846 §5)', 'unexpected_message', () => plain(20, Uint8Array.of(1))],
    ['a record of an unknown type (RFC 9846 §5)', 'unexpected_message', () => plain(24, new Uint8Array(5))],
    ['what is no TLS at all', 'unexpected_message', () => latin1('HTTP/1.1 400 Bad Request\r\n')],
    ['an unprotected alert', 'unexpected_message', () => plain(ALERT, Uint8Array.of(2, 40))],
    ['an unprotected handshake message', 'unexpected_message', () => plain(HANDSHAKE, encodeKeyUpdate(false))],
    [
      'an empty handshake record (RFC 9846 §5.1)',
      'unexpected_message',
      (pair) => sealed(pair.forger('client'), inner(HANDSHAKE, new Uint8Array(0))),
    ],
    [
      'an empty alert record (RFC 9846 §5.4)',
      'unexpected_message',
      (pair) => sealed(pair.forger('client'), inner(ALERT, new Uint8Array(0))),
    ],
    ['half an alert (RFC 9846 §5.1)', 'decode_error', (pair) => sealed(pair.forger('client'), inner(ALERT, Uint8Array.of(1)))],
    ['two alerts in one record (RFC 9846 §5.1)', 'decode_error', (pair) => sealed(pair.forger('client'), inner(ALERT, new Uint8Array(4)))],
    [
      'data between the parts of a message (RFC 9846 §5.1)',
      'unexpected_message',
      (pair) => {
        const keys = pair.forger('client');
        return concat(sealed(keys, inner(HANDSHAKE, encodeKeyUpdate(false).subarray(0, 2))), sealed(keys, inner(DATA, 'x')));
      },
    ],
    [
      'a message that goes on after a KeyUpdate (RFC 9846 §5.1)',
      'unexpected_message',
      (pair) => sealed(pair.forger('client'), inner(HANDSHAKE, concat(encodeKeyUpdate(false), Uint8Array.of(4)))),
    ],
    [
      'a KeyUpdate that asks for something unheard of (RFC 9846 §4.6.3)',
      'illegal_parameter',
      (pair) => sealed(pair.forger('client'), inner(HANDSHAKE, fromHex('1800000102'))),
    ],
    [
      'a KeyUpdate of no octets (RFC 9846 §4.6.3)',
      'decode_error',
      (pair) => sealed(pair.forger('client'), inner(HANDSHAKE, fromHex('18000000'))),
    ],
    [
      'the old keys after a KeyUpdate (RFC 9846 §4.6.3)',
      'bad_record_mac',
      (pair) => {
        const keys = pair.forger('client');
        return concat(sealed(keys, inner(HANDSHAKE, encodeKeyUpdate(false))), sealed(keys, inner(DATA, 'x')));
      },
    ],
    [
      'an EndOfEarlyData from a server (RFC 9846 §4.5)',
      'unexpected_message',
      (pair) => sealed(pair.forger('client'), inner(HANDSHAKE, fromHex('05000000'))),
    ],
    [
      'a second time what was said already (RFC 9846 §5.3)',
      'bad_record_mac',
      (pair) => {
        const record = sealed(pair.forger('client'), inner(DATA, 'again'));
        return concat(record, record);
      },
    ],
    [
      'KeyUpdates without end',
      'unexpected_message',
      (pair) => {
        const keys = pair.forger('client');
        return concat(
          ...Array.from({ length: 40 }, () => {
            const record = sealed(keys, inner(HANDSHAKE, encodeKeyUpdate(true)));
            keys.update();
            return record;
          }),
        );
      },
    ],
    [
      'empty records without end',
      'unexpected_message',
      (pair) => {
        const keys = pair.forger('client');
        return concat(...Array.from({ length: 40 }, () => sealed(keys, inner(DATA, '', 10))));
      },
    ],
    [
      'user_canceled without end',
      'unexpected_message',
      (pair) => {
        const keys = pair.forger('client');
        return concat(...Array.from({ length: 40 }, () => sealed(keys, inner(ALERT, Uint8Array.of(1, 90)))));
      },
    ],
  ];
  test.each(cases)('%s', (_what, name, forge) => {
    const pair = secured();
    pair.client.receive(forge(pair));
    expectAlert(pair.client, name);
    pair.server.receive(pair.client.lower.take());
    expect(pair.server.closed?.reason).toBe(`the peer sent ${name}`);
  });
});

describe('before the handshake is over, an alert answers', () => {
  test.each([
    ['application data', 'unexpected_message', plain(DATA, new Uint8Array(40))],
    ['a change_cipher_spec before the ClientHello (RFC 9846 §5)', 'unexpected_message', plain(20, Uint8Array.of(1))],
    ['a request over plain HTTP', 'unexpected_message', latin1('GET / HTTP/1.1\r\n\r\n')],
    ['an empty handshake record (RFC 9846 §5.1)', 'unexpected_message', plain(HANDSHAKE, new Uint8Array(0))],
    ['a KeyUpdate (RFC 9846 §4.6.3)', 'unexpected_message', plain(HANDSHAKE, encodeKeyUpdate(false))],
  ])('%s', (_what, name, octets) => {
    const { server } = new StreamPair();
    server.receive(octets);
    expectAlert(server, name);
  });

  test('a change_cipher_spec that is not the one (RFC 9846 §5)', () => {
    const { client } = new StreamPair();
    client.stream.start(client.now);
    client.receive(plain(20, Uint8Array.of(2)));
    expectAlert(client, 'unexpected_message');
  });

  test('change_cipher_specs without end', () => {
    const { client } = new StreamPair();
    client.stream.start(client.now);
    client.receive(concat(...Array.from({ length: 40 }, () => plain(20, Uint8Array.of(1)))));
    expectAlert(client, 'unexpected_message');
  });

  test("quic_transport_parameters, which are QUIC's alone (RFC 9001 §8.2)", () => {
    const pair = new StreamPair();
    pair.client.stream.start(pair.client.now);
    const record = pair.client.lower.take().slice(0);
    // one more extension at the end of the ClientHello, and every length with it
    const extension = fromHex('00390000');
    const add = (at: number, octets: number): void => {
      let value = 4;
      for (let i = at + octets - 1; i >= at; i--) {
        value += record[i]!;
        record[i] = value & 0xff;
        value >>= 8;
      }
    };
    add(3, 2);
    add(6, 3);
    const sessionId = 5 + 4 + 2 + 32;
    const suites = sessionId + 1 + record[sessionId]!;
    const extensions = suites + 2 + ((record[suites]! << 8) | record[suites + 1]!) + 2;
    add(extensions, 2);
    pair.server.receive(concat(record, extension));
    expectAlert(pair.server, 'unsupported_extension');
  });

  test('a ClientHello whose record is followed by more of it under the next keys (RFC 9846 §5.1)', () => {
    const pair = new StreamPair();
    pair.client.stream.start(pair.client.now);
    const hello = pair.client.lower.take();
    pair.server.receive(plain(HANDSHAKE, concat(hello.subarray(5), Uint8Array.of(20))));
    expectAlert(pair.server, 'unexpected_message');
  });

  test("the client's unprotected alert is understood: it may have no keys yet", () => {
    const pair = new StreamPair();
    pair.client.stream.start(pair.client.now);
    pair.server.receive(pair.client.lower.take());
    pair.server.receive(plain(ALERT, Uint8Array.of(2, 47)));
    expect(pair.server.closed?.reason).toBe('the peer sent illegal_parameter');
  });

  test('another session ID than was sent is an illegal_parameter (RFC 9846 §4.1.3)', () => {
    const pair = new StreamPair();
    pair.client.stream.start(pair.client.now);
    pair.server.receive(pair.client.lower.take());
    const answer = pair.server.lower.take();
    answer[5 + 4 + 2 + 32 + 1]! ^= 1;
    pair.client.receive(answer);
    expectAlert(pair.client, 'illegal_parameter');
  });
});

describe('alerts of the peer', () => {
  test.each([
    [Uint8Array.of(2, 40), 'handshake_failure'],
    [Uint8Array.of(1, 40), 'handshake_failure'], // RFC 9846 §6: whatever the level
    [Uint8Array.of(2, 200), 'alert 200'],
  ])('%o ends the connection (RFC 9846 §6.2)', (alert, name) => {
    const pair = secured();
    pair.client.receive(sealed(pair.forger('client'), inner(ALERT, alert)));
    expect(pair.client.closed).toMatchObject({ clean: false, reason: `the peer sent ${name}` });
    expect(pair.client.lower.aborted).toBeDefined();
    expect(pair.client.lower.take().length).toBe(0);
  });

  test('user_canceled is read over, what follows counts (RFC 9846 §6.1)', () => {
    const pair = secured();
    const keys = pair.forger('client');
    pair.client.receive(concat(sealed(keys, inner(ALERT, Uint8Array.of(1, 90))), sealed(keys, inner(DATA, 'still here'))));
    expect(pair.client.received).toBe('still here');
  });

  test('what comes after close_notify is ignored, and not for ever (RFC 9846 §6.1)', () => {
    const pair = secured();
    const keys = pair.forger('client');
    pair.client.receive(concat(sealed(keys, inner(ALERT, Uint8Array.of(1, 0))), sealed(keys, inner(DATA, 'too late'))));
    expect([pair.client.received, pair.client.fin]).toEqual(['', true]);
    pair.client.receive(new Uint8Array(60_000));
    expect(pair.client.closed).toBeUndefined();
    pair.client.receive(new Uint8Array(60_000));
    expect(pair.client.lower.aborted).toBeDefined();
    expect(pair.client.closed?.clean).toBe(false);
  });
});

test('a flipped bit in the flight of the server ends in one alert, or nowhere, but never in a secured connection (RFC 9846 §6.2)', () => {
  const answerTo = (pair: StreamPair): Uint8Array => {
    pair.client.stream.start(pair.client.now);
    pair.server.receive(pair.client.lower.take());
    return pair.server.lower.take();
  };
  const length = answerTo(new StreamPair()).length;
  for (let at = 0; at < length; at += 3) {
    const pair = new StreamPair();
    const answer = answerTo(pair);
    let start = 0;
    while (start + 5 + ((answer[start + 3]! << 8) | answer[start + 4]!) <= at)
      start += 5 + ((answer[start + 3]! << 8) | answer[start + 4]!);
    if (answer[start] !== 23 && at - start < 3 && at > start) continue; // nobody looks at the version of an unprotected record (RFC 9846 §5.1)
    answer[at]! ^= 0x20;
    pair.client.receive(answer);
    expect(pair.client.of('secured')).toEqual([]);
    const alerts = pair.client.observer.alerts.filter(([direction]) => direction === 'sent');
    expect(alerts.length).toBe(pair.client.closed === undefined ? 0 : 1);
  }
});
