import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { htmlReport } from '@quiclab/report';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sampleResult } from './sample.ts';

describe('the HTML page', () => {
  const html = htmlReport(sampleResult({ files: 4 }));
  const [own] = html.split('<script>'); // the part before echarts

  test('needs nothing but itself', () => {
    expect(own).not.toMatch(/\b(src|href)=|@import|url\(/);
    expect(html.match(/<script[^>]*>/g)).toEqual(['<script type="application/json" id="result">', '<script>', '<script>']);
  });

  test('is the same for the same result', () => {
    expect(htmlReport(sampleResult({ files: 4 }))).toBe(html);
  });

  test('takes no file name for markup', () => {
    const result = sampleResult({ files: 2 });
    const evil = '</script><img src=x onerror="alert(1)">&amp;';
    const runs = result.runs.map((run) => ({ ...run, streams: run.streams.map((stream) => ({ ...stream, file: evil })) }));
    const [before] = htmlReport({ ...result, runs }).split('<script>');
    expect(before).not.toContain('<img');
    expect(before!.match(/<\/script>/g)).toHaveLength(1); // the end of the JSON
    expect(JSON.parse(/id="result">(.*)<\/script>/.exec(before!)![1]!).runs[0].streams[0].file).toBe(evil);
  });
});

const executablePath = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find((path) => existsSync(path));

describe.skipIf(executablePath === undefined)('the HTML page in Chromium (needs chromium in /usr/bin)', () => {
  let browser: Browser;
  let folder: string;
  let url: string;
  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: executablePath!, args: ['--no-sandbox', '--disable-gpu'] });
    folder = mkdtempSync(join(tmpdir(), 'quiclab-report-'));
    writeFileSync(join(folder, 'report.html'), htmlReport(sampleResult({ files: 6, seeds: 5 })));
    url = pathToFileURL(join(folder, 'report.html')).href;
  });
  afterAll(async () => {
    await browser?.close();
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  });

  async function open(colorScheme: 'light' | 'dark', width: number): Promise<{ page: Page; trouble: string[] }> {
    const page = await browser.newPage({ colorScheme, viewport: { width, height: 900 } });
    const trouble: string[] = [];
    page.on('pageerror', (error) => trouble.push(error.message));
    page.on('console', (message) => trouble.push(message.text()));
    page.on('request', (request) => request.url() !== url && trouble.push(request.url()));
    await page.goto(url);
    return { page, trouble };
  }

  test.each([
    ['light', 1280, true],
    ['dark', 1280, true],
    ['light', 390, false],
  ] as const)('draws both waterfalls without error or request: %s, %i pixels wide', async (scheme, width, beside) => {
    const { page, trouble } = await open(scheme, width);
    const [first, second] = await Promise.all([0, 1].map((i) => page.locator('.chart svg').nth(i).boundingBox()));
    expect(first!.y === second!.y).toBe(beside);
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(width);
    const fills = await page
      .locator('.chart')
      .nth(1)
      .locator('path')
      .evaluateAll((paths) => paths.map((path) => path.getAttribute('fill')));
    expect(fills).toContain('#d55e00'); // somebody waited for somebody else
    expect(trouble).toEqual([]);
    await page.close();
  });

  test('is used by keyboard: streams are read out, definitions shown, another seed chosen', async () => {
    const { page, trouble } = await open('light', 1280);
    await page.locator('.chart').first().focus();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowDown');
    expect(await page.locator('[aria-live]').first().textContent()).toMatch(
      /^base\/sansio\/src\/random\.ts: 11,919 bytes, complete after /,
    );
    await page.locator('.term').first().focus();
    expect(await page.locator('#tip').textContent()).toBe('First request to last object.');
    const loads = (): Promise<string[]> => page.locator('figcaption p:visible').allTextContents();
    const before = await loads();
    await page.locator('#seed').selectOption('3');
    expect(await loads()).not.toEqual(before);
    expect(await page.locator('tbody[data-seed]:visible').getAttribute('data-seed')).toBe('3');
    expect(trouble).toEqual([]);
    await page.close();
  });
});
