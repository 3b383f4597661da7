import type { FrameObserver, HttpOver } from '@quiclab/http-semantics';
import { Http1Client, Http1Server } from '@quiclab/http1';
import { Http2Connection } from '@quiclab/http2';
import { Http3Connection, type QuicStreams, type StreamEvent } from '@quiclab/http3';
import { SingleConnection } from '@quiclab/http3/single';
import { type ByteStream, type ByteStreamEvent, type Micros, NEVER } from '@quiclab/sansio';
import type { Model } from './model.ts';
import type { Profile } from './profile.ts';

/** A page may ask for so many objects at once: the lab never measures this limit by accident. */
export const MOST_EXCHANGES = 1_000;

export interface HttpSetup<Transport> {
  readonly side: 'client' | 'server';
  readonly transport: Transport;
  readonly observer?: FrameObserver;
}

/** HTTP over a QUIC connection. At `h3` whose octets are next is the transport's affair. */
export function httpOverQuic({ protocol }: Model, setup: HttpSetup<QuicStreams>, profile?: Profile): HttpOver<StreamEvent> {
  if (protocol === 'h3') return new Http3Connection({ ...setup, ...profile?.http3 });
  const scheduling = setup.side === 'server' && profile !== undefined ? { ...profile.single, scheduler: profile.scheduler() } : {};
  return new SingleConnection({ ...setup, ...scheduling, maxExchanges: MOST_EXCHANGES });
}

/**
 * HTTP over a byte stream.
 * @param cautious  a client's connection follows one that was lost, and pipelines only when it has answered once
 */
export function httpOverTcp(model: Model, setup: HttpSetup<ByteStream>, profile: Profile | undefined, cautious: boolean): TimedHttp {
  const { protocol, exchanges, persistent, idleTimeout } = model;
  if (protocol === 'h2')
    return new Http2Connection({
      ...setup,
      ...profile?.http2,
      ...(profile !== undefined && { scheduler: profile.scheduler() }),
      maxConcurrentStreams: MOST_EXCHANGES,
    });
  if (setup.side === 'client') return new Http1Client({ ...setup, pipelining: exchanges, cautious, persistent });
  return new Http1Server({
    ...setup,
    scheme: 'https',
    persistent,
    idleTimeout: idleTimeout === 0 ? NEVER : idleTimeout,
    maxPipelined: MOST_EXCHANGES,
  });
}

/** HTTP over a byte stream, with deadlines of its own. */
export interface TimedHttp extends HttpOver<ByteStreamEvent> {
  nextTimeout(): Micros;
  onTimeout(now: Micros): void;
}
