import type { LinkPacket } from '@quiclab/impair';
import { FlowLog } from '@quiclab/lab/tunnel';
import { expect, test } from 'vitest';

const inTunnel = (protocol: number, payload: Uint8Array): LinkPacket => {
  const bytes = new Uint8Array(22 + 20 + payload.length);
  const view = new DataView(bytes.buffer);
  bytes[22] = 0x45;
  view.setUint16(24, 20 + payload.length);
  bytes[31] = protocol;
  bytes.set(payload, 42);
  return { bytes } as LinkPacket;
};

function segment(sequence: number, length: number, port = 50_000): LinkPacket {
  const tcp = new Uint8Array(32 + length);
  const view = new DataView(tcp.buffer);
  view.setUint16(2, port);
  view.setUint32(4, sequence);
  tcp[12] = 0x80; // eight words of header
  return inTunnel(6, tcp);
}

const datagram = (first: number): LinkPacket => inTunnel(17, Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, first, 1, 2, 3));

test("what TCP's stream grew by while QUIC had the path as well: retransmissions and holes do not count twice, numbers wrap", () => {
  const log = new FlowLog();
  log.delivered(0, segment(0xffff_ff00, 100));
  log.delivered(1, datagram(0xc0)); // a long header is the handshake's
  log.delivered(2, segment(0xffff_ff64, 100));
  log.delivered(3, datagram(0x40));
  log.delivered(4, segment(0xffff_ffc8, 100));
  log.delivered(5, segment(0xffff_ffc8, 100)); // again
  log.delivered(6, segment(0xffff_ff64, 100)); // and older
  log.delivered(7, segment(0x0000_002c + 50, 100)); // behind a hole
  log.delivered(8, datagram(0x41));
  log.delivered(9, segment(0x0000_002c + 150, 100));
  expect(log.flows()).toEqual({ quicFirstAt: 3, quicLastAt: 8, tcpOctets: 250, quicPacket: 32, tcpPacket: 152 });
});

test('without QUIC there is no interval', () => {
  const log = new FlowLog();
  log.delivered(0, segment(1, 100));
  expect(log.flows()).toEqual({ quicFirstAt: -1, quicLastAt: -1, tcpOctets: 0, quicPacket: 0, tcpPacket: 0 });
});
