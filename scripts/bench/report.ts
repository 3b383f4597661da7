import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { detailsOf, inProcess, loadPlan, planJson, reportOf, runPlan } from '@quiclab/lab';
import type { PlanRun } from '@quiclab/report';
import { fraction, seededRandom } from '@quiclab/sansio';
import { type Browser, chromium } from 'playwright-core';
import { findChromium } from '../interop/chromium.ts';
import type { Contest } from './contest.ts';

const RUNS = 10_000;
/** ms. */
const TIMEOUT = 60_000;

/**
 * Seconds from navigation until the last chart is there, as the page itself marks it: a plan's report with single runs to look at, opened
 * from disk in a browser that has just been started. Its CPU time is that of all of the browser's processes.
 */
export const reportInChromium: Contest = {
  async run() {
    const html = await report();
    const directory = mkdtempSync(join(tmpdir(), 'quiclab-bench-report-'));
    const file = join(directory, 'report.html');
    writeFileSync(file, html);
    const browser = await chromium.launch({ executablePath: findChromium(), args: ['--no-sandbox', '--disable-gpu'] });
    try {
      const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
      const before = await cpuSeconds(browser);
      await page.goto(pathToFileURL(file).href);
      await page.waitForFunction('document.documentElement.dataset.drawn !== undefined', undefined, { timeout: TIMEOUT });
      const drawn = (await page.evaluate('performance.getEntriesByName("quiclab: drawn")[0].duration')) as number;
      return {
        value: drawn / 1_000,
        cpuSeconds: (await cpuSeconds(browser)) - before,
        notes: { MB: Number((Buffer.byteLength(html) / 1e6).toPrecision(3)), charts: await page.locator('.chart').count() },
      };
    } finally {
      await browser.close();
      rmSync(directory, { recursive: true, force: true });
    }
  },
};

async function cpuSeconds(browser: Browser): Promise<number> {
  const session = await browser.newBrowserCDPSession();
  const { processInfo } = await session.send('SystemInfo.getProcessInfo');
  await session.detach();
  return processInfo.reduce((sum, { cpuTime }) => sum + cpuTime, 0);
}

/** A shipped plan, really run with one seed, and ten thousand runs like them: what the page does with them does not hang on who made them. */
async function report(): Promise<string> {
  const plan = await loadPlan('domain-sharding', { seeds: 1 });
  const own: PlanRun[] = [];
  const store = { runs: own, add: (run: PlanRun) => void own.push(run) };
  await runPlan(plan, inProcess(plan), store, { world: 'simulated', signal: new AbortController().signal });
  const random = seededRandom('report');
  const runs = Array.from({ length: RUNS }, (_, i) => {
    const like = own[i % own.length];
    const seed = 1 + Math.floor(i / own.length);
    const figures = Object.fromEntries(
      Object.entries(like.figures).map(([name, value]) => [name, Math.round(value * (1 + fraction(random) / 5))]),
    );
    return { ...like, key: `${like.key} like ${seed}`, seed, figures };
  });
  return reportOf(planJson(plan, 'simulated', runs, true), detailsOf(planJson(plan, 'simulated', own, true)));
}
