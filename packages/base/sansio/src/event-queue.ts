/** First in, first out; an array with a head index, since shifting a long one costs its length. */
export class EventQueue<Event> {
  #events: Event[] = [];
  #head = 0;

  push(event: Event): void {
    this.#events.push(event);
  }

  shift(): Event | undefined {
    if (this.#head === this.#events.length) return undefined;
    const event = this.#events[this.#head++];
    if (this.#head === this.#events.length) {
      this.#events.length = 0;
      this.#head = 0;
    }
    return event;
  }

  clear(): void {
    this.#events = [];
    this.#head = 0;
  }
}
