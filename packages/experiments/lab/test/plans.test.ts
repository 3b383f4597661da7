import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { loadPlan, shippedPlan, shippedPlans } from '../src/plan/load.ts';
import { planPage, tableNow } from '../src/run/check.ts';

// All of them are run by `pnpm lab:check`; here are those that take next to nothing.

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

  test.each(['one-loss', 'pipelining', 'zero-rtt'])(
    '%s comes out as its page says',
    async (name) => {
      const { seeds, stored } = planPage(name);
      expect(await tableNow(name, seeds)).toBe(stored);
    },
    120_000,
  );

  test('no stream waits for another under h3, whichever packet is lost', () => {
    const rows = planPage('one-loss')
      .stored.split('\n')
      .filter((line) => line.startsWith('│'))
      .map((line) => line.split('│').map((cell) => cell.trim()));
    const column = rows[0]!.indexOf('blocked: others, ms');
    const others = rows.slice(1).map((row) => ({ loss: row[1], model: row[2], waited: row[column] }));
    expect(others.filter(({ model }) => model === 'h3').map(({ waited }) => waited)).toEqual(['0.0', '0.0', '0.0', '0.0']);
    expect(others.filter(({ model, loss, waited }) => model !== 'h3' && loss !== 'none' && waited === '0.0')).toEqual([]);
  });
});
