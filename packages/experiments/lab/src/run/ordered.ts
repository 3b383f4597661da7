/** How many are under way at a time, and how many of those begun may be ahead of the one whose result comes next. */
export interface Width {
  readonly atOnce: number;
  readonly ahead: number;
}

/**
 * Results in the order of what they are made of, whatever the order in which they come. One is begun as soon as another has ended, even while
 * nobody asks for results, but never so far ahead that results pile up.
 * @param items   asked for as there is room
 * @param signal  aborted: no more are begun; what was begun comes to its end
 * @throws what `make` throws, after the results before it
 */
export async function* inOrderOf<Item, Result>(
  items: Iterable<Item>,
  make: (item: Item) => Promise<Result>,
  { atOnce, ahead }: Width,
  signal: AbortSignal,
): AsyncGenerator<Result> {
  const source = items[Symbol.iterator]();
  const begun: Promise<Result>[] = [];
  let underWay = 0;
  let over = false;
  const begin = (): void => {
    while (underWay < atOnce && begun.length < ahead && !over && !signal.aborted) {
      const { done, value } = source.next();
      if (done === true) {
        over = true;
        return;
      }
      underWay++;
      const result = make(value);
      begun.push(result);
      result.then(
        () => {
          underWay--;
          begin();
        },
        () => {
          over = true;
        },
      );
    }
  };
  try {
    begin();
    for (let next = begun.shift(); next !== undefined; next = begun.shift()) {
      yield await next;
      begin();
    }
  } finally {
    over = true; // whoever asked has gone, or one has failed
  }
}
