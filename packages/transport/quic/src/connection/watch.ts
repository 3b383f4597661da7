import type { Micros } from '@quiclab/sansio';
import type { Observer } from '../observer.ts';
import type { Stream } from '../streams/stream.ts';

/**
 * Who watches a connection, for the parts, many of which are not told the time: what they tell of happened at the instant that
 * the connection was given last.
 */
export class Watch {
  now: Micros;
  readonly observer: Observer;
  /** Whether anybody does: what only an observer needs is not made for nobody. */
  readonly on: boolean;

  constructor(now: Micros, observer: Observer, on: boolean) {
    this.now = now;
    this.observer = observer;
    this.on = on;
  }

  /** Tells what has become of a stream's parts since it was asked last. RFC 9000 §3. */
  stream(stream: Stream): void {
    if (!this.on) return;
    const { id, send, receive, sendTold, receiveTold } = stream;
    if (send !== undefined && send.state !== sendTold) {
      stream.sendTold = send.state;
      this.observer.streamState(this.now, id, 'sending', sendTold, send.state);
    }
    if (receive !== undefined && receive.state !== receiveTold) {
      stream.receiveTold = receive.state;
      this.observer.streamState(this.now, id, 'receiving', receiveTold, receive.state);
    }
  }
}
