import type { Page, PageObject } from './page.ts';

/** Which objects of a page may be asked for by now. Told of arrivals, it answers with what they set free. */
export class PageProgress {
  readonly #waiting = new Map<string, number>(); // how many arrivals each object still waits for
  readonly #children = new Map<string, PageObject[]>();
  readonly #arrived = new Set<string>();
  readonly #page: Page;

  constructor(page: Page) {
    this.#page = page;
    for (const object of page.objects) {
      this.#waiting.set(object.id, object.after.length);
      for (const parent of object.after) {
        const children = this.#children.get(parent);
        if (children === undefined) this.#children.set(parent, [object]);
        else children.push(object);
      }
    }
  }

  /** What is asked for at the start, in the order of the page. */
  start(): PageObject[] {
    return this.#page.objects.filter((object) => object.after.length === 0);
  }

  /** The object has arrived wholly: what may be asked for now and could not before, in the order of the page. Throws if it came before. */
  arrived(id: string): PageObject[] {
    if (!this.#waiting.has(id)) throw new Error(`'${id}' is not on page '${this.#page.name}'`);
    if (this.#arrived.has(id)) throw new Error(`'${id}' of page '${this.#page.name}' has arrived twice`);
    this.#arrived.add(id);
    return (this.#children.get(id) ?? []).filter((child) => {
      const left = this.#waiting.get(child.id)! - 1;
      this.#waiting.set(child.id, left);
      return left === 0;
    });
  }

  get done(): boolean {
    return this.#arrived.size === this.#page.objects.length;
  }
}
