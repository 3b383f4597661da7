import { type AckSummary, type CongestionController, cubic, newReno, tokenPacer } from '@quiclab/congestion';
import { MILLISECOND, type Micros, SECOND } from '@quiclab/sansio';
import { describe, expect, test } from 'vitest';
import { Flows } from './flows.ts';

/** The default path of INTEROP.md. */
const PATH = { rate: 10_000_000, delay: 15 * MILLISECOND, queue: { packets: 25 } };
const OCTETS = 10 << 20;

/** 10 MiB to a client, every ACK that the controller heard of, and how often the pacer said: later. */
function transfer(make: (maxDatagramSize: number) => CongestionController) {
  const acks: { readonly appLimited: boolean; readonly unsent: boolean }[] = [];
  let waits = 0;
  const flows = new Flows({
    seed: 1,
    up: PATH,
    down: PATH,
    starts: [0],
    octets: OCTETS,
    sendBuffer: OCTETS,
    controller({ maxDatagramSize }) {
      const controller = make(maxDatagramSize);
      const { onAck } = controller;
      controller.onAck = (now, ack: AckSummary, rtt) => {
        const { bytesSent = 0 } = flows.flows[0]?.sender.stats() ?? {};
        acks.push({ appLimited: ack.appLimited, unsent: bytesSent < OCTETS });
        onAck.call(controller, now, ack, rtt);
      };
      return controller;
    },
    policies: {
      pacer: ({ maxDatagramSize }) => {
        const pacer = tokenPacer({ maxDatagramSize });
        const earliest = (now: Micros, bytes: number, rate: number): Micros => {
          const at = pacer.earliest(now, bytes, rate);
          if (at > now) waits++;
          return at;
        };
        return { earliest, onSent: (...sent) => pacer.onSent(...sent), onMaxDatagramSize: (bytes) => pacer.onMaxDatagramSize(bytes) };
      },
    },
  });
  flows.run(60 * SECOND);
  const flow = flows.flows[0]!;
  expect(flow.octets).toBe(OCTETS);
  return { kilobits: (8 * OCTETS * 1_000) / (flow.lastPacketAt - flow.firstPacketAt), acks, waits };
}

describe('10 MiB over the default path, 10 Mbit/s, from the first 1-RTT packet at the client to the last', () => {
  // 9,503 kbit/s is what 1,200-octet datagrams leave of 10 Mbit/s (INTEROP.md)
  test('CUBIC brings at least 9,400 kbit/s', () => {
    const { kilobits } = transfer((maxDatagramSize) => cubic({ maxDatagramSize }));
    expect(kilobits).toBeGreaterThan(9_400);
    expect(kilobits).toBeLessThan(9_503);
  });

  test('NewReno at least 9,300', () => {
    expect(transfer((maxDatagramSize) => newReno({ maxDatagramSize })).kilobits).toBeGreaterThan(9_300);
  });
});

test('waiting for the pacer is not being limited by the application (RFC 9002 §7.8)', () => {
  const { acks, waits } = transfer((maxDatagramSize) => cubic({ maxDatagramSize }));
  expect(waits).toBeGreaterThan(100);
  const beforeTheEnd = acks.filter(({ unsent }) => unsent).slice(3); // but for the handshake, in which there was nothing to say yet
  expect(beforeTheEnd.length).toBeGreaterThan(4_000);
  expect(beforeTheEnd.filter(({ appLimited }) => appLimited)).toEqual([]);
  expect(acks.some(({ appLimited }) => appLimited)).toBe(true); // and at the end it is
});
