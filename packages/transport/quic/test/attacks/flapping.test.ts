import { LIMITS } from '@quiclab/quic';
import type { Address } from '@quiclab/sansio';
import { writePathResponse, writePing } from '@quiclab/wire';
import { expect, test } from 'vitest';
import { CLIENT } from '../pair.ts';
import { established, findAll, frames } from '../scripted-peer.ts';

/** A client that is now here, now there, with every packet. RFC 9000 §9.3, §9.4, §21.5. */

const HERE = CLIENT;
const THERE: Address = { host: '10.0.0.77', port: 7 };

/** So many moves within an instant, after both addresses were validated; what the server sends meanwhile, in octets. */
function flap(moves: number) {
  const { pair, peer, victim } = established('client');
  const say = (from: Address, write: Parameters<typeof frames>[0]): void =>
    pair.receiveOnly('up', peer.packet('application', frames(write)), from);
  const answer = (): void => {
    const left = pair.left.length;
    peer.listen();
    for (const { to, bytes } of pair.left.slice(left))
      for (const { data } of findAll(peer.open(bytes), 'PATH_CHALLENGE'))
        say(to.host === HERE.host ? HERE : THERE, (w) => writePathResponse(w, data));
  };
  say(THERE, (w) => {
    writePing(w);
    w.zeros(1_000);
  });
  for (let i = 0; i < 5; i++) answer();
  peer.wait(pair.now + 5_000_000);
  expect(victim.stats().paths.map(({ validation }) => validation)).toEqual(['validated', 'validated']);
  victim.write(pair.now, victim.openStream('uni')!, new Uint8Array(1_000_000));
  const begun = pair.left.length;
  const events = pair.serverEvents.length;
  let challenges = 0;
  for (let i = 0; i < moves; i++) {
    say(i % 2 === 0 ? HERE : THERE, writePing);
    challenges += findAll(peer.listen(), 'PATH_CHALLENGE').length;
  }
  const sent = pair.left.slice(begun);
  return {
    octets: sent.reduce((sum, one) => sum + one.bytes.length, 0),
    challenges,
    moves: pair.serverEvents.slice(events).filter(({ type }) => type === 'path-changed').length,
    remote: victim.remote,
  };
}

test('gets no fresh congestion window with each of them, nor a challenge', () => {
  const few = flap(LIMITS.moves.value);
  const many = flap(50 * LIMITS.moves.value);
  expect(few.moves).toBe(LIMITS.moves.value);
  expect(many.moves).toBe(LIMITS.moves.value);
  expect(many.challenges).toBe(few.challenges);
  expect(few.challenges).toBeLessThanOrEqual(2);
  // nothing but ACKs is sent for the others
  expect(many.octets - few.octets).toBeLessThan(50 * LIMITS.moves.value * 60);
  expect(many.remote).toEqual(few.remote);
});
