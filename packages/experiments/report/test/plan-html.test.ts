import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { PLAN_FIGURES, type PlanPage, planReport, summarisePlan } from '@quiclab/report';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sampleDetails, sampleInfluences, samplePlan } from './plan-sample.ts';

const EVIL = '</script><img src=x onerror="alert(1)">';
const pageOf = (result = samplePlan(), file = 'a.css'): string =>
  planReport({ result, yaml: `question: ${result.question}\n`, details: sampleDetails(result, file), influences: sampleInfluences(file) });

describe('the report of a plan', () => {
  const html = pageOf();
  const [own] = html.split('<script>'); // the part before echarts

  test('needs nothing but itself, and is the same for the same result', () => {
    expect(own).not.toMatch(/\b(src|href)=|@import|url\(/);
    expect(html.match(/<script[^>]*>/g)).toEqual(['<script type="application/json" id="result">', '<script>', '<script>']);
    expect(pageOf()).toBe(html);
  });

  test('takes neither question nor names for markup', () => {
    const [before] = pageOf(samplePlan({ question: EVIL }), EVIL).split('<script>');
    expect(before).not.toContain('<img');
    expect(before!.match(/<\/script>/g)).toHaveLength(1); // the end of the JSON
    expect(JSON.parse(/id="result">(.*)<\/script>/.exec(before!)![1]!).details[0].page.streams[0].file).toBe(EVIL);
  });

  test('has the medians of the table, the plan and the command that runs it again', () => {
    expect(own).toContain('<td>8</td><td>260.3 [');
    expect(own).toContain('<pre class="command">npx -y pnpm@12 lab run plan.yaml</pre>');
    expect(own).toContain('question: Who waits?');
    expect(own).toContain('first request issued → last object there');
  });

  test('is no larger for more runs than it draws', () => {
    const result = samplePlan();
    const runs = Array.from({ length: 140 }, (_, i) => result.runs.map((run) => ({ ...run, seed: 10 * i + run.seed }))).flat();
    expect(runs.length).toBeGreaterThan(10_000);
    const details = sampleDetails(result);
    expect(Buffer.byteLength(planReport({ result: { ...result, runs }, yaml: '', details }))).toBeLessThan(2e6);
  });
});

describe('the report of a plan that is too large for a page', () => {
  const LOSSES = 3_000;
  /** Combinations times models with all figures that there are, many losses in the runs to look at, and a plan that is long itself. */
  function heavy(combinations: number, models: number, lossesOfStream: number): PlanPage {
    const base = samplePlan({ seeds: 1 });
    const key = 'topology.down.loss';
    const values = Array.from({ length: combinations }, (_, i) => `${i}‰`);
    const runs = values.flatMap((_, variant) =>
      Array.from({ length: models }, (_model, m) => ({
        key: `${variant} ${m}`,
        variant,
        model: `h1-parallel:${m + 1}`,
        seed: 1,
        figures: Object.fromEntries(PLAN_FIGURES.map((figure, i) => [figure, 1e9 + i + variant])),
        states: { transit: 1_000_000_000 },
        gaps: 0,
      })),
    );
    const variants = values.map((value) => ({ values: { [key]: value }, workload: 'objects', path: `down: loss ${value}` }));
    const plan = { ...base, figures: PLAN_FIGURES, runs, variants, variables: [{ key, values }], reference: { values: {} } };
    const [like] = sampleDetails(base);
    const details = runs.slice(0, 96).map(({ key: name, variant, model, seed }) => ({
      ...like!,
      key: name,
      variant,
      model,
      seed,
      page: {
        ...like!.page!,
        streams: like!.page!.streams.map((stream) => ({
          ...stream,
          lostAt: Array.from({ length: lossesOfStream }, (_, i) => 100_000_000 + i),
        })),
      },
    }));
    return { result: { ...plan, summaries: summarisePlan(plan) }, yaml: 'x'.repeat(2e6), details, influences: sampleInfluences() };
  }

  test('keeps below 10 MB and says what is left out: of the runs to look at, the last', () => {
    const page = heavy(12, 9, LOSSES);
    expect(Buffer.byteLength(JSON.stringify(page.details))).toBeGreaterThan(8.5e6);
    const html = planReport({ ...page, missing: 'Before.' });
    expect(Buffer.byteLength(html)).toBeLessThanOrEqual(10e6);
    expect(Buffer.byteLength(html)).toBeGreaterThan(8e6);
    const [, left] = /Before\. The page is to have 10 MB at most: (\d+) runs that were made for it are left out\./.exec(html)!;
    const { details } = JSON.parse(/id="result">(.*)<\/script>/.exec(html)![1]!);
    expect(details).toHaveLength(96 - Number(left));
    expect(details.at(-1).key).toBe(page.details[details.length - 1]!.key);
    expect(html).toContain('This is the beginning of it; <code>plan.json</code> has all.');
  });

  test('has the first of so many combinations that not all of them fit, with their runs alone', () => {
    const page = heavy(2_000, 9, 3);
    const html = planReport({ ...page, parquet: true });
    expect(Buffer.byteLength(html)).toBeLessThanOrEqual(5e6);
    const [, drawn] =
      /Of 2,000 combinations of what is varied, the first (\d+) are drawn on this page, so that it stays small; <code>runs\.parquet<\/code>/.exec(
        html,
      )!;
    const data = JSON.parse(/id="result">(.*)<\/script>/.exec(html)![1]!);
    expect(data.variants).toHaveLength(Number(drawn));
    expect(data.cells).toHaveLength(9 * Number(drawn));
    expect(html).toMatch(/These are the first \d+ of 18,000; result\.json has them all\./);
  });
});

const executablePath = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find((path) => existsSync(path));

describe.skipIf(executablePath === undefined)('the report of a plan in Chromium (needs chromium in /usr/bin)', () => {
  let browser: Browser;
  let folder: string;
  const url = (name: string): string => pathToFileURL(join(folder, name)).href;
  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: executablePath!, args: ['--no-sandbox', '--disable-gpu'] });
    folder = mkdtempSync(join(tmpdir(), 'quiclab-plan-'));
    writeFileSync(join(folder, 'plain.html'), pageOf());
    writeFileSync(join(folder, 'evil.html'), pageOf(samplePlan({ question: EVIL }), EVIL));
  });
  afterAll(async () => {
    await browser?.close();
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  });

  async function open(name: string, colorScheme: 'light' | 'dark', width: number): Promise<{ page: Page; trouble: string[] }> {
    const page = await browser.newPage({ colorScheme, viewport: { width, height: 900 } });
    const trouble: string[] = [];
    page.on('pageerror', (error) => trouble.push(error.message));
    page.on('console', (message) => trouble.push(message.text()));
    page.on('dialog', (dialog) => trouble.push(dialog.message()));
    page.on('request', (request) => request.url() !== url(name) && trouble.push(request.url()));
    await page.goto(url(name));
    await page.waitForFunction('document.documentElement.dataset.drawn !== undefined');
    return { page, trouble };
  }

  test.each([
    ['plain.html', 'light', 1280],
    ['plain.html', 'dark', 1280],
    ['plain.html', 'light', 390],
    ['evil.html', 'light', 1280],
  ] as const)('draws every chart of %s without error or request: %s, %i pixels wide', async (name, scheme, width) => {
    const { page, trouble } = await open(name, scheme, width);
    const charts = page.locator('.chart');
    expect(await charts.count()).toBe(13); // four of figures, three waterfalls, who waited for whom under three models, curves, influence under two
    for (const chart of await charts.all()) {
      expect(await chart.locator('svg, canvas').count()).toBeGreaterThan(0);
      const marks = await chart.locator('svg path').count();
      if ((await chart.locator('svg').count()) > 0) expect(marks).toBeGreaterThan(8);
    }
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(width);
    expect(await page.evaluate('performance.getEntriesByName("quiclab: drawn").length')).toBe(1);
    expect(trouble).toEqual([]);
    await page.close();
  });

  test('is used by keyboard: charts are read out, definitions shown, other figures and variants chosen', async () => {
    const { page, trouble } = await open('plain.html', 'light', 1280);
    const spoken = (id: string): Promise<string | null> => page.locator(`#${id} ~ .spoken`).textContent();
    await page.locator('#boxes').focus();
    await page.keyboard.press('ArrowDown');
    expect(await spoken('boxes')).toMatch(/^h1-parallel: median [\d.]+ ms, middle half /);
    await page.locator('#sweep').focus();
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('ArrowRight');
    expect(await spoken('sweep')).toMatch(/^topology\.down\.loss 1%: h1-parallel [\d.]+ ms \[/);
    await page.locator('table.asked .term').first().focus();
    expect(await page.locator('#tip').textContent()).toBe('first request issued → last object there');
    const cell = page.locator('table.all tbody tr').first().locator('td').first();
    const before = await cell.textContent();
    await page.locator('#variant').selectOption('0');
    expect(await cell.textContent()).not.toBe(before);
    await page.locator('figure.run .chart').nth(1).focus();
    await page.keyboard.press('ArrowRight');
    expect(await page.locator('#run-rank').inputValue()).toBe('p95');
    await page.keyboard.press('ArrowDown');
    expect(await page.locator('figure.run .spoken').nth(1).textContent()).toMatch(/^a\.css: 1,000 bytes, complete after 180\.0 ms/);
    await page.locator('figure.blame .chart').nth(1).focus();
    await page.keyboard.press('ArrowDown');
    expect(await page.locator('figure.blame .spoken').nth(1).textContent()).toBe('a.css waited 5.0 ms for octets of the connection itself');
    await page.keyboard.press('ArrowRight');
    expect(await page.locator('figure.blame .spoken').nth(1).textContent()).toBe(
      'a.css waited 10.0 ms for octets of its own that were lost',
    );
    await page.locator('#curves').focus();
    await page.keyboard.press('End');
    expect(await spoken('curves')).toMatch(/connection 1: slow start, window 30\.0 KB/);
    const influence = page.locator('figure.influence[data-model=h2]');
    expect(await influence.locator('.facts').textContent()).toBe(
      '4 of 40 packets were dropped in turn, evenly spread. 1 of them left nothing to compare. 4 streams that change less are left out.',
    );
    await influence.locator('.chart').focus();
    await page.keyboard.press('End');
    expect(await influence.locator('.spoken').textContent()).toBe('packet 12 lost, stream 3 a.css (in it): 0.9 ms');
    await page.keyboard.press('ArrowUp');
    expect(await influence.locator('.spoken').textContent()).toBe('packet 7 lost, stream 3 a.css: 0.7 ms');
    await page.locator('#influence-figure').selectOption('completion');
    await influence.locator('.chart').focus();
    await page.keyboard.press('ArrowLeft');
    expect(await influence.locator('.spoken').textContent()).toMatch(/^packet \d+ lost, stream \d a\.css/);
    await page.locator('#figure').selectOption('goodput');
    await page.locator('#boxes').focus();
    await page.keyboard.press('End');
    expect(await spoken('boxes')).toMatch(/^h3: median [\d.]+ Mbit\/s/);
    expect(trouble).toEqual([]);
    await page.close();
  });

  test('says so where no account, no curves and no run are there, and draws the rest', async () => {
    const result = samplePlan();
    const runs = result.runs.map(({ states: _states, gaps: _gaps, ...run }) => ({ ...run, states: {} }));
    const details = sampleDetails(result)
      .filter(({ model }) => model !== 'h2')
      .map(({ curves: _curves, ...detail }) => ({
        ...detail,
        page: { ...detail.page!, streams: detail.page!.streams.map((stream) => ({ ...stream, intervals: [], states: [] })) },
      }));
    const known = sampleDetails(result).filter(({ variant }) => variant === 0);
    const summaries = result.summaries.map((summary) => (summary.variant === 0 ? summary : { ...summary, states: {} }));
    writeFileSync(
      join(folder, 'gateway.html'),
      planReport({
        result: { ...result, runs: result.runs.map((run, i) => (run.variant === 0 ? run : runs[i]!)), summaries },
        yaml: '',
        details: [...known, ...details.filter(({ variant }) => variant > 0)],
      }),
    );
    const { page, trouble } = await open('gateway.html', 'light', 1280);
    const visible = (at: string): Promise<boolean> => page.locator(at).isVisible();
    expect([await visible('#states'), await visible('#curves'), await visible('#boxes')]).toEqual([false, false, true]);
    expect(await page.locator('#states + .instead').textContent()).toMatch(/^No account was kept of these runs\. Through a gateway/);
    expect(await page.locator('#curves + .instead').textContent()).toMatch(/^Through a gateway there are none/);
    expect(await page.locator('figure.run[data-model=h3] .facts').textContent()).toMatch(/through a gateway no account is kept/);
    expect(await visible('figure.run[data-model=h2] .instead')).toBe(true);
    expect(await page.locator('figure.blame[data-model=h3] .facts').textContent()).toBe('Through a gateway no account is kept of it.');
    await page.locator('#variant').selectOption('0');
    await page.locator('#run-variant').selectOption('0');
    expect([await visible('#states'), await visible('#curves'), await visible('figure.run[data-model=h2] .chart')]).toEqual([
      true,
      true,
      true,
    ]);
    expect(trouble).toEqual([]);
    await page.close();
  });

  test('shows of a page with very many objects those that took longest', async () => {
    const result = samplePlan();
    const details = sampleDetails(result)
      .filter(({ variant, ranks }) => variant === 2 && ranks.includes('median'))
      .map((detail) => ({
        ...detail,
        page: {
          ...detail.page!,
          streams: Array.from({ length: 1_500 }, (_, id) => ({
            ...detail.page!.streams[0]!,
            id,
            file: `object-${id}`,
            completion: 180_000 + id,
          })),
        },
      }));
    writeFileSync(join(folder, 'many.html'), planReport({ result, yaml: '', details }));
    const { page, trouble } = await open('many.html', 'light', 1280);
    const h3 = page.locator('figure.run[data-model=h3]');
    expect(await h3.locator('.facts').textContent()).toMatch(/ The 200 of 1500 streams that took longest\.$/);
    expect((await h3.locator('.chart').boundingBox())!.height).toBeLessThan(4_000);
    await h3.locator('.chart').focus();
    await page.keyboard.press('Home');
    expect(await h3.locator('.spoken').textContent()).toMatch(/^object-1300: /);
    expect(await page.locator('figure.blame[data-model=h3] .facts').textContent()).toMatch(
      /^1500 of 1500 streams waited\. Left out: 1460 streams that waited less/,
    );
    expect(trouble).toEqual([]);
    await page.close();
  });

  test('of a plan of which every run failed says so, and has no chart', async () => {
    const result = samplePlan();
    const runs = result.runs.map(({ key, variant, model, seed }) => ({
      key,
      variant,
      model,
      seed,
      figures: {},
      failed: 'the page took more than an hour',
    }));
    const failed = { ...result, runs };
    writeFileSync(
      join(folder, 'failed.html'),
      planReport({ result: { ...failed, summaries: summarisePlan(failed) }, yaml: 'question: Who waits?\n', details: [] }),
    );
    const { page, trouble } = await open('failed.html', 'light', 1280);
    expect(await page.locator('.sentence').textContent()).toContain('All 72 runs came to nothing');
    expect(await page.locator('main').textContent()).toContain('the page took more than an hour');
    expect(await page.locator('.chart').count()).toBe(0);
    expect(await page.locator('select').count()).toBe(0);
    expect(await page.locator('pre.command').textContent()).toBe('npx -y pnpm@12 lab run plan.yaml');
    expect(trouble).toEqual([]);
    await page.close();
  });

  test.each(['light', 'dark'] as const)('is printed in light colours and as wide as the paper, whatever the screen: %s', async (scheme) => {
    const { page, trouble } = await open('plain.html', scheme, 1280);
    await page.setViewportSize({ width: 700, height: 990 });
    await page.emulateMedia({ media: 'print' });
    const colours = (name: string): Promise<unknown> =>
      page.evaluate(`getComputedStyle(document.documentElement).getPropertyValue('--${name}').trim()`);
    expect([await colours('paper'), await colours('flow-0'), await colours('heat-1')]).toEqual(['#ffffff', '#0072b2', '#d6e6f4']);
    expect(await page.locator('.choice').first().isVisible()).toBe(false);
    for (const chart of await page.locator('.chart svg, .chart canvas').all())
      expect((await chart.boundingBox())!.width).toBeLessThanOrEqual(700);
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(700);
    expect(trouble).toEqual([]);
    await page.close();
  });
});
