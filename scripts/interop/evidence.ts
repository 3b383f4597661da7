/** What a relay in the middle can know of a QUIC connection without its keys: the long headers (RFC 8999 §5.1, RFC 9000 §17.2). */

const LONG_HEADER = 0x80;
const TYPE_MASK = 0x30;
const INITIAL = 0x00;
const RETRY = 0x30;
const VERSION_1 = 0x00000001;

export type Requirement = 'one handshake' | 'no Retry';

export class Evidence {
  readonly #clientIds = new Set<string>();
  #retries = 0;
  datagrams = { up: 0, down: 0 };

  /** Looks at the first packet of a datagram: an Initial comes first where there is one, and a Retry is alone. */
  note(direction: 'up' | 'down', datagram: Uint8Array): void {
    this.datagrams[direction]++;
    if (datagram.length < 7 || (datagram[0] & LONG_HEADER) === 0) return;
    const version = new DataView(datagram.buffer, datagram.byteOffset).getUint32(1);
    if (version !== VERSION_1) return;
    const type = datagram[0] & TYPE_MASK;
    if (type === RETRY && direction === 'down') this.#retries++;
    if (type === INITIAL && direction === 'up') this.#clientIds.add(sourceConnectionId(datagram));
  }

  /** Why a requirement does not hold, or undefined when it does. */
  against(requirement: Requirement): string | undefined {
    switch (requirement) {
      case 'one handshake':
        return this.#clientIds.size === 1 ? undefined : `${this.#clientIds.size} handshakes instead of one`;
      case 'no Retry':
        return this.#retries === 0 ? undefined : `the server sent ${this.#retries} Retry packets`;
    }
  }
}

/** A client keeps the connection ID it chose for itself throughout the handshake, so each handshake has one. */
function sourceConnectionId(packet: Uint8Array): string {
  const start = 6 + packet[5]; // flags, version, length of the destination connection ID, that ID
  return Buffer.from(packet.subarray(start + 1, start + 1 + packet[start])).toString('hex');
}
