import type { DropKind, Fate, LinkPacket } from '@quiclab/impair';
import type { PacketView } from '@quiclab/quic';
import type { Micros } from '@quiclab/sansio';
import type { SegmentView } from '@quiclab/tcp';
import { DatagramWatch } from '../observe/datagram-watch.ts';
import { addressText, type Change, changed } from './changes.ts';
import { bindingOf, type Contents, ContentsCounter } from './contents.ts';
import { Counterparts } from './counterparts.ts';
import type { BoundFate, Direction, Fates } from './fates.ts';
import type { Default, Docket } from './judgement.ts';
import type { Happening } from './parting.ts';

/** Changes that name no datagram of the recorded run, for both links: each is made once, to the first datagram that it is about. */
export class LaterChanges {
  readonly #open: Set<Change>;
  readonly #withFrame = new Map<string, number>(); // how many datagrams have had one, by name; also by link and name

  constructor(changes: readonly Change[]) {
    this.#open = new Set(changes);
  }

  /** Those that came about nothing. */
  get unmet(): string[] {
    return [...this.#open].map(({ kind, address }) => `${kind} ${addressText(address)}`);
  }

  about(link: Direction, contents: Contents, sendings: ContentsCounter): Change[] {
    for (const kind of contents.kinds)
      for (const where of [link, 'either']) {
        const key = `${where}:${kind}`;
        this.#withFrame.set(key, (this.#withFrame.get(key) ?? 0) + 1);
      }
    const found = [...this.#open].filter((change) => this.#isAbout(change, link, contents, sendings));
    for (const change of found) this.#open.delete(change);
    return found;
  }

  #isAbout({ address }: Change, link: Direction, { connection, pieces, kinds }: Contents, sendings: ContentsCounter): boolean {
    if ('index' in address) return false;
    if ('frame' in address) {
      if (address.link !== 'either' && address.link !== link) return false;
      return kinds.includes(address.frame) && this.#withFrame.get(`${address.link}:${address.frame}`) === address.nth;
    }
    const { stream, offset, nth } = address;
    return (
      address.link === link &&
      address.connection === connection &&
      pieces.some((piece) => piece.stream === stream && piece.from <= offset && offset < piece.to) &&
      sendings.timesSent(connection, stream, offset) === nth
    );
  }
}

/**
 * One link of a run: what its datagrams carry, which fate each of them is given, and which it drew.
 * Given fates are those of the recorded run; datagrams without one draw, or pass.
 */
export class FateDesk extends DatagramWatch implements Docket {
  readonly #link: Direction;
  readonly #given: readonly BoundFate[];
  readonly #counterparts: Counterparts | undefined;
  readonly #others: Default | 'draw';
  readonly #later: LaterChanges;
  readonly #happenings: Happening[];
  readonly #contents = new ContentsCounter();
  // by datagram, at [its index − 1]
  readonly #carried: Contents[] = [];
  readonly #fates: (BoundFate | undefined)[] = [];
  readonly #sources: (BoundFate | undefined)[] = []; // the given fate that it met
  readonly #draws = new Map<number, { -readonly [K in keyof BoundFate]: BoundFate[K] }>();
  readonly #unjudged = new Set<number>();

  /** @param given  undefined: a run of its own, in which everything draws */
  constructor(link: Direction, given: Fates | undefined, others: Default, later: LaterChanges, happenings: Happening[]) {
    super();
    this.#link = link;
    this.#given = given?.[link] ?? [];
    this.#counterparts = given && new Counterparts(given[link]);
    this.#others = given === undefined ? 'draw' : others;
    this.#later = later;
    this.#happenings = happenings;
  }

  override packetLeft(connection: number, packet: PacketView): void {
    this.#contents.packet(connection, packet);
  }
  override segmentLeft(connection: number, segment: SegmentView): void {
    this.#contents.segment(connection, segment);
  }

  override entered(now: Micros, { index, size }: LinkPacket): void {
    const contents = this.#contents.entered();
    this.#carried.push(contents);
    const source = this.#counterparts?.of(contents, this.#contents);
    let fate = source === undefined ? undefined : { ...source, index };
    for (const change of this.#later.about(this.#link, contents, this.#contents))
      fate = changed(fate ?? { index, binding: bindingOf(contents) }, change);
    if (fate === undefined && this.#others === 'pass') fate = { index, binding: bindingOf(contents) };
    this.#sources.push(source);
    this.#fates.push(fate);
    this.#happenings.push({ at: now, link: this.#link, index, what: 'enters', detail: size, cause: '' });
  }

  override departed(now: Micros, { index }: LinkPacket, arrivesAt: Micros, copies: number): void {
    this.#happenings.push({
      at: now,
      link: this.#link,
      index,
      what: 'departs',
      detail: arrivesAt,
      cause: copies > 1 ? `${copies} copies` : '',
    });
  }

  override dropped(now: Micros, { index }: LinkPacket, kind: DropKind, cause: string): void {
    if (kind !== 'injected') this.#unjudged.add(index);
    this.#happenings.push({
      at: now,
      link: this.#link,
      index,
      what: 'dropped',
      detail: 0,
      cause: kind === 'queue' ? 'by the queue' : cause,
    });
  }

  given({ index }: LinkPacket): BoundFate | undefined {
    return this.#fates[index - 1];
  }

  drawn({ index }: LinkPacket, { dropped, copies, flipBit, ecn }: Fate, delay: number, keepsOrder: boolean): void {
    let draws = this.#draws.get(index);
    if (draws === undefined) {
      draws = { index, binding: bindingOf(this.#carried[index - 1]!) };
      this.#draws.set(index, draws);
    }
    if (dropped !== '') draws.dropped = dropped;
    if (delay !== 0 && keepsOrder) draws.jitter = (draws.jitter ?? 0) + delay;
    if (delay !== 0 && !keepsOrder) draws.delay = (draws.delay ?? 0) + delay;
    if (copies > 1) draws.extraCopies = copies - 1;
    if (flipBit >= 0) draws.flipBit = flipBit;
    if (ecn >= 0) draws.ecn = ecn as 0 | 1 | 2 | 3;
  }

  /** How many datagrams have no counterpart in the recorded run. */
  get unknown(): number {
    return this.#counterparts === undefined ? 0 : this.#sources.filter((source) => source === undefined).length;
  }

  /** What everything carried, by index − 1. */
  get carried(): readonly Contents[] {
    return this.#carried;
  }

  /** What befell all that was judged; and what was given and met nothing. */
  fates(): BoundFate[] {
    const fates: BoundFate[] = [];
    for (const [i, contents] of this.#carried.entries()) {
      const index = i + 1;
      if (this.#unjudged.has(index) && this.#sources[i] === undefined) continue;
      fates.push(this.#fates[i] ?? this.#draws.get(index) ?? { index, binding: bindingOf(contents) });
    }
    const met = new Set(this.#sources);
    for (const fate of this.#given) if (!met.has(fate)) fates.push({ ...fate, index: 0 });
    return fates;
  }
}
