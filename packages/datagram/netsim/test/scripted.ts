import type { Address, Datagram, Machine, Micros } from '@quiclab/sansio';
import { NEVER } from '@quiclab/sansio';

export const CLIENT: Address = { host: '10.0.0.1', port: 50_000 };
export const SERVER: Address = { host: '10.0.0.2', port: 443 };

export interface Received {
  at: Micros;
  text: string;
  local: Address;
  remote: Address;
}

/** A machine that sends what it is told to, notes what it receives, and may answer. */
export class Scripted implements Machine<Received> {
  readonly received: Received[] = [];
  readonly timeouts: Micros[] = [];
  deadline: Micros = NEVER;
  answers = false;
  readonly #outgoing: { payload: Uint8Array; to: Address; from: Address }[] = [];
  readonly #events: Received[] = [];

  say(text: string, to: Address, size = text.length, from: Address = { host: '', port: 0 }): void {
    const payload = new Uint8Array(size);
    for (let i = 0; i < text.length; i++) payload[i] = text.charCodeAt(i);
    this.#outgoing.push({ payload, to, from });
  }

  receive(at: Micros, datagram: Datagram): void {
    const octets = datagram.bytes.subarray(0, datagram.length);
    const zero = octets.indexOf(0);
    const text = String.fromCharCode(...octets.subarray(0, zero < 0 ? octets.length : zero));
    const event = { at, text, local: datagram.local, remote: datagram.remote };
    octets.fill(0xff); // decrypted in place, as it were
    this.received.push(event);
    this.#events.push(event);
    if (this.answers) this.say(`re: ${text}`, datagram.remote);
  }

  nextTimeout(): Micros {
    return this.deadline;
  }

  onTimeout(now: Micros): void {
    this.timeouts.push(now);
    this.deadline = NEVER;
  }

  pollTransmit(_now: Micros, into: Datagram): boolean {
    const next = this.#outgoing.shift();
    if (next === undefined) return false;
    into.bytes.set(next.payload);
    into.length = next.payload.length;
    into.remote = next.to;
    if (next.from.host !== '') into.local = next.from;
    return true;
  }

  pollEvent(): Received | undefined {
    return this.#events.shift();
  }
}
