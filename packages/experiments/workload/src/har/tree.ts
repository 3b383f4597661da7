import type { HarEntry } from './har.ts';
import { resolveUrl, withoutFragment } from './url.ts';

export type ParentSource = 'redirect' | 'initiator' | 'time' | 'none';

export interface Parent {
  /** The number of an entry; 0: asked for at the start. */
  readonly entry: number;
  readonly source: ParentSource;
}

/**
 * What must have arrived before each entry is asked for, in this order:
 *
 * 1. a redirect whose target it is;
 * 2. the latest entry before it of the URL that Chromium names as its initiator, or of the innermost script of its stack that is there;
 * 3. the entry that finished last of those that had finished when it started;
 * 4. where none had, the first entry of all: a document that is still coming names things already. A page's objects wait for whole objects, so
 *    here they are asked for a little later than they were.
 *
 * @param entries  in the order in which they started
 */
export function parentsOf(entries: readonly HarEntry[]): Map<number, Parent> {
  const parents = new Map<number, Parent>();
  const seen = new Map<string, HarEntry>(); // by URL, the latest
  const redirects = new Map<string, HarEntry>(); // by their target; each is followed once
  const running = [...entries].sort((a, b) => endOf(a) - endOf(b) || a.number - b.number);
  for (const entry of entries) {
    const url = withoutFragment(entry.url);
    parents.set(entry.number, parentOf(entry, url));
    seen.set(url, entry);
    if (entry.redirect !== '' && entry.status >= 300 && entry.status < 400) redirects.set(resolveUrl(url, entry.redirect), entry);
  }
  return parents;

  function parentOf(entry: HarEntry, url: string): Parent {
    const redirect = redirects.get(url);
    if (redirect !== undefined) {
      redirects.delete(url);
      return { entry: redirect.number, source: 'redirect' };
    }
    for (const initiator of entry.initiators) {
      const found = seen.get(withoutFragment(initiator));
      if (found !== undefined) return { entry: found.number, source: 'initiator' };
    }
    if (entry === entries[0]) return { entry: 0, source: 'none' };
    const last = lastBefore(entry);
    return { entry: (last ?? entries[0]!).number, source: 'time' };
  }

  /** By bisection: `running` is in the order of ends. */
  function lastBefore({ start }: HarEntry): HarEntry | undefined {
    let from = 0;
    let to = running.length;
    while (from < to) {
      const middle = (from + to) >> 1;
      if (endOf(running[middle]!) <= start) from = middle + 1;
      else to = middle;
    }
    return running[from - 1];
  }
}

/** After its start in any case: what has ended when another starts has started before it, so that no two wait for each other. */
const endOf = ({ start, time }: HarEntry): number => start + Math.max(time, 0.001);
