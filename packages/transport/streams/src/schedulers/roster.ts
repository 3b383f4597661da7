import type { StreamId } from '../scheduler.ts';

/** A stream that a scheduler knows. */
export class Member {
  id: StreamId = -1;
  /** Whether it is ready; the roster's business. */
  present = false;
}

/** Absent members beyond the number of present ones before they are forgotten. */
const SLACK = 64;

/**
 * The ready streams by ID. One that leaves is remembered for a while: a stream that is written a packet at a time leaves and comes
 * back with each, and a Map from which one key is deleted and set again and again searches through all that it was (V8 keeps
 * what was deleted in the key's chain until it rehashes). Those that stay away are forgotten together, so that there are never more
 * than twice as many as are ready, and some.
 */
export class Roster<M extends Member> {
  readonly #create: () => M;
  #members = new Map<StreamId, M>();
  #free: M[] = [];
  #present = 0;

  constructor(create: () => M) {
    this.#create = create;
  }

  get count(): number {
    return this.#present;
  }

  /** undefined when the stream is not ready. */
  get(id: StreamId): M | undefined {
    const member = this.#members.get(id);
    return member?.present === true ? member : undefined;
  }

  /** A stream that is not ready becomes so. What else the member holds is of an earlier life. */
  enter(id: StreamId): M {
    let member = this.#members.get(id);
    if (member === undefined) {
      member = this.#free.pop() ?? this.#create();
      member.id = id;
      this.#members.set(id, member);
    }
    member.present = true;
    this.#present++;
    return member;
  }

  leave(member: M): void {
    member.present = false;
    this.#present--;
    if (this.#members.size > 2 * this.#present + SLACK) this.#forget();
  }

  #forget(): void {
    const all = this.#members;
    this.#members = new Map();
    for (const member of all.values())
      if (member.present) this.#members.set(member.id, member);
      else if (this.#free.length < SLACK) this.#free.push(member);
  }
}
