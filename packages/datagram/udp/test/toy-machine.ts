import { type Address, type Datagram, type Machine, type Micros, NEVER } from '@quiclab/sansio';

/** Sends what `say` was given, returns what it hears if it is an echo, and fires one alarm. */
export class ToyMachine implements Machine<string> {
  readonly heard: string[] = [];
  readonly alarms: Micros[] = [];
  readonly #echo: boolean;
  #alarm: Micros = NEVER;
  readonly #toSend: { readonly bytes: Uint8Array; readonly remote: Address; readonly local?: Address }[] = [];
  readonly #events: string[] = [];

  constructor(role: 'echo' | 'plain') {
    this.#echo = role === 'echo';
  }

  say(text: string, remote: Address): void {
    this.#toSend.push({ bytes: new TextEncoder().encode(text), remote });
  }

  alarmAt(at: Micros): void {
    this.#alarm = at;
  }

  receive(_now: Micros, datagram: Datagram): void {
    const copy = datagram.bytes.slice(0, datagram.length);
    datagram.bytes.fill(0); // the contract allows it
    const text = new TextDecoder().decode(copy);
    this.heard.push(text);
    this.#events.push(text);
    if (this.#echo) this.#toSend.push({ bytes: copy, remote: datagram.remote, local: datagram.local });
  }

  nextTimeout(): Micros {
    return this.#alarm;
  }

  onTimeout(now: Micros): void {
    this.alarms.push(now);
    this.#alarm = NEVER;
    this.#events.push('alarm');
  }

  pollTransmit(_now: Micros, into: Datagram): boolean {
    const next = this.#toSend.shift();
    if (next === undefined) return false;
    into.bytes.set(next.bytes);
    into.length = next.bytes.length;
    into.remote = next.remote;
    if (next.local !== undefined) into.local = next.local;
    return true;
  }

  pollEvent(): string | undefined {
    return this.#events.shift();
  }
}
