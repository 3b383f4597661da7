import { TransportErrorCode as Code, FrameType, writeNewConnectionId, writePing } from '@quiclab/wire';
import { describe, expect, test } from 'vitest';
import { breaks, other, SIDES } from './breaks.ts';
import { emptyIdPeer } from './empty-id-peer.ts';
import { find } from './scripted-peer.ts';
import { expectClosed, octets, TOKEN } from './violating.ts';

describe.each(SIDES)('a peer of the %s whose connection ID is empty (RFC 9000 §5.1)', (side) => {
  test('is answered at no connection ID', () => {
    const { peer, victim } = emptyIdPeer(other(side));
    const reply = [1, 2].flatMap(() => peer.send('application', writePing));
    expect([find(reply, 'ACK') !== undefined, reply[0]!.destination.length, victim.state]).toEqual([true, 0, 'open']);
    expect(victim.handshakeComplete).toBe(true);
  });

  test(`can issue no other one (RFC 9000 §19.15)${breaks('9000/19.15/empty', side, Code.PROTOCOL_VIOLATION)}`, () => {
    const { pair, peer, victim } = emptyIdPeer(other(side));
    const reply = peer.send('application', (w) => writeNewConnectionId(w, 1, 0, octets(8), TOKEN));
    expectClosed(pair, peer, victim, reply, Code.PROTOCOL_VIOLATION, FrameType.NEW_CONNECTION_ID);
  });
});

test(`a server whose connection ID is empty has no preferred address (RFC 9000 §18.2)${breaks('9000/18.2/preferred-address-without-ids', 'client', Code.TRANSPORT_PARAMETER_ERROR)}`, () => {
  const preferredAddress = { ipv4: octets(4), ipv4Port: 443, ipv6: TOKEN, ipv6Port: 443, connectionId: octets(8), resetToken: TOKEN };
  const { pair, peer, victim, last } = emptyIdPeer('server', { preferredAddress });
  expectClosed(pair, peer, victim, last, Code.TRANSPORT_PARAMETER_ERROR, FrameType.CRYPTO);
});
