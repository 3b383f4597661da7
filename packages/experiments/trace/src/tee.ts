import { Observer } from '@quiclab/quic';

/** Tells several observers what one is told, in their order: a qlog, a key log and a ledger of the same connection. */
export class TeeObserver extends Observer {
  override readonly readsPayloads: boolean;
  readonly #observers: readonly Observer[];

  constructor(observers: readonly Observer[]) {
    super();
    this.readsPayloads = observers.some((observer) => observer.readsPayloads);
    this.#observers = observers;
  }

  override started(...told: Parameters<Observer['started']>): void {
    for (const observer of this.#observers) observer.started(...told);
  }

  override versionsOffered(...told: Parameters<Observer['versionsOffered']>): void {
    for (const observer of this.#observers) observer.versionsOffered(...told);
  }

  override retryReceived(...told: Parameters<Observer['retryReceived']>): void {
    for (const observer of this.#observers) observer.retryReceived(...told);
  }

  override versionNegotiated(...told: Parameters<Observer['versionNegotiated']>): void {
    for (const observer of this.#observers) observer.versionNegotiated(...told);
  }

  override parameters(...told: Parameters<Observer['parameters']>): void {
    for (const observer of this.#observers) observer.parameters(...told);
  }

  override parametersRestored(...told: Parameters<Observer['parametersRestored']>): void {
    for (const observer of this.#observers) observer.parametersRestored(...told);
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

  override packetsAcked(...told: Parameters<Observer['packetsAcked']>): void {
    for (const observer of this.#observers) observer.packetsAcked(...told);
  }

  override packetDropped(...told: Parameters<Observer['packetDropped']>): void {
    for (const observer of this.#observers) observer.packetDropped(...told);
  }

  override packetBuffered(...told: Parameters<Observer['packetBuffered']>): void {
    for (const observer of this.#observers) observer.packetBuffered(...told);
  }

  override streamState(...told: Parameters<Observer['streamState']>): void {
    for (const observer of this.#observers) observer.streamState(...told);
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

  override datagramMoved(...told: Parameters<Observer['datagramMoved']>): void {
    for (const observer of this.#observers) observer.datagramMoved(...told);
  }

  override recoveryUpdated(...told: Parameters<Observer['recoveryUpdated']>): void {
    for (const observer of this.#observers) observer.recoveryUpdated(...told);
  }

  override sendingRefused(...told: Parameters<Observer['sendingRefused']>): void {
    for (const observer of this.#observers) observer.sendingRefused(...told);
  }

  override timerSet(...told: Parameters<Observer['timerSet']>): void {
    for (const observer of this.#observers) observer.timerSet(...told);
  }

  override lossTimeout(...told: Parameters<Observer['lossTimeout']>): void {
    for (const observer of this.#observers) observer.lossTimeout(...told);
  }

  override probeTimeout(...told: Parameters<Observer['probeTimeout']>): void {
    for (const observer of this.#observers) observer.probeTimeout(...told);
  }

  override handshakeState(...told: Parameters<Observer['handshakeState']>): void {
    for (const observer of this.#observers) observer.handshakeState(...told);
  }

  override connectionIdChanged(...told: Parameters<Observer['connectionIdChanged']>): void {
    for (const observer of this.#observers) observer.connectionIdChanged(...told);
  }

  override pathAdded(...told: Parameters<Observer['pathAdded']>): void {
    for (const observer of this.#observers) observer.pathAdded(...told);
  }

  override pathValidation(...told: Parameters<Observer['pathValidation']>): void {
    for (const observer of this.#observers) observer.pathValidation(...told);
  }

  override pathChanged(...told: Parameters<Observer['pathChanged']>): void {
    for (const observer of this.#observers) observer.pathChanged(...told);
  }

  override ecnState(...told: Parameters<Observer['ecnState']>): void {
    for (const observer of this.#observers) observer.ecnState(...told);
  }

  override pathRemoved(...told: Parameters<Observer['pathRemoved']>): void {
    for (const observer of this.#observers) observer.pathRemoved(...told);
  }

  override mtuUpdated(...told: Parameters<Observer['mtuUpdated']>): void {
    for (const observer of this.#observers) observer.mtuUpdated(...told);
  }

  override keysInstalled(...told: Parameters<Observer['keysInstalled']>): void {
    for (const observer of this.#observers) observer.keysInstalled(...told);
  }

  override keysDiscarded(...told: Parameters<Observer['keysDiscarded']>): void {
    for (const observer of this.#observers) observer.keysDiscarded(...told);
  }

  override keyUpdated(...told: Parameters<Observer['keyUpdated']>): void {
    for (const observer of this.#observers) observer.keyUpdated(...told);
  }

  override ended(...told: Parameters<Observer['ended']>): void {
    for (const observer of this.#observers) observer.ended(...told);
  }

  override closed(...told: Parameters<Observer['closed']>): void {
    for (const observer of this.#observers) observer.closed(...told);
  }

  override secret(...told: Parameters<Observer['secret']>): void {
    for (const observer of this.#observers) observer.secret(...told);
  }
}
