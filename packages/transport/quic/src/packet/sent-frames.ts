import type { FrameLog } from '../observer.ts';

/** Numbers for each frame in a log: type, stream, offset, size (see FrameLog). */
export const FRAME_STRIDE = 4;

/**
 * What a packet carries, as a list of numbers: four for each frame. On a packet that was sent it says whom to tell when
 * it is acknowledged or lost; an observer reads the very same list.
 */
export class LoggedFrames implements FrameLog {
  numbers: number[];

  constructor(numbers: number[] = []) {
    this.numbers = numbers;
  }

  get length(): number {
    return this.numbers.length / FRAME_STRIDE;
  }
  type(i: number): number {
    return this.numbers[i * FRAME_STRIDE]!;
  }
  stream(i: number): number {
    return this.numbers[i * FRAME_STRIDE + 1]!;
  }
  offset(i: number): number {
    return this.numbers[i * FRAME_STRIDE + 2]!;
  }
  size(i: number): number {
    return this.numbers[i * FRAME_STRIDE + 3]!;
  }
}
