import type { FrameObserver, HttpOver } from '@quiclab/http-semantics';
import { Http3Connection, type QuicStreams, type StreamEvent } from '@quiclab/http3';
import { SingleConnection } from '@quiclab/http3/single';

/** A page may ask for so many objects at once: the lab never measures this limit by accident. */
export const MOST_EXCHANGES = 1_000;

export interface HttpSetup {
  readonly side: 'client' | 'server';
  readonly transport: QuicStreams;
  readonly observer?: FrameObserver;
}

/** HTTP over a QUIC connection, as the protocol has it that was agreed on. */
export function httpOverQuic(protocol: 'h3' | 'h3-single', setup: HttpSetup): HttpOver<StreamEvent> {
  return protocol === 'h3' ? new Http3Connection(setup) : new SingleConnection({ ...setup, maxExchanges: MOST_EXCHANGES });
}
