/** Octets of window for which one piece beyond a hole is remembered: full packets, every other of which is lost, make fewer. */
export const OCTETS_PER_PIECE = 2_048;
/** Pieces that are remembered however small the window is. */
export const LEAST_PIECES = 1_000;

/** How many pieces beyond a hole a window of so many octets is good for. */
export const piecesFor = (window: number): number => Math.max(LEAST_PIECES, Math.floor(window / OCTETS_PER_PIECE));

/** The pieces beyond a hole that several streams hold together: each costs memory and time, and it is the peer who makes them. */
export class PieceBudget {
  held: number;
  limit: number;

  constructor(limit: number = LEAST_PIECES) {
    this.held = 0;
    this.limit = limit;
  }

  get isFull(): boolean {
    return this.held >= this.limit;
  }
}
