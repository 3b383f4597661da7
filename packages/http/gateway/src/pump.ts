import { concat } from '@quiclab/bytes';
import type { Fields } from '@quiclab/http-semantics';
import type { Micros } from '@quiclab/sansio';
import type { Hop } from './hop.ts';

const EMPTY = new Uint8Array(0);

/**
 * Carries the content of one message from one hop to the other. One piece at a time: while the one hop does not take it, the other is
 * not read, and holds its sender back.
 */
export class Pump {
  #source: Hop | undefined = undefined;
  #sourceId = -1;
  #sink: Hop | undefined = undefined;
  #sinkId = -1;
  #held: Uint8Array = EMPTY;
  #at = 0;
  /** What was taken, while it may have to be said again; undefined: that is too much. */
  #sent: Uint8Array[] | undefined = undefined;
  #replayLeft = 0;
  /** Octets that are read while there is no sink. */
  readonly #gathers: number;
  #trailers: Fields = [];
  /** All content was read; and then, too, what the source had to tell with it. */
  #readOut = false;
  #toldOut = false;
  /** The message is complete at the sink, or nobody wants the rest of it. */
  done = false;
  /** It waits for the source, not for the sink. */
  starved = true;
  /** Octets that the sink took. */
  octets = 0;

  /** Carries on both its pumps, and what follows from that. */
  readonly carry: (now: Micros) => void;

  /**
   * @param carry  called when this pump has got further by what its source told
   * @param maxReplay  octets to keep so that `rewind` is possible
   */
  constructor(carry: (now: Micros) => void, maxReplay = 0) {
    this.carry = carry;
    this.#replayLeft = maxReplay;
    this.#gathers = Math.max(1, maxReplay);
    if (maxReplay > 0) this.#sent = [];
  }

  from(source: Hop, id: number): void {
    this.#source = source;
    this.#sourceId = id;
  }

  /** Content of our own: there is no source. */
  give(content: Uint8Array): void {
    this.#source = undefined;
    this.#held = content;
    this.#at = 0;
    this.#readOut = true;
    this.#toldOut = true;
    this.#trailers = [];
  }

  into(sink: Hop, id: number): void {
    this.#sink = sink;
    this.#sinkId = id;
  }

  onTrailers(fields: Fields): void {
    this.#trailers = fields;
  }

  /** All of the source's message is here, its trailers among it, or with the sink. */
  get complete(): boolean {
    return this.done || this.#toldOut;
  }

  /** Whether what the sink took can be said again to another one. */
  get mayRewind(): boolean {
    return this.octets === 0 || this.#sent !== undefined;
  }

  /** From the beginning, to another sink. Only where it may. */
  rewind(): void {
    this.#held = concat(...(this.#sent ?? []), this.#held.subarray(this.#at));
    this.#at = 0;
    this.#replayLeft += this.octets;
    this.#sent = this.#sent === undefined ? undefined : [];
    this.octets = 0;
    this.done = false;
    this.#sink = undefined;
  }

  /** It will not be said again. */
  forgetSent(): void {
    this.#sent = undefined;
  }

  /** Carries on what there is. Returns whether anything moved. Throws UsageError where the sink does not take the end. */
  run(now: Micros): boolean {
    let moved = false;
    while (!this.done) {
      if (this.#sink === undefined && !this.#readOut && this.#held.length < this.#gathers) {
        if (!this.#read(now)) return moved; // what is wrong with a small request shows before anybody is asked
        moved = true;
      } else if (this.#at < this.#held.length) {
        if (!this.#write(now)) return moved;
        moved = true;
      } else if (this.#readOut) {
        if (this.#toldOut && this.#sink !== undefined) this.#end(now);
        return moved;
      } else if (!this.#read(now)) return moved;
      else moved = true;
    }
    return moved;
  }

  /** The source has told everything that came before the end of its content. */
  onToldOut(): void {
    this.#toldOut = true;
  }

  /** Whether the sink took all of what is held. */
  #write(now: Micros): boolean {
    const sink = this.#sink;
    this.starved = false;
    if (sink === undefined) return false;
    const rest = this.#at === 0 ? this.#held : this.#held.subarray(this.#at);
    const taken = sink.http.writeBody(now, this.#sinkId, rest);
    sink.touch();
    if (taken > 0) this.#took(rest, taken);
    if (this.#at < this.#held.length) return false;
    this.#held = EMPTY;
    this.#at = 0;
    return true;
  }

  #took(data: Uint8Array, taken: number): void {
    this.#at += taken;
    this.octets += taken;
    if (this.#sent === undefined) return;
    this.#replayLeft -= taken;
    if (this.#replayLeft < 0) this.#sent = undefined;
    else this.#sent.push(data.subarray(0, taken));
  }

  #read(now: Micros): boolean {
    const source = this.#source;
    if (source === undefined) return false;
    const piece = source.http.readBody(now, this.#sourceId);
    source.touch();
    if (piece === undefined) {
      this.starved = true;
      return false;
    }
    this.#held = this.#held.length === this.#at ? piece.data : concat(this.#held.subarray(this.#at), piece.data);
    this.#at = 0;
    if (piece.fin) {
      this.#readOut = true;
      source.ending.push(this); // trailers are told by then
    }
    return true;
  }

  #end(now: Micros): void {
    this.done = true;
    this.#sink!.http.finish(now, this.#sinkId, this.#trailers);
    this.#sink!.touch();
  }
}
