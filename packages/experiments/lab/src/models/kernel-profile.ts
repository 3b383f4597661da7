import { cubic, tokenPacer, wholeCubic } from '@quiclab/congestion';
import { oneStreamPerPacket } from '@quiclab/streams';
import { lossBasedOptions } from '@quiclab/tcp';
import type { Profile } from './profile.ts';

/** Of an MTU of 1,400, as in the tunnel: 1,348 octets of data beside timestamps. */
const SEGMENT = 1_360;
const ACK_DELAY = 25_000;

/**
 * What `pnpm tunnel` has on sockets, for the same page in virtual time: TCP as Linux has it (its CUBIC and HyStart, its rule for what window may grow,
 * sixteen acknowledgements at once to begin with), HTTP as Node's modules have it (answers framed in turn, whatever their urgency, and
 * handed to a socket that takes all of them; records of 16 KB; the credit that our client asks for), and our QUIC with the very same
 * settings at both ends of both worlds. Written out, so that other profiles may change.
 */
export const KERNEL_PROFILE: Profile = {
  name: 'kernel',
  scheduler: () => oneStreamPerPacket(),
  quic: {
    policies: {
      congestion: ({ maxDatagramSize }) => cubic({ maxDatagramSize }),
      pacer: ({ maxDatagramSize }) => tokenPacer({ maxDatagramSize }),
    },
    config: { datagramSize: 1_200, maxAckDelay: ACK_DELAY },
  },
  tcp: {
    policies: { congestion: (path) => wholeCubic(lossBasedOptions(path)) },
    config: { maxSegmentSize: SEGMENT, quickAcks: 16, windowUse: 'round', sendBuffer: 1 << 26, receiveBuffer: 65_535 },
  },
  records: { maxRecord: 16_384 },
  http2: {
    frameSize: 16_384 + 9,
    streamWindow: 6 << 20,
    maxStreamWindow: 6 << 20,
    connectionWindow: 15 << 20,
    maxConnectionWindow: 15 << 20,
  },
  http3: {}, // our ends on sockets have no table either
  single: {},
  overhead: 28,
};
