const SMALLEST = 4;

/** First in, first out: a ring that grows with what waits at once, lets go of what it hands out, and keeps its places for what comes next. */
export class EventQueue<Event> {
  length: number;
  #places: (Event | undefined)[];
  #head: number;

  constructor() {
    this.length = 0;
    this.#places = places(SMALLEST);
    this.#head = 0;
  }

  push(event: Event): void {
    if (this.length === this.#places.length) this.#grow();
    this.#places[(this.#head + this.length++) & (this.#places.length - 1)] = event;
  }

  /** undefined when it is empty. */
  shift(): Event | undefined {
    if (this.length === 0) return undefined;
    const event = this.#places[this.#head];
    this.#places[this.#head] = undefined;
    this.#head = (this.#head + 1) & (this.#places.length - 1);
    this.length--;
    return event;
  }

  clear(): void {
    this.length = 0;
    this.#places = places(SMALLEST);
    this.#head = 0;
  }

  #grow(): void {
    const before = this.#places;
    this.#places = places(2 * before.length);
    for (let i = 0; i < before.length; i++) this.#places[i] = before[(this.#head + i) & (before.length - 1)];
    this.#head = 0;
  }
}

function places<Event>(count: number): (Event | undefined)[] {
  const empty: (Event | undefined)[] = [];
  for (let i = 0; i < count; i++) empty.push(undefined);
  return empty;
}
