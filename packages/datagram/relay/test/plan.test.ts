import { Link } from '@quiclab/impair';
import { seededRandom } from '@quiclab/sansio';
import { expect, test } from 'vitest';
import { linkConfig, parseBlackout, parseDrops, parseEndpoint } from '../src/plan.ts';

test('texts with units become a link', () => {
  expect(linkConfig({ delay: '20ms', rate: '20Mbit', queue: '25' }, [])).toEqual({
    delay: 20_000,
    rate: 20e6,
    queue: { packets: 25 },
    loss: [],
  });
  expect(linkConfig({ queue: '64KB' }, [])).toEqual({ delay: 0, queue: { bytes: 64_000 }, loss: [] });
});

test('every quantity is taken by a link', () => {
  const texts = {
    loss: '2%',
    lossBurst: '3',
    burstCap: '5',
    jitter: '1ms',
    reorder: '1%',
    reorderDelay: '2ms',
    duplicate: '1%',
    corrupt: '1%',
  };
  const link = new Link(linkConfig(texts, [parseBlackout('5s-7s'), ...parseDrops('up:3').up]), seededRandom(1));
  expect(link.nextTimeout()).toBe(Number.POSITIVE_INFINITY);
});

test('what is missing or wrong is named', () => {
  expect(() => linkConfig({ delay: '20' }, [])).toThrow("--delay: '20' has no unit");
  expect(() => linkConfig({ loss: '2' }, [])).toThrow('--loss');
  expect(() => linkConfig({ burstCap: '3' }, [])).toThrow('need --loss');
  expect(() => linkConfig({ reorderDelay: '3ms' }, [])).toThrow('needs --reorder');
  expect(() => parseDrops('up:0')).toThrow("'up:0' is not like up:3");
  expect(() => parseDrops('left:1')).toThrow("'left:1'");
  expect(() => parseBlackout('7s-5s')).toThrow('blackout');
  expect(() => parseBlackout('7s')).toThrow("'7s' is not like 5s-7s");
  expect(() => parseEndpoint('4433', '--target')).toThrow("--target: '4433'");
  expect(() => parseEndpoint('localhost:70000', '--target')).toThrow("--target: 'localhost:70000'");
});

test('endpoints are names or addresses', () => {
  expect(parseEndpoint('localhost:4433', '--target')).toEqual({ host: 'localhost', port: 4433 });
  expect(parseEndpoint('[::1]:0', '--listen')).toEqual({ host: '::1', port: 0 });
});
