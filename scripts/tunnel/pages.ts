/** What can be fetched. */
import { readFileSync } from 'node:fs';
import { medianPage, type Page, parsePage, smallPage } from '@quiclab/workload';

const BUILT_IN: Readonly<Record<string, Page>> = { smallPage, medianPage, small: smallPage, median: medianPage };

/** A page by its name, or from a file. Throws an Error that says what there is. */
export function pageOf(name: string): Page {
  const page = BUILT_IN[name];
  if (page !== undefined) return page;
  if (name.endsWith('.json')) return parsePage(JSON.parse(readFileSync(name, 'utf8')));
  throw new Error(`there is no page '${name}'; there are smallPage and medianPage, and any file whose name ends in .json`);
}

/** Zeros: nobody on the way can tell. */
export function contentOf(page: Page): (path: string) => Uint8Array | undefined {
  const contents = new Map(page.objects.map(({ path, size }) => [path, new Uint8Array(size)]));
  return (path) => contents.get(path);
}
