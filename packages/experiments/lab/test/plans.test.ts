import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { loadPlan, shippedPlan, shippedPlans } from '../src/plan/load.ts';
import { planPage, tableNow } from '../src/run/check.ts';

// Their tables are held against what comes out by `pnpm lab:check`: whoever changes what a transport does, changes tables. What does not change is here.

describe('the plans that come with the program', () => {
  const index = readFileSync(shippedPlan('README', 'md'), 'utf8');

  test.each(shippedPlans())('%s can be run, and has a page with its question, its line and its table', async (name) => {
    const plan = await loadPlan(name);
    const { text, stored } = planPage(name);
    expect(text.startsWith(`# ${plan.question}\n`)).toBe(true);
    expect(stored.startsWith(`\`\`\`\n${plan.question}\n`)).toBe(true);
    expect(index).toContain(`- [${plan.question}](./${name}.md) \`${name}\`\n`);
    expect(readFileSync(shippedPlan(name, 'yaml'), 'utf8').split('\n')[0]).toBe('# yaml-language-server: $schema=../plan.schema.json');
  });

  test('no stream waits for another under h3, whichever packet is lost; under h2, and on one stream, others wait for each', async () => {
    const rows = (await tableNow('one-loss', 1))
      .split('\n')
      .filter((line) => line.startsWith('│'))
      .map((line) => line.split('│').map((cell) => cell.trim()));
    const column = rows[0]!.indexOf('blocked: others, ms');
    const waited = (model: string): (string | undefined)[] => rows.filter((row) => row[2] === model).map((row) => row[column]);
    expect(waited('h3')).toEqual(['0.0', '0.0', '0.0', '0.0']);
    for (const model of ['h2', 'h3-single']) {
      const [none, ...lost] = waited(model);
      expect(none).toBe('0.0');
      expect(lost).toHaveLength(3);
      expect(lost).not.toContain('0.0');
    }
  }, 120_000);
});
