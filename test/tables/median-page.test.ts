import { expect, test } from 'vitest';
import { allResults, makeRecord, medianText, RECORD, recordText, TEXT } from './median-page.ts';

// The median page under all models: some minutes for each profile. The normal tests run some of it again (test/worlds/median-page.test.ts).

test('every run is as it is stored, and so is what is made of them', async () => {
  const record = makeRecord();
  await expect(recordText(record)).toMatchFileSnapshot(RECORD);
  await expect(medianText(allResults(record))).toMatchFileSnapshot(TEXT);
});
