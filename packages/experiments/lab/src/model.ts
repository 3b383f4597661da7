import type { FrameObserver, HttpOver } from '@quiclab/http-semantics';
import { Http3Connection, type QuicStreams, type StreamEvent } from '@quiclab/http3';
import { SingleConnection } from '@quiclab/http3/single';

/** The ways of managing HTTP connections that can be run so far. EXPERIMENTS §1; the others come with later work. */
export const MODELS = ['h3', 'h3-single'] as const;
export type ModelId = (typeof MODELS)[number];

/** The ALPN protocol by which both ends know which model they speak. */
export const ALPN: Readonly<Record<ModelId, string>> = { h3: 'h3', 'h3-single': 'quiclab-single' };

/** A page may ask for so many objects at once: the lab never measures this limit by accident. */
export const MOST_EXCHANGES = 1_000;

export interface HttpSetup {
  readonly side: 'client' | 'server';
  readonly transport: QuicStreams;
  readonly observer?: FrameObserver;
}

/** HTTP over a connection, as the model (or the protocol that was agreed on) has it. */
export function httpFor(model: ModelId, setup: HttpSetup): HttpOver<StreamEvent> {
  return model === 'h3' ? new Http3Connection(setup) : new SingleConnection({ ...setup, maxExchanges: MOST_EXCHANGES });
}
