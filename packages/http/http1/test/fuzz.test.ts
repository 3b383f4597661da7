import { test } from 'vitest';
import { fuzzClient, fuzzNoise, fuzzServer } from './fuzz.ts';

// the sweep (QUICLAB_SWEEP) has more of them
const seeds = Array.from({ length: 300 }, (_, seed) => seed);

test('requests that something was done to: a server rests, whatever pieces they come in, and means what it has taken', () => {
  for (const seed of [...seeds, 3_654, 19_450]) fuzzServer(seed); // those that failed once: CONNECT, and a 100 that came or did not
});

test('responses that something was done to: a client rests, whatever pieces they come in', () => {
  for (const seed of [...seeds, 1_853]) fuzzClient(seed); // octets behind the last response
});

test('noise', () => {
  for (const seed of seeds.slice(0, 50)) fuzzNoise(seed);
});
