import { accessSync, constants, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { chromium } from 'playwright-core';
import { PeerMissing } from './peers.ts';

export const PAGE_OBJECTS = 20;

/** `page.html`, which asks for the objects of its directory, and for no icon. */
export const pageHtml = (names: readonly string[]): string =>
  `<!doctype html><title>page</title><link rel="icon" href="data:,"><h1>page</h1>\n<script>\n` +
  `const load = (name) => fetch(name).then((response) => response.arrayBuffer());\n` +
  `Promise.all(${JSON.stringify(names)}.map(load)).then((bodies) => { document.title = 'loaded ' + bodies.reduce((sum, body) => sum + body.byteLength, 0); });\n` +
  `</script>\n`;

/** Where the browser is. Throws PeerMissing. */
export function findChromium(): string {
  for (const directory of (process.env.PATH ?? '').split(delimiter))
    for (const name of ['chromium', 'chromium-browser', 'google-chrome']) {
      const path = join(directory, name);
      try {
        accessSync(path, constants.X_OK);
        return path;
      } catch {}
    }
  throw new PeerMissing('no chromium command');
}

export interface PageVisit {
  readonly title: string;
  /** By resource, the document first: the protocol as the browser itself reports it. */
  readonly protocols: readonly { readonly name: string; readonly protocol: string }[];
}

/** Loads a page over QUIC from the first packet on, in a new profile. */
export async function visit(executablePath: string, port: number, publicKeyHash: string, timeoutMs: number): Promise<PageVisit> {
  const profile = mkdtempSync(join(tmpdir(), 'quiclab-chromium-'));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath,
    headless: true,
    timeout: timeoutMs,
    args: [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      `--origin-to-force-quic-on=127.0.0.1:${port}`,
      `--ignore-certificate-errors-spki-list=${publicKeyHash}`,
    ],
  });
  try {
    const page = await context.newPage();
    await page.goto(`https://127.0.0.1:${port}/page.html`, { timeout: timeoutMs });
    await page.waitForFunction(() => document.title.startsWith('loaded '), undefined, { timeout: timeoutMs });
    const protocols = await page.evaluate(() =>
      [...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')].map((entry) => ({
        name: new URL(entry.name).pathname,
        protocol: (entry as PerformanceResourceTiming).nextHopProtocol,
      })),
    );
    return { title: await page.title(), protocols };
  } finally {
    await context.close();
    rmSync(profile, { recursive: true, force: true });
  }
}
