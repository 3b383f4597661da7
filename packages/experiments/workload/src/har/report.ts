/** Something that was found in a HAR file, and what was made of it. */
export interface HarNote {
  readonly text: string;
  readonly count: number;
  /** The first few, as URLs without the values of their queries. */
  readonly examples: readonly string[];
}

/** What became of a HAR file: nothing of it is left out unsaid. */
export interface HarReport {
  /** Who wrote the file. */
  readonly creator: string;
  readonly entries: number;
  /** Of the page. */
  readonly objects: number;
  readonly octets: number;
  readonly hosts: readonly string[];
  /** Where sizes, parents and priorities are from, and how many of each. */
  readonly taken: readonly string[];
  readonly notes: readonly HarNote[];
}

const MOST_EXAMPLES = 3;
const LONGEST_EXAMPLE = 80;

/** Collects notes; those of one text are counted together. */
export class HarNotes {
  readonly #notes = new Map<string, { count: number; readonly examples: string[] }>();

  add(text: string, example = ''): void {
    let note = this.#notes.get(text);
    if (note === undefined) {
      note = { count: 0, examples: [] };
      this.#notes.set(text, note);
    }
    note.count++;
    if (example !== '' && note.examples.length < MOST_EXAMPLES)
      note.examples.push(example.length > LONGEST_EXAMPLE ? `${example.slice(0, LONGEST_EXAMPLE)}…` : example);
  }

  all(): HarNote[] {
    return [...this.#notes].map(([text, { count, examples }]) => ({ text, count, examples }));
  }
}

/** The report as lines for people. */
export function harReportLines({ creator, entries, objects, octets, hosts, taken, notes }: HarReport): string[] {
  const lines = [
    `${entries} ${entries === 1 ? 'entry' : 'entries'}${creator === '' ? '' : ` by ${creator}`}: ${objects} ${objects === 1 ? 'object' : 'objects'}, ${octets} octets, ${hosts.length === 1 ? hosts[0] : `${hosts.length} hosts`}`,
    ...taken.map((line) => `        ${line}`),
  ];
  for (const { text, count, examples } of notes) {
    const more = count > examples.length ? ', …' : '';
    lines.push(`  ${String(count).padStart(4)}  ${text}${examples.length > 0 ? ` (${examples.join(', ')}${more})` : ''}`);
  }
  return lines;
}
