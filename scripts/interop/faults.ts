/** Faults of peers that were looked into: the evidence goes into the result, which stays failed. */
import type { Result } from './results.ts';

interface KnownFault {
  readonly peer: string;
  readonly case: string;
  readonly role: Result['role'];
  /** What the failure's detail says when it is this one. */
  readonly sign: RegExp;
  readonly evidence: string;
}

const KNOWN: readonly KnownFault[] = [
  {
    peer: 'quic-go',
    case: 'amplificationlimit',
    role: 'client',
    sign: /the server had sent 3840 octets after 1200/,
    evidence:
      'quic-go asks before a datagram whether the limit is reached, not whether the datagram fits below it (sentPacketHandler.isAmplificationLimited), and sends 1,280 octets each: three answer our 1,200',
  },
  ...(['rebind-port', 'rebind-addr'] as const).map(
    (name): KnownFault => ({
      peer: 'quiche',
      case: name,
      role: 'client',
      sign: /nothing was heard for the idle timeout; file-1 did not arrive/,
      evidence:
        'quiche keeps a record of what is in flight for each path, and takes for lost what lies below the largest acknowledged of the same path (recovery/congestion/recovery.rs, detect_lost_packets): of the last packets to the old address, lost when it changes, none is sent again, and the connection waits for their octets with DATA_BLOCKED. It depends on the instant of the change',
    }),
  ),
];

export function withEvidence(result: Result): Result {
  const fault = KNOWN.find(
    (known) => known.peer === result.peer && known.case === result.case && known.role === result.role && known.sign.test(result.detail),
  );
  return fault === undefined || result.outcome !== 'failed' ? result : { ...result, peersFault: fault.evidence };
}
