import type { Micros } from '@quiclab/sansio';
import type { ExchangeAccount, ExchangeId, Owner, Piece } from './account.ts';
import { OwnerMap } from './owners.ts';
import { type CarrierReplay, replayCarrier } from './replay.ts';

/**
 * The account of one receiver: which octets came when, and whose they are. EXPERIMENTS §4. A carrier is a sequence of
 * octets that is handed on in order: a QUIC stream, or the whole of a TCP connection.
 *
 * Owners may be named before or after their octets arrive, as the sender frames them or as the receiver decodes them; blame
 * needs the owner of octets that are missing, so everything is worked out at the end, from the log of arrivals.
 */
export class Ledger {
  readonly #carriers = new Map<number, Carrier>();
  readonly #lost = new Map<ExchangeId, Micros[]>();
  readonly #drops: { readonly at: Micros; readonly pieces: readonly Piece[] }[] = [];
  #now: Micros = 0;
  // the carrier that was told of last, which is the next one's most of the time
  #lastId = -1;
  #last: Carrier | undefined = undefined;
  #replays: Map<number, CarrierReplay> | undefined = undefined;

  /** All octets of a carrier belong to one exchange, as on a stream of HTTP/3. To be said before anything else about this carrier. */
  ownCarrier(carrier: number, exchange: ExchangeId): void {
    if (this.#carriers.has(carrier)) throw new Error(`ledger: carrier ${carrier} is known already`);
    this.#carriers.set(carrier, new Carrier(exchange));
    this.#replays = undefined;
  }

  /** A stretch of a carrier belongs to an exchange (its frame headers too) or to the connection, which is also what all else belongs to. */
  onOwner(carrier: number, offset: number, length: number, owner: Owner): void {
    this.#carrier(carrier).owners.assign(offset, offset + length, owner);
    this.#replays = undefined;
  }

  /** Octets came, for the first time or again: the first copy counts. Time must not run backwards. */
  onArrived(now: Micros, carrier: number, offset: number, length: number): void {
    this.#advance(now);
    if (length === 0) return;
    const { arrivals } = this.#carrier(carrier);
    arrivals.times.push(now);
    arrivals.offsets.push(offset);
    arrivals.lengths.push(length);
  }

  /** A link dropped a datagram that carried these stretches. */
  onDropped(now: Micros, pieces: readonly Piece[]): void {
    this.#replays = undefined;
    this.#drops.push({ at: now, pieces });
  }

  /** The run ends: what is blocked still is so until now. */
  close(now: Micros): void {
    this.#advance(now);
  }

  /** The account of every exchange that owns octets, by exchange, then by carrier. */
  exchanges(): ExchangeAccount[] {
    this.#chargeDrops();
    const accounts: ExchangeAccount[] = [];
    for (const [carrier, { accounts: own }] of this.replays())
      for (const account of own) {
        const lostAt = this.#lost.get(account.exchange) ?? [];
        accounts.push({
          exchange: account.exchange,
          carrier,
          bytes: account.bytes,
          firstArrived: account.firstArrived,
          lastDeliverable: account.lastDeliverable,
          intervals: account.intervals,
          blocked: account.blocked,
          blockedByteTime: account.blockedByteTime,
          lateBytes: account.lateBytes,
          lostPackets: lostAt.length,
          lostAt,
        });
      }
    return accounts.sort((a, b) => a.exchange - b.exchange || a.carrier - b.carrier);
  }

  /** Per carrier, when each of its stretches arrived and became deliverable, and the accounts that follow; what `influence` compares. */
  replays(): ReadonlyMap<number, CarrierReplay> {
    this.#replays ??= new Map([...this.#carriers].map(([id, { owners, arrivals }]) => [id, replayCarrier(owners, arrivals, this.#now)]));
    return this.#replays;
  }

  #advance(now: Micros): void {
    if (now < this.#now) throw new Error(`ledger: time runs backwards, from ${this.#now} to ${now}`);
    this.#now = now;
    this.#replays = undefined;
  }

  #carrier(id: number): Carrier {
    if (this.#last !== undefined && id === this.#lastId) return this.#last;
    let carrier = this.#carriers.get(id);
    if (carrier === undefined) {
      carrier = new Carrier('connection');
      this.#carriers.set(id, carrier);
    }
    this.#lastId = id;
    this.#last = carrier;
    return carrier;
  }

  /** A datagram counts once for each exchange that it carried, also where it carried nothing but the end of a stream. */
  #chargeDrops(): void {
    this.#lost.clear();
    for (const { at, pieces } of this.#drops) {
      const carried = new Set<ExchangeId>();
      for (const { carrier, offset, length } of pieces) {
        const owners = this.#carriers.get(carrier)?.owners;
        if (owners === undefined) continue;
        const first = owners.indexOf(offset);
        for (let i = first; i < owners.count && (i === first || owners.start(i) < offset + length); i++) {
          const owner = owners.owner(i);
          if (owner !== 'connection') carried.add(owner);
        }
      }
      for (const exchange of carried) {
        const times = this.#lost.get(exchange);
        if (times === undefined) this.#lost.set(exchange, [at]);
        else times.push(at);
      }
    }
  }
}

class Carrier {
  readonly owners: OwnerMap;
  readonly arrivals: { readonly times: Micros[]; readonly offsets: number[]; readonly lengths: number[] } = {
    times: [],
    offsets: [],
    lengths: [],
  };

  constructor(whole: Owner) {
    this.owners = new OwnerMap(whole);
  }
}
