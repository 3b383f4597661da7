import { LIMITS } from '@quiclab/quic';
import { type Address, SECOND } from '@quiclab/sansio';
import { TransportErrorCode as Code, writeMaxData, writeMaxStreamData, writePing } from '@quiclab/wire';
import { describe, expect, test } from 'vitest';
import { CLIENT, Pair, SERVER } from '../pair.ts';
import { established, findAll, type ReadPacket, ScriptedPeer, writeCrypto, writeStream } from '../scripted-peer.ts';

/** A peer that keeps to every rule, and takes its time. RFC 9000 §21.6. */

const octets = (length: number, value = 0): Uint8Array => new Uint8Array(length).fill(value);
const text = (packets: readonly ReadPacket[], name: string): number => findAll(packets, name).length;

describe('handshakes', () => {
  test('that come to no end are given up after their time, however lively they are, and nothing is kept of them', () => {
    const pair = new Pair();
    pair.settle();
    const peer = new ScriptedPeer(pair, 'client');
    const hello = peer.openOwn(pair.left[0]!.bytes)[0]!.frames.find((frame) => frame.name === 'CRYPTO')!.data;
    peer.send('initial', (w) => writeCrypto(w, 0, hello.subarray(0, 1)));
    const begun = pair.now;
    for (let said = 1; pair.server.connections.size > 0 && said < 1_000; said++) {
      peer.wait(pair.now + SECOND / 2);
      if (pair.server.connections.size > 0) peer.send('initial', (w) => writeCrypto(w, said, hello.subarray(said, said + 1)));
    }
    expect(pair.now - begun).toBe(LIMITS.handshakeTime.value);
    expect(pair.server.nextTimeout()).toBe(Number.POSITIVE_INFINITY);
    expect(pair.serverEvents.at(-1)).toEqual({ type: 'closed', cause: { kind: 'handshake-timeout' } });
  });

  test('by the thousand leave room for who proves its address: from a number on there is a Retry, and an honest client gets in', () => {
    const pair = new Pair({ config: { retryAbove: 20, maxHalfOpen: 50 } });
    pair.settle();
    pair.flying = [];
    for (let i = 0; i < 200; i++) pair.client.connect(0, { remote: SERVER, local: CLIENT, serverName: 'server.test', alpn: ['test'] });
    pair.turnOnly('up').forEach((bytes, i) => {
      const from: Address = { host: `198.51.${i >> 8}.${i & 255}`, port: 7 };
      pair.receiveOnly('up', bytes, from);
    });
    pair.turnOnly('down');
    pair.flying = [];
    expect(pair.server.connections.size).toBe(20);
    const honest = pair.connect();
    pair.run(SECOND / 2);
    expect(honest.handshakeComplete).toBe(true);
    expect(pair.server.connections.size).toBe(21);
    pair.run(40 * SECOND);
    expect(pair.server.connections.size).toBeLessThanOrEqual(1);
  });
});

describe('streams', () => {
  test('that say an octet now and then are as many as the limit, and cost what their octets cost', () => {
    const { pair, peer, victim } = established('client');
    const most = LIMITS.streamsBidi.value;
    for (let n = 0; n < most; n++) peer.send('application', (w) => writeStream(w, 4 * n, 0, octets(1)));
    for (let minute = 1; minute <= 60; minute++) {
      for (let second = 0; second < 60; second += 20) {
        peer.wait(pair.now + 20 * SECOND);
        peer.ackAll();
      }
      peer.send('application', (w) => writeStream(w, 4 * (minute % most), Math.ceil(minute / most), octets(1)));
    }
    expect(victim.stats().openStreams).toBe(most);
    expect(victim.state).toBe('open'); // whether a request may take so long is for the application to say
    peer.send('application', (w) => writeStream(w, 4 * most, 0, octets(1)));
    expect(victim.cause).toMatchObject({ kind: 'local-transport', code: Code.STREAM_LIMIT_ERROR });
  });

  test('whose reader never gives credit hold what the application could write, and no more', () => {
    const { pair, peer, victim } = established('client', { config: { sendBuffer: 100_000 } });
    let held = 0;
    for (let n = 0; n < 20; n++) {
      peer.send('application', (w) => writeStream(w, 4 * n, 0, octets(1), true));
      while (victim.write(pair.now, 4 * n, octets(10_000)) > 0) held += 10_000;
    }
    expect(held).toBeLessThanOrEqual(20 * 100_000);
    const before = pair.left.length;
    // credit one octet at a time: the answers are as small as that, and as rare
    let answered = 0;
    for (let i = 1; i <= 200; i++) {
      const reply = peer.send('application', (w) => {
        writeMaxData(w, (1 << 20) + i);
        writeMaxStreamData(w, 0, (512 << 10) + i);
      });
      answered += text([...reply, ...peer.ackAll()], 'STREAM');
    }
    expect(pair.left.length - before).toBeLessThanOrEqual(2 * 200 + answered);
    expect(victim.stats().bytesInFlight).toBeLessThanOrEqual(victim.stats().congestionWindow);
  });

  test('whose reader acknowledges nothing: what is in flight is a window, probes are ever rarer, and silence ends it (§10.1)', () => {
    const { pair, peer, victim } = established('client');
    victim.write(pair.now, victim.openStream('uni')!, octets(1_000_000));
    const before = pair.left.length;
    const silentFrom = pair.now;
    peer.wait(pair.now + 60 * SECOND);
    expect(victim.cause).toEqual({ kind: 'idle-timeout' });
    expect(pair.server.connections.size).toBe(0);
    const octetsSent = pair.left.slice(before).reduce((sum, { bytes }) => sum + bytes.length, 0);
    expect(octetsSent).toBeLessThan(12_000 + 2 * 10 * 1_200); // ten timeouts, each twice as long as the one before
    expect(pair.left.at(-1)!.at - silentFrom).toBeLessThan(LIMITS.silence.value + SECOND);
  });

  test('… and a sign of life now and then that acknowledges nothing buys no data', () => {
    const { pair, peer, victim } = established('client');
    victim.write(pair.now, victim.openStream('uni')!, octets(1_000_000));
    peer.wait(pair.now + SECOND);
    const before = pair.left.length;
    for (let i = 0; i < 100; i++) {
      peer.send('application', writePing);
      peer.wait(pair.now + 10 * SECOND);
    }
    const octetsSent = pair.left.slice(before).reduce((sum, { bytes }) => sum + bytes.length, 0);
    expect(octetsSent).toBeLessThan(100 * 100 + 2 * 20 * 1_200);
    expect(victim.state).toBe('open');
  });
});
