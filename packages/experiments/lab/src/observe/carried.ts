/**
 * Which packets each datagram carried that entered a link, as far as they had octets of exchanges in them: three numbers for each packet, the
 * datagram (as the link counts them, from 1), its flow and what it is called there.
 */
export class Carried {
  readonly rows: number[] = [];
  readonly #counts: boolean;
  readonly #packets: number[] = []; // of the datagram that left last: flow and copy
  readonly #rowOf: number[] = []; // the first row of each datagram, by its index; -1: it has none
  #left = 0;
  #arriving = -1; // the first row of the datagram that came out last

  /** @param counts  the nth datagram that leaves is the nth that enters */
  constructor(counts: boolean) {
    this.#counts = counts;
  }

  /** A datagram left, with these packets of a flow. It enters a link, if any, before another one leaves. */
  onLeft(flow: number, copies: readonly number[]): void {
    this.#forget();
    for (let i = 0; i < copies.length; i++) this.#packets.push(flow, copies[i]!);
    this.#left++;
    if (this.#counts) this.onEntered(this.#left);
  }

  /** The datagram that left last is the link's nth. */
  onEntered(index: number): void {
    const packets = this.#packets;
    while (this.#rowOf.length < index) this.#rowOf.push(-1);
    this.#rowOf[index] = packets.length === 0 ? -1 : this.rows.length;
    for (let i = 0; i < packets.length; i += 2) this.rows.push(index, packets[i]!, packets[i + 1]!);
    this.#forget();
  }

  #forget(): void {
    while (this.#packets.length > 0) this.#packets.pop(); // `length = 0` would give the memory back
  }

  /** The nth came out at the other end, and is handed over now. */
  onDelivered(index: number): void {
    this.#arriving = this.#rowOf[index] ?? -1;
  }

  /** What the packet of a flow is called that has just come; -1: no link has told. */
  copyArriving(flow: number): number {
    const row = this.#arriving;
    return row >= 0 && this.rows[row + 1] === flow ? this.rows[row + 2]! : -1;
  }
}
