import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { flowsReport, flowsTable } from '@quiclab/report';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sampleFlows } from './flows-sample.ts';

describe('the page of bulk transfers', () => {
  const html = flowsReport(sampleFlows(false));
  const [own] = html.split('<script>'); // the part before echarts

  test('needs nothing but itself, and is the same for the same result', () => {
    expect(own).not.toMatch(/\b(src|href)=|@import|url\(/);
    expect(html.match(/<script[^>]*>/g)).toEqual(['<script type="application/json" id="result">', '<script>', '<script>']);
    expect(flowsReport(sampleFlows(false))).toBe(html);
  });

  test('takes no name for markup', () => {
    const evil = '</script><img src=x onerror="alert(1)">';
    const [before] = flowsReport(sampleFlows(true, evil)).split('<script>');
    expect(before).not.toContain('<img');
    expect(before!.match(/<\/script>/g)).toHaveLength(1); // the end of the JSON
  });

  test('says whether flows shared the path', () => {
    expect(own).toContain('<h1>cubic (1), cubic (2) and cubic (3), each on the same path for itself</h1>');
    expect(flowsReport(sampleFlows(true))).toContain('<h1>cubic (1), cubic (2) and cubic (3) on one path</h1>');
  });

  test('has the same figures as the terminal', () => {
    const table = flowsTable(sampleFlows(false));
    for (const figure of ['8,950.0 ms', '8.939 Mbit/s', '10 Mbit/s, 40.0 ms there and back, a queue of 41 packets, loss 1% down']) {
      expect(own).toContain(figure);
      expect(table).toContain(figure);
    }
    expect(table).toContain('cubic (3) brought 10,000,000 bytes (8.04 Mbit/s).'); // which did not end
  });
});

const executablePath = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find((path) => existsSync(path));

describe.skipIf(executablePath === undefined)('the page of bulk transfers in Chromium (needs chromium in /usr/bin)', () => {
  let browser: Browser;
  let folder: string;
  const url = (name: string): string => pathToFileURL(join(folder, name)).href;
  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: executablePath!, args: ['--no-sandbox', '--disable-gpu'] });
    folder = mkdtempSync(join(tmpdir(), 'quiclab-flows-'));
    writeFileSync(join(folder, 'alone.html'), flowsReport(sampleFlows(false)));
    writeFileSync(join(folder, 'together.html'), flowsReport(sampleFlows(true)));
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
    page.on('request', (request) => request.url() !== url(name) && trouble.push(request.url()));
    await page.goto(url(name));
    return { page, trouble };
  }

  /** How many pixels of the canvas have exactly each of these colours, once it is painted. */
  const pixels = (page: Page, colours: readonly string[]): Promise<number[]> =>
    page.evaluate(async (wanted) => {
      for (let frame = 0; frame < 2; frame++) await new Promise(requestAnimationFrame);
      const canvas = document.querySelector<HTMLCanvasElement>('.curves canvas')!;
      const { data } = canvas.getContext('2d')!.getImageData(0, 0, canvas.width, canvas.height);
      const found = new Map<string, number>();
      for (let i = 0; i < data.length; i += 4) {
        const colour = `#${[0, 1, 2].map((at) => data[i + at]!.toString(16).padStart(2, '0')).join('')}`;
        found.set(colour, (found.get(colour) ?? 0) + 1);
      }
      return wanted.map((colour) => found.get(colour) ?? 0);
    }, colours);

  test.each([
    ['alone.html', 'light', 1280, ['#0072b2', '#d55e00', '#009e73']],
    ['together.html', 'dark', 1280, ['#56b4e9', '#f08a3c', '#8cf0cf']],
    ['together.html', 'light', 390, ['#0072b2', '#d55e00', '#009e73']],
  ] as const)('draws every flow without error or request: %s, %s, %i pixels wide', async (name, scheme, width, colours) => {
    const { page, trouble } = await open(name, scheme, width);
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(width);
    for (const count of await pixels(page, colours)) expect(count).toBeGreaterThan(200);
    expect(trouble).toEqual([]);
    await page.close();
  });

  test('is used by keyboard: the values of an instant are read out, flows hidden and shown, but never the last', async () => {
    const { page, trouble } = await open('alone.html', 'light', 1280);
    await page.locator('.curves').focus();
    for (const key of ['+', 'End', 'ArrowLeft']) await page.keyboard.press(key);
    const spoken = (): Promise<string | null> => page.locator('[aria-live]').textContent();
    expect(await spoken()).toMatch(
      /^7\.450 s\. cubic \(1\): congestion avoidance, window 49\.4 KB, threshold 20\.3 KB, in flight 39\.4 KB, goodput 6\.96 Mbit\/s/,
    );
    for (const nth of [0, 1, 2]) await page.locator('button.flow').nth(nth).click();
    expect(await page.locator('button.flow[aria-pressed="true"]').allTextContents()).toEqual(['cubic (3)']);
    const [hidden, last] = await pixels(page, ['#0072b2', '#009e73']);
    expect(hidden).toBe(0);
    expect(last).toBeGreaterThan(200);
    expect(trouble).toEqual([]);
    await page.close();
  });
});
