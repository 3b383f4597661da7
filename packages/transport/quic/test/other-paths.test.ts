import { RangeSet } from '@quiclab/bytes';
import { MILLISECOND } from '@quiclab/sansio';
import { writeAck, writePathResponse, writePing } from '@quiclab/wire';
import { expect, test } from 'vitest';
import { CLIENT, text } from './pair.ts';
import { established, findAll, frames } from './scripted-peer.ts';

const AWAY = { host: CLIENT.host, port: 2_000 };

test('what is lost on the path that the peer has left does not narrow the window of the new one (RFC 9000 §9.4)', () => {
  const { pair, peer, victim } = established('client');
  const stream = victim.openStream('uni')!;
  const before = victim.stats();
  const come = new RangeSet();
  const say = (write: Parameters<typeof frames>[0]): void => pair.receiveOnly('up', peer.packet('application', frames(write)), AWAY);
  say((w) => {
    writePing(w);
    w.zeros(1_000);
  });
  // a client whose NAT has given it another port: what the server sends to the old one, as it must (§9.3.3), is lost
  for (let step = 0; step < 40; step++) {
    victim.write(pair.now, stream, text('x'));
    const left = pair.left.length;
    peer.wait(pair.now + 100 * MILLISECOND);
    for (const { to, bytes } of pair.left.slice(left)) {
      if (to.port !== AWAY.port) continue;
      const packets = peer.open(bytes);
      for (const { packetNumber } of packets) come.add(packetNumber, packetNumber + 1);
      for (const { data } of findAll(packets, 'PATH_CHALLENGE')) say((w) => writePathResponse(w, data));
    }
    say((w) => writeAck(w, come, 0, 256, 1_000, undefined));
  }
  const { paths, packetsLost, congestionWindow, persistentCongestions } = victim.stats();
  expect(paths[0]).toMatchObject({ remote: AWAY, validation: 'validated' });
  expect(packetsLost - before.packetsLost).toBe(3); // a challenge, and two more
  expect(persistentCongestions).toBe(0);
  expect(congestionWindow).toBeGreaterThanOrEqual(before.congestionWindow);
});

test('a probe does not repeat the challenge that was sent there, but what was said here (RFC 9002 §6.2.4)', () => {
  const { pair, peer, victim } = established('client');
  const stream = victim.openStream('uni')!;
  const moved = frames((w) => {
    writePing(w);
    w.zeros(1_000);
  });
  pair.receiveOnly('up', peer.packet('application', moved), AWAY);
  expect(findAll(peer.listen(), 'PATH_CHALLENGE').length).toBe(2);
  victim.write(pair.now, stream, text('said again'));
  peer.listen();
  const probes = victim.stats().probes;
  while (victim.stats().probes === probes) peer.wait(pair.server.nextTimeout());
  const [last] = findAll(peer.heard, 'STREAM').slice(-1);
  expect(findAll(peer.heard, 'STREAM').length).toBeGreaterThan(1);
  expect(last!.data).toEqual(text('said again'));
});
