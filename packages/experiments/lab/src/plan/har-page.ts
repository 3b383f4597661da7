import { type HarReport, harReportLines, type Page, pageFromHar, parsePage } from '@quiclab/workload';
import type { FileReader } from './links.ts';

/** What a plan's document keeps of a HAR file: the file itself holds cookies and more that belongs into no result. */
interface ReducedHar {
  readonly page: Page;
  readonly report: HarReport;
}

/** The page of a HAR file that a plan names, and what became of its entries. @throws HarError */
export function harPage(name: string, read: FileReader): { readonly page: Page; readonly remarks: readonly string[] } {
  const { page, report } = JSON.parse(read(name, (text) => reducedHar(text, name)).slice(REDUCED.length)) as ReducedHar;
  return { page: parsePage(page), remarks: harReportLines(report) };
}

/** What is kept of such a file. @param cached  with what the browser had in its cache */
export function reducedHar(text: string, name: string, cached = false): string {
  if (text.startsWith(REDUCED)) return text;
  const reduced: ReducedHar = pageFromHar(text, {
    name: name.slice(name.lastIndexOf('/') + 1),
    cached: cached ? 'fetch' : 'leave out',
  });
  return `${REDUCED}${JSON.stringify(reduced)}`;
}

const REDUCED = 'reduced HAR ';
