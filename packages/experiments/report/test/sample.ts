import { Ledger } from '@quiclab/ledger';
import { compare, type ResultJson, type RunResult, type StreamResult } from '@quiclab/report';
import { fraction, integerBelow, seededRandom } from '@quiclab/sansio';

/** A result as a run would give it: packets of N files take turns, some are lost and repaired a round trip later. */
export function sampleResult(options: { readonly files?: number; readonly loss?: number; readonly seeds?: number } = {}): ResultJson {
  const { files = 12, loss = 0.02, seeds = 1 } = options;
  const runs = Array.from({ length: seeds }, (_, seed) => [
    sampleRun('h3', seed, files, loss),
    sampleRun('h3-single', seed, files, loss),
  ]).flat();
  return {
    schema: 1,
    seed: 0,
    world: 'simulated',
    version: '0.1.0',
    plan: { models: ['h3', 'h3-single'], files, loss, delay: 20_000, rate: 20_000_000, queue: 1_000, repeat: seeds },
    runs,
    comparison: compare(runs, seededRandom('sample')),
  };
}

const PACKET = 1_200;

export function sampleRun(model: string, seed: number, files: number, loss: number): RunResult {
  const sizes = Array.from({ length: files }, (_, i) => 4_000 + ((i * 7_919) % 90_000));
  const draw = seededRandom(`loss/${seed}`);
  const ledger = new Ledger();
  if (model === 'h3') for (let i = 0; i < files; i++) ledger.ownCarrier(4 * i, 4 * i);
  const left = [...sizes];
  const arrivals: { at: number; carrier: number; offset: number; length: number; exchange: number }[] = [];
  let now = 41_000;
  let single = 0;
  let lost = 0;
  let entered = 0;
  while (left.some((size) => size > 0))
    for (let i = 0; i < files; i++) {
      if (left[i]! <= 0) continue;
      const length = Math.min(PACKET, left[i]!);
      const [carrier, offset] = model === 'h3' ? [4 * i, sizes[i]! - left[i]!] : [0, single];
      if (model !== 'h3') ledger.onOwner(0, single, length, 4 * i);
      single += length;
      left[i]! -= length;
      now += 480;
      const dropped = fraction(draw.at(entered++)) < loss;
      if (dropped) {
        lost++;
        ledger.onDropped(now - 20_000, [{ carrier, offset, length }]);
      }
      arrivals.push({ at: dropped ? now + 46_000 + integerBelow(draw, 4_000) : now, carrier, offset, length, exchange: 4 * i });
    }
  for (const { at, carrier, offset, length } of arrivals.sort((a, b) => a.at - b.at)) ledger.onArrived(at, carrier, offset, length);
  const streams = ledger.exchanges().map(
    ({ exchange, firstArrived, lastDeliverable, lostPackets, lostAt, blocked, blockedByteTime, intervals }): StreamResult => ({
      id: exchange,
      file: exchange / 4 < FILES.length ? FILES[exchange / 4]! : `more/${exchange / 4}.ts`,
      bytes: sizes[exchange / 4]!,
      requested: 0,
      firstByte: firstArrived,
      completion: lastDeliverable,
      lostPackets,
      lostAt,
      blocked,
      blockedByteTime,
      intervals,
    }),
  );
  return {
    model,
    seed,
    pageLoad: Math.max(...streams.map((stream) => stream.completion)),
    streams,
    links: { up: { entered: 80, lost: 1, queueDropped: 0 }, down: { entered, lost, queueDropped: 0 } },
  };
}

const FILES = [
  'base/bytes/src/range-set.ts',
  'base/sansio/src/random.ts',
  'datagram/impair/src/gilbert-elliott.ts',
  'datagram/relay/src/lateness.ts',
  'experiments/ledger/src/replay.ts',
  'experiments/report/src/table.ts',
  'http/http3/src/connection.ts',
  'http/qpack/src/static-table.ts',
  'transport/quic/src/connection/connection.ts',
  'transport/quic/src/endpoint/admission.ts',
  'transport/quic/src/packet/builder.ts',
  'transport/recovery/src/loss-detector.ts',
];
