import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BrowserContext, chromium, type Page } from 'playwright-core';

export interface Visit {
  /** Visited before, so that the cache has something. */
  readonly before?: string;
  readonly url: string;
  /** Beside those that keep the browser quiet. */
  readonly args: readonly string[];
}

const QUIET = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];
const MOST_MS = 120_000;

/**
 * Visits a page and exports what Chromium's own developer tools recorded of it, by the code of "Save all as HAR": they are a page that the browser itself
 * serves, attached to the page that is visited. A HAR of Playwright's would have neither initiators nor priorities.
 */
export async function exportHar(executablePath: string, { before, url, args }: Visit): Promise<unknown> {
  const profile = mkdtempSync(join(tmpdir(), 'quiclab-har-'));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath,
    headless: true,
    timeout: MOST_MS,
    args: [...QUIET, '--remote-debugging-port=0', '--remote-allow-origins=*', ...args],
  });
  try {
    const page = await context.newPage();
    if (before !== undefined) await page.goto(before, { timeout: MOST_MS });
    const tools = await openTools(context, page, readFileSync(join(profile, 'DevToolsActivePort'), 'utf8').split('\n', 1)[0]!);
    await page.goto(url, { timeout: MOST_MS });
    await page.waitForFunction(() => document.title === 'done', undefined, { timeout: MOST_MS });
    await page.waitForTimeout(1_500); // what was asked for last is told last
    return { log: await tools.evaluate(RECORDED) };
  } finally {
    await context.close();
    rmSync(profile, { recursive: true, force: true });
  }
}

/** Runs in the page of the tools. As text: what compiles this file knows nothing of the modules there. */
const MODULES = `Promise.all([import('/devtools/models/logs/logs.js'), import('/devtools/models/har/har.js')])`;
const RECORDED = `${MODULES}.then(([logs, har]) => har.Log.Log.build(logs.NetworkLog.NetworkLog.instance().requests(), { sanitize: true }))`;
const ATTACHED = `import('/devtools/core/sdk/sdk.js').then((sdk) => (sdk.TargetManager.TargetManager.instance().primaryPageTarget() ?? null) !== null)`;

async function openTools(context: BrowserContext, page: Page, port: string): Promise<Page> {
  const session = await context.newCDPSession(page);
  const { targetInfo } = await session.send('Target.getTargetInfo');
  await session.detach();
  const tools = await context.newPage();
  const control = `127.0.0.1:${port}`;
  await tools.goto(`http://${control}/devtools/inspector.html?ws=${control}/devtools/page/${targetInfo.targetId}`, { timeout: MOST_MS });
  const end = performance.now() + MOST_MS;
  while (!(await tools.evaluate(ATTACHED))) {
    if (performance.now() > end) throw new Error("the developer tools do not come to know the browser's page");
    await tools.waitForTimeout(200);
  }
  await tools.waitForTimeout(2_000); // they switch the recording on after that
  await page.bringToFront();
  return tools;
}
