import { cubic, newReno, tokenPacer } from '@quiclab/congestion';
import type { CryptoProvider } from '@quiclab/crypto';
import { ackEverySecond, acksPerRoundTrip, adaptiveThreshold, immediateAcks, Space, standardProbes } from '@quiclab/recovery';
import type { Random } from '@quiclab/sansio';
import { oneStreamPerPacket } from '@quiclab/streams';
import type { HandshakeFactory } from '@quiclab/tls';
import type { Policies } from './config.ts';
import { Observer } from './observer.ts';

/**
 * The policies of RFC 9002, its loss thresholds adapted to reordering (§6.1), with CUBIC (RFC 9438) and HyStart++ (RFC 9406) as controller, and everything else as given; spread
 * it and replace what an experiment is about.
 */
export function standardPolicies(given: {
  readonly random: Random;
  readonly crypto: CryptoProvider;
  readonly handshake: HandshakeFactory;
  /** The other one is that of RFC 9002 itself. */
  readonly controller?: 'cubic' | 'newReno';
}): Policies {
  const { random, crypto, handshake, controller = 'cubic' } = given;
  return {
    random,
    crypto,
    handshake,
    observer: () => SILENT,
    congestion: ({ maxDatagramSize }) => (controller === 'cubic' ? cubic({ maxDatagramSize }) : newReno({ maxDatagramSize })),
    pacer: ({ maxDatagramSize }) => tokenPacer({ maxDatagramSize }),
    lossDetector: () => adaptiveThreshold(),
    probes: standardProbes,
    ackPolicy: (space) => (space === Space.APPLICATION ? ackEverySecond({}) : immediateAcks),
    ackRequests: () => acksPerRoundTrip(),
    scheduler: () => oneStreamPerPacket(),
  };
}

const SILENT = new Observer();
