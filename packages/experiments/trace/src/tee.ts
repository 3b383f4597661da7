import { Observer } from '@quiclab/quic';

/** Tells several observers what one is told, in their order: a qlog, a key log and a ledger of the same connection. */
export class TeeObserver extends Observer {
  readonly #observers: readonly Observer[];

  constructor(observers: readonly Observer[]) {
    super();
    this.#observers = observers;
  }

  override started(...told: Parameters<Observer['started']>): void {
    for (const observer of this.#observers) observer.started(...told);
  }

  override parameters(...told: Parameters<Observer['parameters']>): void {
    for (const observer of this.#observers) observer.parameters(...told);
  }

  override datagramSent(...told: Parameters<Observer['datagramSent']>): void {
    for (const observer of this.#observers) observer.datagramSent(...told);
  }

  override datagramReceived(...told: Parameters<Observer['datagramReceived']>): void {
    for (const observer of this.#observers) observer.datagramReceived(...told);
  }

  override packetSent(...told: Parameters<Observer['packetSent']>): void {
    for (const observer of this.#observers) observer.packetSent(...told);
  }

  override packetReceived(...told: Parameters<Observer['packetReceived']>): void {
    for (const observer of this.#observers) observer.packetReceived(...told);
  }

  override packetLost(...told: Parameters<Observer['packetLost']>): void {
    for (const observer of this.#observers) observer.packetLost(...told);
  }

  override packetDropped(...told: Parameters<Observer['packetDropped']>): void {
    for (const observer of this.#observers) observer.packetDropped(...told);
  }

  override streamWritten(...told: Parameters<Observer['streamWritten']>): void {
    for (const observer of this.#observers) observer.streamWritten(...told);
  }

  override streamSent(...told: Parameters<Observer['streamSent']>): void {
    for (const observer of this.#observers) observer.streamSent(...told);
  }

  override streamArrived(...told: Parameters<Observer['streamArrived']>): void {
    for (const observer of this.#observers) observer.streamArrived(...told);
  }

  override streamDeliverable(...told: Parameters<Observer['streamDeliverable']>): void {
    for (const observer of this.#observers) observer.streamDeliverable(...told);
  }

  override streamRead(...told: Parameters<Observer['streamRead']>): void {
    for (const observer of this.#observers) observer.streamRead(...told);
  }

  override recoveryUpdated(...told: Parameters<Observer['recoveryUpdated']>): void {
    for (const observer of this.#observers) observer.recoveryUpdated(...told);
  }

  override handshakeState(...told: Parameters<Observer['handshakeState']>): void {
    for (const observer of this.#observers) observer.handshakeState(...told);
  }

  override versionNegotiated(...told: Parameters<Observer['versionNegotiated']>): void {
    for (const observer of this.#observers) observer.versionNegotiated(...told);
  }
  override pathChanged(...told: Parameters<Observer['pathChanged']>): void {
    for (const observer of this.#observers) observer.pathChanged(...told);
  }

  override keysDiscarded(...told: Parameters<Observer['keysDiscarded']>): void {
    for (const observer of this.#observers) observer.keysDiscarded(...told);
  }

  override keyUpdated(...told: Parameters<Observer['keyUpdated']>): void {
    for (const observer of this.#observers) observer.keyUpdated(...told);
  }

  override probeTimeout(...told: Parameters<Observer['probeTimeout']>): void {
    for (const observer of this.#observers) observer.probeTimeout(...told);
  }

  override closed(...told: Parameters<Observer['closed']>): void {
    for (const observer of this.#observers) observer.closed(...told);
  }

  override secret(...told: Parameters<Observer['secret']>): void {
    for (const observer of this.#observers) observer.secret(...told);
  }
}
