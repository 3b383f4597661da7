export { filesWorkload, urlPath } from './files.ts';
export { defaultGeneratorOptions, type GeneratorOptions, generatePage } from './generator.ts';
export { defaultHarLimits, HarError, type HarLimits } from './har/har.ts';
export { type HarOptions, pageFromHar } from './har/page.ts';
export { type HarNote, type HarReport, harReportLines } from './har/report.ts';
export { definePage, type ObjectDraft, type Page, type PageDraft, PageError, type PageObject, parsePage } from './page.ts';
export { medianPage } from './pages/median.ts';
export { smallPage } from './pages/small.ts';
export { PageProgress } from './progress.ts';
