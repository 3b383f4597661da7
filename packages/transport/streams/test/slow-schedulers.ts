import type { StreamId, StreamPriority, StreamScheduler } from '@quiclab/streams';

// The orders of the schedulers, each written down the plainest way: arrays that are searched, nothing kept in step.

const without = <T extends { id: StreamId }>(list: readonly T[], id: StreamId): T[] => list.filter((one) => one.id !== id);

export class SlowByPacket implements StreamScheduler {
  readonly sharesPackets = true;
  #round: StreamId[] = [];
  #served = false;
  onReady(id: StreamId): void {
    if (!this.#round.includes(id)) this.#round.push(id);
  }
  onNotReady(id: StreamId): void {
    if (this.#round[0] === id) this.#served = false;
    this.#round = this.#round.filter((one) => one !== id);
  }
  next(): StreamId {
    return this.#round[0] ?? -1;
  }
  onSent(id: StreamId): void {
    if (id === this.next()) this.#served = true;
  }
  onPacketDone(): void {
    if (this.#served) this.#round.push(this.#round.shift()!);
    this.#served = false;
  }
}

export class SlowByByte implements StreamScheduler {
  readonly sharesPackets = true;
  readonly #quantum: number;
  #round: { id: StreamId; allowance: number }[] = [];
  constructor(quantum: number) {
    this.#quantum = quantum;
  }
  onReady(id: StreamId): void {
    if (this.#round.some((one) => one.id === id)) return;
    this.#round.push({ id, allowance: this.#round.length === 0 ? this.#quantum : 0 });
  }
  onNotReady(id: StreamId): void {
    const itsTurn = this.next() === id;
    this.#round = without(this.#round, id);
    if (itsTurn) this.#begin();
  }
  next(): StreamId {
    return this.#round[0]?.id ?? -1;
  }
  onSent(id: StreamId, bytes: number): void {
    if (id !== this.next()) return;
    this.#round[0]!.allowance -= bytes;
    if (this.#round[0]!.allowance > 0) return;
    this.#round.push(this.#round.shift()!);
    this.#begin();
  }
  onPacketDone(): void {}
  #begin(): void {
    if (this.#round.length === 0) return;
    while ((this.#round[0]!.allowance += this.#quantum) <= 0) this.#round.push(this.#round.shift()!);
  }
}

export class SlowSequential implements StreamScheduler {
  readonly sharesPackets = true;
  readonly #ready = new Set<StreamId>();
  onReady(id: StreamId): void {
    this.#ready.add(id);
  }
  onNotReady(id: StreamId): void {
    this.#ready.delete(id);
  }
  next(): StreamId {
    return this.#ready.size === 0 ? -1 : Math.min(...this.#ready);
  }
  onSent(): void {}
  onPacketDone(): void {}
}

export class SlowStrictUrgency implements StreamScheduler {
  readonly sharesPackets = true;
  #ready: { id: StreamId; urgency: number; incremental: boolean }[] = [];
  readonly #ahead = new Map<number, number>();
  readonly #circles = new Map<number, SlowByByte>();
  onReady(id: StreamId, { urgency, incremental }: StreamPriority): void {
    const known = this.#ready.find((one) => one.id === id);
    if (known?.urgency === urgency && known.incremental === incremental) return;
    this.onNotReady(id);
    this.#ready.push({ id, urgency, incremental });
    if (!this.#circles.has(urgency)) this.#circles.set(urgency, new SlowByByte(1_200));
    if (incremental) this.#circles.get(urgency)!.onReady(id);
  }
  onNotReady(id: StreamId): void {
    this.#ready = without(this.#ready, id);
    for (const circle of this.#circles.values()) circle.onNotReady(id);
  }
  #look(): { urgency: number; line: StreamId; turn: StreamId; ahead: number } {
    const urgency = Math.min(...this.#ready.map((one) => one.urgency));
    const line = this.#ready.filter((one) => one.urgency === urgency && !one.incremental).map((one) => one.id);
    const turn = this.#circles.get(urgency)!.next();
    return { urgency, line: line.length === 0 ? -1 : Math.min(...line), turn, ahead: this.#ahead.get(urgency) ?? 0 };
  }
  next(): StreamId {
    if (this.#ready.length === 0) return -1;
    const { line, turn, ahead } = this.#look();
    if (line < 0 || turn < 0) return Math.max(line, turn);
    return ahead <= 0 ? line : turn;
  }
  onSent(id: StreamId, bytes: number): void {
    if (id !== this.next() || id < 0) return;
    const { urgency, line, turn, ahead } = this.#look();
    if (line >= 0 && turn >= 0) this.#ahead.set(urgency, ahead + (id === line ? bytes : -bytes));
    if (id === turn) this.#circles.get(urgency)!.onSent(id, bytes);
  }
  onPacketDone(): void {}
}

export class SlowWeightedFair implements StreamScheduler {
  readonly sharesPackets = true;
  #ready: { id: StreamId; weight: number; time: number }[] = [];
  #time = 0;
  onReady(id: StreamId, { urgency }: StreamPriority): void {
    const weight = [128, 64, 32, 16, 8, 4, 2, 1][urgency]!;
    const known = this.#ready.find((one) => one.id === id);
    if (known !== undefined) known.weight = weight;
    else this.#ready.push({ id, weight, time: this.#time });
  }
  onNotReady(id: StreamId): void {
    this.#ready = without(this.#ready, id);
    if (this.#ready.length === 0) this.#time = 0;
  }
  #first(): { id: StreamId; weight: number; time: number } | undefined {
    const over = ({ time, weight }: { time: number; weight: number }): number => time + 1_500 / weight;
    return [...this.#ready].sort((a, b) => over(a) - over(b) || a.id - b.id)[0];
  }
  next(): StreamId {
    return this.#first()?.id ?? -1;
  }
  onSent(id: StreamId, bytes: number): void {
    const first = this.#first();
    if (first === undefined || id !== first.id) return;
    first.time += bytes / first.weight;
    this.#time = Math.max(this.#time, first.time);
  }
  onPacketDone(): void {}
}
