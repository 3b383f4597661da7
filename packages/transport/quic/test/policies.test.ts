import { nodeProvider } from '@quiclab/crypto/node';
import { seededRandom } from '@quiclab/sansio';
import { clientHandshake } from '@quiclab/tls';
import { expect, test } from 'vitest';
import { standardPolicies } from '../src/index.ts';

test.each([
  ['cubic', {}, 0.7], // RFC 9438 §4.6
  ['cubic', { controller: 'cubic' }, 0.7],
  ['newReno', { controller: 'newReno' }, 0.5], // RFC 9002 Appendix B.2
] as const)('the controller is %s with %o', (_name, option, factor) => {
  const handshake = clientHandshake({ provider: nodeProvider, trust: {} });
  const policies = standardPolicies({ random: seededRandom(1), crypto: nodeProvider, handshake, ...option });
  const address = { host: '192.0.2.1', port: 443 };
  const controller = policies.congestion({ local: address, remote: address, maxDatagramSize: 1_200 });
  const rtt = { latest: 40_000, smoothed: 40_000, variation: 0, min: 40_000 };
  controller.onLoss(1_000, { lostBytes: 1_200, largestSentAt: 0, bytesInFlight: 10_800, persistent: false }, rtt);
  const end = { ackedBytes: 1_200, lostBytes: 0, largestSentAt: 1_001, priorInFlight: 10_800, bytesInFlight: 9_600, delivered: 0 };
  controller.onAck(41_000, { ...end, priorDelivered: 0, inFlightAtSend: 0, interval: 0, appLimited: true, sampleAppLimited: true }, rtt);
  expect(controller.congestionWindow).toBe(12_000 * factor);
});
