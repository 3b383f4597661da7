export { filesWorkload, urlPath } from './files.ts';
export { defaultGeneratorOptions, type GeneratorOptions, generatePage } from './generator.ts';
export { definePage, type ObjectDraft, type Page, type PageDraft, PageError, type PageObject, parsePage } from './page.ts';
export { medianPage } from './pages/median.ts';
export { smallPage } from './pages/small.ts';
export { PageProgress } from './progress.ts';
