import { ByteReader } from '@quiclab/bytes';
import type { Micros } from '@quiclab/sansio';
import { Alert } from './alerts.ts';
import { messageName } from './code-points.ts';
import type { KeySchedule } from './key-schedule.ts';
import { type HandshakeMessage, MessageBuffer } from './message-buffer.ts';
import { type Handshake, type HandshakeStep, type Level, TlsAlert } from './port.ts';

/** What a state reads: messages of these types, at this level. */
export interface Expectation {
  readonly level: Level;
  readonly types: readonly number[];
  /** These are not only unexpected, but forbidden by QUIC. */
  readonly forbidden?: readonly number[];
}

const NONE: readonly number[] = [];

/** What client and server have in common: octets become messages, steps wait to be polled, and the first failure is final. */
export abstract class HandshakeMachine implements Handshake {
  readonly #buffer = new MessageBuffer();
  readonly #steps: HandshakeStep[] = []; // two dozen at most: each state queues its own, no state comes twice, and sessions are counted
  #failure: TlsAlert | undefined = undefined;
  protected localParameters: Uint8Array | undefined = undefined;

  setLocalParameters(data: Uint8Array): void {
    this.localParameters = data.slice();
  }

  receive(now: Micros, level: Level, crypto: Uint8Array): void {
    if (this.#failure !== undefined) throw this.#failure;
    try {
      this.#consume(now, level, new ByteReader(crypto));
    } catch (error) {
      if (error instanceof TlsAlert) this.#failure = error;
      throw error;
    }
  }

  /** After a failure: what was queued before it, so that there are keys to say goodbye with. */
  poll(now: Micros): HandshakeStep | undefined {
    if (this.#steps.length === 0 && this.#failure === undefined) this.advance(now);
    return this.#steps.shift();
  }

  /** What the present state reads. */
  protected abstract expecting(): Expectation;
  /** One message that the present state expects. */
  protected abstract handle(now: Micros, message: HandshakeMessage): void;
  /** Does what waits for nobody else, once all steps so far were taken. */
  protected abstract advance(now: Micros): void;

  protected emit(step: HandshakeStep): void {
    this.#steps.push(step);
  }

  protected emitSecret(
    level: Level,
    side: 'read' | 'write',
    keys: KeySchedule,
    secret: Uint8Array,
    label: string,
    clientRandom: Uint8Array,
  ): void {
    this.emit({ type: 'secret', level, side, suite: keys.suite, secret, label, clientRandom });
  }

  /**
   * Message by message: each may change the state, and with it the level. What is left of the chunk then has outrun the
   * change of keys, which no message may do (RFC 9846 §5.1; a PROTOCOL_VIOLATION by RFC 9001 §4.1.3).
   */
  #consume(now: Micros, level: Level, chunk: ByteReader): void {
    while (chunk.remaining > 0) {
      const { level: current, types, forbidden = NONE } = this.expecting();
      if (level !== current)
        throw new TlsAlert(Alert.UNEXPECTED_MESSAGE, `${chunk.remaining} octets at level ${level}, while reading ${current}`, true);
      const message = this.#buffer.take(chunk, (type) => {
        if (types.includes(type)) return;
        const wanted = types.map(messageName).join(' or ') || 'nothing';
        throw new TlsAlert(Alert.UNEXPECTED_MESSAGE, `${messageName(type)} where ${wanted} was expected`, forbidden.includes(type));
      });
      if (message !== undefined) this.handle(now, message);
    }
  }
}
