/** One value that the peer must learn, said until it is acknowledged. A newer value replaces an older one (RFC 9000 §13.3). */
export class Announced {
  value: number;
  /** The newest value has not been said since it changed, or since it was lost. */
  pending: boolean;

  constructor(value: number) {
    this.value = value;
    this.pending = false;
  }

  set(value: number): void {
    this.value = value;
    this.pending = true;
  }

  onSent(): void {
    this.pending = false;
  }

  /** A frame with this value was lost; only the newest is worth saying again. */
  onLost(value: number): void {
    if (value === this.value) this.pending = true;
  }
}
