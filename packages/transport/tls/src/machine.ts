import { ByteReader } from '@quiclab/bytes';
import type { Micros } from '@quiclab/sansio';
import { Alert } from './alerts.ts';
import { HandshakeType, messageName } from './code-points.ts';
import type { KeySchedule } from './key-schedule.ts';
import { type HandshakeMessage, MessageBuffer } from './message-buffer.ts';
import { decodeKeyUpdate } from './messages/key-update.ts';
import { type HandshakeStep, type Level, type RecordHandshake, TlsAlert } from './port.ts';

/** What a state reads: messages of these types, at this level. */
export interface Expectation {
  readonly level: Level;
  readonly types: readonly number[];
  /** These are not only unexpected, but forbidden by QUIC. */
  readonly forbidden?: readonly number[];
}

const NONE: readonly number[] = [];

/** What client and server have in common: octets become messages, steps wait to be polled, and the first failure is final. */
export abstract class HandshakeMachine implements RecordHandshake {
  readonly #buffer = new MessageBuffer();
  readonly #steps: HandshakeStep[] = []; // two dozen at most: each state queues its own, no state comes twice, sessions are counted, and after a KeyUpdate `receive` returns
  #failure: TlsAlert | undefined = undefined;
  protected localParameters: Uint8Array | undefined = undefined;

  get midMessage(): boolean {
    return this.#buffer.begun;
  }

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
      if (message === undefined) return;
      if (message.type === HandshakeType.KEY_UPDATE) this.#onKeyUpdate(message, chunk.remaining);
      else this.handle(now, message);
    }
  }

  /** Both sides treat it alike, and only where a state expects it: over TCP, after the handshake (RFC 9846 §4.6.3). */
  #onKeyUpdate(message: HandshakeMessage, left: number): void {
    const requested = decodeKeyUpdate(message.body);
    if (left > 0) throw new TlsAlert(Alert.UNEXPECTED_MESSAGE, `${left} octets after a KeyUpdate, under the keys that it ends`);
    this.emit({ type: 'key-update', requested });
  }
}
