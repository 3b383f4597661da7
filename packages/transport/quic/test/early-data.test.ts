import { SECOND } from '@quiclab/sansio';
import type { HandshakeFactory } from '@quiclab/tls';
import { decodeTransportParameters, encodeTransportParameters, FrameType, TransportErrorCode } from '@quiclab/wire';
import { describe, expect, test } from 'vitest';
import { breaks } from './breaks.ts';
import { type Pair, text } from './pair.ts';
import { afterFirst, serverPolicies } from './resuming.ts';

const complete = (pair: Pair) => pair.clientEvents.find((event) => event.type === 'handshake-complete');

/** Octets of CRYPTO data in Handshake packets of the server. */
const handshakeOctets = (pair: Pair): number =>
  pair.serverObserver.sent
    .filter(({ level }) => level === 'handshake')
    .flatMap(({ frames }) => frames.filter(([type]) => type === FrameType.CRYPTO))
    .reduce((sum, [, , , size]) => sum + size!, 0);

function ask(pair: Pair, question: string): number {
  const id = pair.connection.openStream('bidi')!;
  expect(pair.connection.write(pair.now, id, text(question))).toBe(question.length);
  pair.connection.finish(id);
  return id;
}

describe('resumption (RFC 9001 §4.5)', () => {
  test('a resumed handshake brings no certificate: the server flight is small', () => {
    const { pair, session } = afterFirst();
    const first = handshakeOctets(pair);
    pair.serverObserver.sent.length = 0;
    pair.connect({ session });
    pair.handshake();
    expect(complete(pair)).toMatchObject({ earlyData: 'none' });
    expect(handshakeOctets(pair)).toBeLessThan(first / 2);
  });

  test('what is no session is passed over: the handshake is a full one', () => {
    const { pair } = afterFirst();
    pair.connect({ session: new Uint8Array(100), earlyData: true });
    expect(pair.connection.sendsEarly).toBe(false);
    pair.handshake();
    expect(complete(pair)).toMatchObject({ earlyData: 'none' });
  });
});

describe('0-RTT (RFC 9000 §17.2.3, RFC 9001 §4.6)', () => {
  test('a request leaves with the first flight, and its answer is there after one round trip', () => {
    const { pair, session } = afterFirst();
    const start = pair.now;
    pair.connect({ session, earlyData: true });
    expect(pair.connection.sendsEarly).toBe(true);
    const id = ask(pair, 'early?');
    pair.run(start + 20_000); // one round trip
    expect(pair.serverEvents.find((event) => event.type === 'stream-opened')).toEqual({ type: 'stream-opened', id, early: true });
    expect(pair.readAll(pair.connection, id)).toEqual({ data: 'echo early?', fin: true });
    expect(complete(pair)).toMatchObject({ earlyData: 'accepted' });
    const early = pair.clientObserver.sent.filter(({ level }) => level === 'early');
    expect(early.length).toBe(1);
    expect(early[0]!.datagram).toBe(0); // beside the ClientHello
    expect(early[0]!.frames.every(([type]) => type !== FrameType.ACK && type !== FrameType.CRYPTO)).toBe(true);
  });

  test.each([1, 2, 3])('datagram %i of the client lost: what was early comes all the same, once', (lost) => {
    const { pair, session } = afterFirst();
    const from = pair.datagrams.up;
    pair.options.drop = (direction, n) => direction === 'up' && n === from + lost;
    pair.connect({ session, earlyData: true });
    const ids = ['a', 'b'.repeat(3_000), 'c'].map((question) => ask(pair, question));
    pair.run(pair.now + 5 * SECOND);
    expect(ids.map((id) => pair.readAll(pair.connection, id))).toEqual([
      { data: 'echo a', fin: true },
      { data: expect.stringMatching(/^(echo b+)+$/), fin: true },
      { data: 'echo c', fin: true },
    ]);
  });

  test('rejected early data is said again in 1-RTT, and the application notices nothing (RFC 9001 §4.6.2)', () => {
    const { pair, session } = afterFirst();
    pair.options.serverPolicies = serverPolicies(2); // other ticket keys: the server cannot open it any more
    pair.server = pair.newServer();
    pair.connect({ session, earlyData: true });
    const ids = ['one', 'x'.repeat(20_000), 'three'].map((question) => ask(pair, question));
    pair.run(pair.now + 5 * SECOND);
    expect(complete(pair)).toMatchObject({ earlyData: 'rejected' });
    const answers = ids.map((id) => pair.readAll(pair.connection, id));
    expect(answers.map(({ fin }) => fin)).toEqual([true, true, true]);
    expect(answers[0]!.data).toBe('echo one');
    expect(answers[1]!.data.replaceAll('echo ', '')).toBe('x'.repeat(20_000));
    expect(answers[2]!.data).toBe('echo three');
    expect(pair.serverEvents.filter((event) => event.type === 'stream-opened').every((event) => !('early' in event && event.early))).toBe(
      true,
    );
    expect(pair.connection.stats().bytesInFlight).toBe(0);
  });

  test('rejected, and with lower limits than were remembered: the new ones hold', () => {
    const { pair, session } = afterFirst();
    pair.options.serverPolicies = serverPolicies(2);
    pair.options.serverConfig = { initialMaxData: 4_000, initialMaxStreamData: 3_000, maxStreamsBidi: 1 };
    pair.server = pair.newServer();
    pair.connect({ session, earlyData: true });
    const ids = ['y'.repeat(10_000), 'two', 'three'].map((question) => ask(pair, question));
    pair.run(pair.now + 10 * SECOND);
    expect(complete(pair)).toMatchObject({ earlyData: 'rejected' });
    expect(pair.clientEvents.some((event) => event.type === 'closed')).toBe(false);
    expect(ids.map((id) => pair.readAll(pair.connection, id).data.replaceAll('echo ', ''))).toEqual(['y'.repeat(10_000), 'two', 'three']);
  });

  test('a Retry in between: early data goes again, and is taken', () => {
    const { pair, session } = afterFirst();
    pair.options.retry = 'always';
    pair.server = pair.newServer();
    pair.connect({ session, earlyData: true });
    const id = ask(pair, 'after retry');
    pair.run(pair.now + 5 * SECOND);
    expect(pair.readAll(pair.connection, id)).toEqual({ data: 'echo after retry', fin: true });
  });

  test('limits that are lower than those remembered make the server refuse early data, not break its word (RFC 9000 §7.4.1)', () => {
    const { pair, session } = afterFirst();
    pair.options.serverConfig = { initialMaxData: 10_000 };
    pair.server = pair.newServer();
    pair.connect({ session, earlyData: true });
    const id = ask(pair, 'hello');
    pair.run(pair.now + 5 * SECOND);
    expect(complete(pair)).toMatchObject({ earlyData: 'rejected' });
    expect(pair.readAll(pair.connection, id).data).toBe('echo hello');
  });
});

describe('datagrams in 0-RTT (RFC 9221 §3)', () => {
  const config = { maxDatagramFrameSize: 1_000 };
  const fates = (pair: Pair): string[] =>
    pair.clientEvents.flatMap((event) =>
      event.type === 'datagram-acked' || event.type === 'datagram-lost' ? [`${event.type} ${event.handle}`] : [],
    );
  const heard = (pair: Pair) => pair.serverEvents.filter(({ type }) => type === 'datagram');

  test('the limit that the server gave is remembered; what comes is marked as early', () => {
    const { pair, session } = afterFirst({ config });
    pair.connect({ session, earlyData: true });
    expect(pair.connection.maxDatagramSize).toBe(997);
    expect(pair.connection.sendDatagram(text('early'))).toBe(0);
    pair.run(pair.now + SECOND);
    expect(heard(pair)).toEqual([{ type: 'datagram', data: text('early'), early: true }]);
    expect(fates(pair)).toEqual(['datagram-acked 0']);
  });

  test('the largest one fits a 0-RTT packet', () => {
    const { pair, session } = afterFirst({ config: { maxDatagramFrameSize: 65_535 } });
    pair.connect({ session, earlyData: true });
    expect(pair.connection.sendDatagram(new Uint8Array(pair.connection.maxDatagramSize))).toBe(0);
    pair.settle();
    const early = pair.clientObserver.sent.filter(({ level }) => level === 'early');
    expect(early.map(({ frames }) => frames.map(([type]) => type))).toContainEqual([FrameType.DATAGRAM]);
  });

  test('rejected: what was sent early is lost, what waits and is too large now, too, and the rest leaves in 1-RTT', () => {
    for (const limit of [0, 1_000]) {
      const { pair, session } = afterFirst({ config, clientConfig: { ...config, datagramSendBuffer: 1 << 20 } });
      pair.options.serverPolicies = serverPolicies(2);
      pair.options.serverConfig = { maxDatagramFrameSize: limit };
      pair.server = pair.newServer();
      pair.connect({ session, earlyData: true });
      for (let i = 0; i < 40; i++) expect(pair.connection.sendDatagram(new Uint8Array(900))).toBe(i); // more than the first window
      pair.run(pair.now + 5 * SECOND);
      expect(complete(pair)).toMatchObject({ earlyData: 'rejected' });
      expect(pair.connection.state).toBe('open');
      expect(fates(pair).length).toBe(40);
      const acked = fates(pair).filter((fate) => fate.startsWith('datagram-acked'));
      expect(heard(pair).length).toBe(acked.length);
      if (limit === 0) expect(acked.length).toBe(0);
      else expect(acked.length).toBeGreaterThan(20);
    }
  });

  test(`a server that takes early data and less than it gave has broken its word: PROTOCOL_VIOLATION${breaks('9221/3/reduced', 'client', TransportErrorCode.PROTOCOL_VIOLATION)}`, () => {
    const { pair, session } = afterFirst({ config });
    pair.options.serverPolicies = { handshake: withLess(serverPolicies().handshake) };
    pair.server = pair.newServer();
    pair.connect({ session, earlyData: true });
    pair.run(pair.now + SECOND);
    expect(pair.clientEvents.find(({ type }) => type === 'closed')).toMatchObject({
      cause: { kind: 'local-transport', code: TransportErrorCode.PROTOCOL_VIOLATION },
    });
  });
});

/** Says a smaller max_datagram_frame_size than the endpoint meant to. */
const withLess =
  (factory: HandshakeFactory): HandshakeFactory =>
  (options) => {
    const inner = factory(options);
    return {
      setLocalParameters: (data) =>
        inner.setLocalParameters(encodeTransportParameters({ ...decodeTransportParameters(data, 'server'), maxDatagramFrameSize: 999 })),
      receive: (now, level, crypto) => inner.receive(now, level, crypto),
      poll: (now) => inner.poll(now),
    };
  };
