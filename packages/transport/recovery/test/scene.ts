import { type CongestionController, fixedWindow } from '@quiclab/congestion';
import type { Micros } from '@quiclab/sansio';
import { packetAndTimeThreshold, Recovery, type RecoveryOptions, type SentRecord, Space, standardProbes } from '../src/index.ts';

/** A Recovery with the plain policies, and packet numbers that count by themselves. */
export class Scene {
  readonly recovery: Recovery;
  readonly #next = [0, 0, 0];

  constructor(options: Partial<RecoveryOptions> & { controller?: CongestionController } = {}) {
    this.recovery = new Recovery({
      side: 'client',
      controller: fixedWindow(1_000_000),
      lossDetector: () => packetAndTimeThreshold(),
      probes: standardProbes,
      ...options,
    });
  }

  /** A scene past its handshake: confirmed, max_ack_delay 25 ms unless given. */
  static confirmed(options: Partial<RecoveryOptions> = {}, maxAckDelay: Micros = 25_000): Scene {
    const scene = new Scene(options);
    scene.recovery.handshakeConfirmed = true;
    scene.recovery.maxAckDelay = maxAckDelay;
    return scene;
  }

  send(
    now: Micros,
    options: {
      space?: Space;
      bytes?: number;
      ackEliciting?: boolean;
      inFlight?: boolean;
      skip?: number;
      mtuProbe?: boolean;
      elsewhere?: boolean;
    } = {},
  ): number {
    const space = options.space ?? Space.APPLICATION;
    const record = this.recovery.record(space);
    this.#next[space]! += options.skip ?? 0;
    record.packetNumber = this.#next[space]!++;
    record.bytes = options.bytes ?? 1200;
    record.ackEliciting = options.ackEliciting ?? true;
    record.inFlight = options.inFlight ?? true;
    record.mtuProbe = options.mtuProbe ?? false;
    record.elsewhere = options.elsewhere ?? false;
    record.frames.push(record.packetNumber);
    this.recovery.sent(now, space, record);
    return record.packetNumber;
  }

  /** Acknowledges the ranges given as [smallest, largest], descending. */
  ack(now: Micros, ranges: readonly (readonly [number, number])[], options: { space?: Space; delay?: Micros } = {}): boolean {
    const largest = ranges.map((range) => range[1]);
    const smallest = ranges.map((range) => range[0]);
    return this.recovery.onAck(now, options.space ?? Space.APPLICATION, ranges.length, largest, smallest, options.delay ?? 0);
  }
}

export const numbers = (records: readonly SentRecord[]): number[] => records.map((record) => record.packetNumber);
