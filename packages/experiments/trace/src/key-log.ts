import { toHex } from '@quiclab/bytes';
import { Observer } from '@quiclab/quic';

/** One line of an NSS key log (SSLKEYLOGFILE), without its end: label, client random, secret. What Wireshark needs to read a capture. */
export const keyLogLine = (label: string, clientRandom: Uint8Array, secret: Uint8Array): string =>
  `${label} ${toHex(clientRandom)} ${toHex(secret)}`;

/** Hands every secret of a connection to `write` as a line of a key log, line feed included. */
export class KeyLogObserver extends Observer {
  readonly #write: (line: string) => void;

  constructor(write: (line: string) => void) {
    super();
    this.#write = write;
  }

  override secret(label: string, clientRandom: Uint8Array, secret: Uint8Array): void {
    this.#write(`${keyLogLine(label, clientRandom, secret)}\n`);
  }
}
