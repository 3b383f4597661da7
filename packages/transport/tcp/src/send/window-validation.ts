/**
 * Whether the window was used, so that it may grow, as Linux judges it (tcp_is_cwnd_limited, tcp_cwnd_validate): it was full at
 * some time since a round trip; or, in slow start, more than half of it was outstanding. RFC 7661 §4.3 is as patient. Octets.
 */
export class WindowValidation {
  #limited = false;
  #most = 0;
  /** Once this is acknowledged, a new period begins. */
  #until = 0;
  #sent = false;

  onSent(): void {
    this.#sent = true;
  }

  /**
   * The sender has stopped.
   * @param limited  because the window is full
   */
  onStopped(limited: boolean, una: number, next: number): void {
    if (!this.#sent && !limited) return;
    this.#sent = false;
    if (una < this.#until && !limited && (this.#limited || next - una <= this.#most)) return;
    this.#limited = limited;
    this.#most = next - una;
    this.#until = next;
  }

  used(window: number, slowStart: boolean): boolean {
    return this.#limited || (slowStart && window < 2 * this.#most);
  }
}
