import { DatagramWatch } from './datagram-watch.ts';

/** Tells several watches of one direction all that one would be told, in their order. */
export class TeeWatch extends DatagramWatch {
  readonly #watches: readonly DatagramWatch[];

  constructor(watches: readonly DatagramWatch[]) {
    super();
    this.#watches = watches;
  }

  override packetLeft(...told: Parameters<DatagramWatch['packetLeft']>): void {
    for (const watch of this.#watches) watch.packetLeft(...told);
  }
  override segmentLeft(...told: Parameters<DatagramWatch['segmentLeft']>): void {
    for (const watch of this.#watches) watch.segmentLeft(...told);
  }
  override entered(...told: Parameters<DatagramWatch['entered']>): void {
    for (const watch of this.#watches) watch.entered(...told);
  }
  override dropped(...told: Parameters<DatagramWatch['dropped']>): void {
    for (const watch of this.#watches) watch.dropped(...told);
  }
  override marked(...told: Parameters<DatagramWatch['marked']>): void {
    for (const watch of this.#watches) watch.marked(...told);
  }
  override remarked(...told: Parameters<DatagramWatch['remarked']>): void {
    for (const watch of this.#watches) watch.remarked(...told);
  }
  override departed(...told: Parameters<DatagramWatch['departed']>): void {
    for (const watch of this.#watches) watch.departed(...told);
  }
  override delivered(...told: Parameters<DatagramWatch['delivered']>): void {
    for (const watch of this.#watches) watch.delivered(...told);
  }
}
