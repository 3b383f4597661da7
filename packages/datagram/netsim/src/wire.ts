import type { Link } from '@quiclab/impair';
import type { Micros } from '@quiclab/sansio';
import { type Agenda, Entry } from './agenda.ts';
import type { Host } from './host.ts';
import type { WorldStats } from './world.ts';

/** A link and the hosts at its end. */
export class Wire extends Entry {
  readonly link: Link;
  readonly #ends: readonly Host[];
  readonly #owners: ReadonlyMap<string, Host>;
  readonly #agenda: Agenda;
  readonly #stats: WorldStats;

  /** @param owners  whose an IP address is, or was before a NAT gave it another one */
  constructor(link: Link, ends: readonly Host[], owners: ReadonlyMap<string, Host>, agenda: Agenda, stats: WorldStats) {
    super();
    this.link = link;
    this.#ends = ends;
    this.#owners = owners;
    this.#agenda = agenda;
    this.#stats = stats;
  }

  /** After a push, and after what was due: when is the next thing due? */
  reschedule(): void {
    this.#agenda.schedule(this, this.link.nextTimeout());
  }

  /** Each datagram is an input of its own, with a turn of its own, even if several arrive in one instant. */
  override happen(now: Micros): void {
    for (let packet = this.link.poll(now); packet !== undefined; packet = this.link.poll(now)) {
      const end = this.#ends.length === 1 ? this.#ends[0]! : this.#owners.get(packet.to.host)!;
      if (end.deliver(now, packet)) this.#stats.delivered++;
      else this.#stats.unreachable++;
    }
    this.reschedule();
  }
}
