import { concat } from '@quiclab/bytes';
import { nullProtection } from '@quiclab/crypto';
import { nodeProvider } from '@quiclab/crypto/node';
import type { Policies } from '@quiclab/quic';
import type { Micros } from '@quiclab/sansio';
import { type Handshake, type HandshakeOptions, type HandshakeStep, type Level, TlsAlert } from '@quiclab/tls';

const SUITE = 'TLS_AES_128_GCM_SHA256';
const DECODE_ERROR = 50;
const LABELS = [
  'CLIENT_HANDSHAKE_TRAFFIC_SECRET',
  'SERVER_HANDSHAKE_TRAFFIC_SECRET',
  'CLIENT_TRAFFIC_SECRET_0',
  'SERVER_TRAFFIC_SECRET_0',
] as const;

/**
 * A handshake of the shape of TLS's, without its arithmetic: each message is its length and what it says, the secrets are known to
 * everyone. For tests that need thousands of connections.
 */
export const plainHandshake = (options: HandshakeOptions): Handshake => new PlainHandshake(options);

/** With packets that are as large as real ones, and open to everybody. */
export const plainPolicies: Partial<Policies> = { crypto: nullProtection(nodeProvider), handshake: plainHandshake };

class PlainHandshake implements Handshake {
  readonly #side: 'client' | 'server';
  readonly #steps: HandshakeStep[] = [];
  #buffer: Uint8Array = new Uint8Array(0);
  #parameters: Uint8Array | undefined = undefined;
  #state: 'start' | 'hello' | 'flight' | 'done' = 'start';

  constructor(options: HandshakeOptions) {
    this.#side = options.side;
  }

  setLocalParameters(data: Uint8Array): void {
    this.#parameters = data;
  }

  receive(_now: Micros, level: Level, crypto: Uint8Array): void {
    if (level !== (this.#state === 'start' || this.#state === 'hello' ? 'initial' : this.#state === 'flight' ? 'handshake' : ''))
      throw new TlsAlert(10, 'nothing was expected at this level');
    this.#buffer = concat(this.#buffer, crypto);
    const length = this.#buffer.length < 2 ? Number.POSITIVE_INFINITY : 2 + this.#buffer[0]! * 256 + this.#buffer[1]!;
    if (length > 1_000 && length < Number.POSITIVE_INFINITY) throw new TlsAlert(DECODE_ERROR, `a message of ${length} octets`);
    if (this.#buffer.length < length) return;
    if (this.#buffer.length > length) throw new TlsAlert(10, 'a message too many');
    const message = this.#buffer.slice(2);
    this.#buffer = new Uint8Array(0);
    if (this.#side === 'server') this.#asServer(message);
    else this.#asClient(message);
  }

  poll(): HandshakeStep | undefined {
    if (this.#steps.length === 0 && this.#parameters !== undefined) this.#advance(this.#parameters);
    return this.#steps.shift();
  }

  #advance(parameters: Uint8Array): void {
    if (this.#side === 'client' && this.#state === 'start') {
      this.#send('initial', parameters);
      this.#state = 'hello';
    } else if (this.#side === 'server' && this.#state === 'hello') {
      this.#send('initial', new Uint8Array(90));
      this.#secret('handshake', 'read', 0);
      this.#secret('handshake', 'write', 1);
      this.#send('handshake', parameters);
      this.#secret('application', 'write', 3);
      this.#state = 'flight';
    }
  }

  #asServer(message: Uint8Array): void {
    if (this.#state === 'start') {
      this.#steps.push({ type: 'peer-parameters', data: message });
      this.#state = 'hello';
    } else {
      this.#secret('application', 'read', 2);
      this.#complete();
    }
  }

  #asClient(message: Uint8Array): void {
    if (this.#state === 'hello') {
      this.#secret('handshake', 'write', 0);
      this.#secret('handshake', 'read', 1);
      this.#state = 'flight';
    } else {
      this.#steps.push({ type: 'peer-parameters', data: message });
      this.#secret('application', 'write', 2);
      this.#secret('application', 'read', 3);
      this.#send('handshake', new Uint8Array(32));
      this.#complete();
    }
  }

  #complete(): void {
    this.#steps.push({ type: 'complete', alpn: 'test', earlyData: 'none', resumed: false });
    this.#state = 'done';
  }

  #send(level: Level, message: Uint8Array): void {
    this.#steps.push({ type: 'send', level, data: concat(Uint8Array.of(message.length >> 8, message.length & 0xff), message) });
  }

  #secret(level: Level, side: 'read' | 'write', label: 0 | 1 | 2 | 3): void {
    const secret = new Uint8Array(32).fill(label + 1);
    this.#steps.push({ type: 'secret', level, side, suite: SUITE, secret, label: LABELS[label]!, clientRandom: new Uint8Array(32) });
  }
}
