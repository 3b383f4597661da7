import { createHash } from 'node:crypto';
import { nullProtection } from '@quiclab/crypto';
import { nodeProvider } from '@quiclab/crypto/node';
import { bernoulli, corrupt, duplicate, gilbertElliottByTime, type LinkConfig, reorder, uniformJitter } from '@quiclab/impair';
import { accountRun, type ModelId, runSimulated } from '@quiclab/lab';
import { integerBelow, MILLISECOND, type Random, SECOND, seededRandom } from '@quiclab/sansio';
import { definePage } from '@quiclab/workload';

/** A page and a path drawn from the seed; throws an Error that names it and what did not hold. */
export function lossyPage(model: ModelId, seed: number): void {
  const problems = run(model, seed);
  if (problems.length > 0) throw new Error(`${model}, seed ${seed}: ${problems.join('; ')}`);
}

function drawLink(random: Random): LinkConfig {
  const unlimited = integerBelow(random, 4) === 0;
  return {
    delay: integerBelow(random, 60 * MILLISECOND),
    ...(!unlimited && { rate: 1_000_000 * (1 + integerBelow(random, 30)), queue: { packets: 10 + integerBelow(random, 200) } }),
    loss:
      integerBelow(random, 2) === 0 ? bernoulli(0.03) : gilbertElliottByTime({ meanGood: 500 * MILLISECOND, meanBad: 15 * MILLISECOND }),
    jitter: uniformJitter(integerBelow(random, 5 * MILLISECOND)),
    reorder: reorder(0.02, integerBelow(random, 20 * MILLISECOND)),
    duplicate: duplicate(0.02),
    corrupt: corrupt(0.02),
  };
}

function run(model: ModelId, seed: number): string[] {
  const random = seededRandom(seed).fork('lossy page');
  const contents = new Map<string, Uint8Array>();
  for (let i = 0, n = 1 + integerBelow(random, 30); i < n; i++) {
    const content = new Uint8Array(integerBelow(random, 6) === 0 ? 0 : integerBelow(random, 30_000));
    random.at(i).fill(content);
    contents.set(`/${i}`, content);
  }
  const page = definePage({
    name: 'lossy page',
    // a third of the objects is asked for only when an earlier one is there
    objects: [...contents].map(([path, { length }], i) => ({
      path,
      size: length,
      after: i > 0 && integerBelow(random, 3) === 0 ? [`/${integerBelow(random, i)}`] : [],
    })),
  });
  const record = runSimulated({
    model,
    seed,
    page,
    source: (path) => contents.get(path),
    links: { up: drawLink(random.fork('up')), down: drawLink(random.fork('down')) },
    ends: { crypto: nullProtection(nodeProvider), config: { maxIdleTimeout: 1_000 * SECOND } }, // what fails is stuck, nobody gives up
  });
  const problems: string[] = [];
  const expect = (holds: boolean, what: string): void => void (holds || problems.push(what));
  expect(record.objects.length === contents.size, `${record.objects.length} of ${contents.size} objects were asked for`);
  for (const object of accountRun(record)) {
    const { id, status, bytes, sha256, requestedAt, completedAt, blocked, intervals } = object;
    const content = contents.get(id)!;
    const name = `'${id}'`;
    expect(
      status === 200 && bytes === content.length && sha256 === createHash('sha256').update(content).digest('hex'),
      `${name} is not what was served`,
    );
    expect(requestedAt <= completedAt && completedAt <= record.finishedAt, `${name} took from ${requestedAt} to ${completedAt}`);
    expect(
      intervals.every(({ from, to }) => requestedAt <= from && from < to && to <= completedAt),
      `${name} was blocked outside of its lifetime`,
    );
    const sum = intervals.reduce((total, { from, to }) => total + to - from, 0);
    expect(
      sum === blocked.own + blocked.other && sum <= completedAt - requestedAt,
      `${name} was blocked for ${sum} µs, ${JSON.stringify(blocked)}`,
    );
    expect(model !== 'h3' || blocked.other === 0, `${name} waited for another stream`);
  }
  return problems;
}
