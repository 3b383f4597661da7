import type { CryptoProvider } from '@quiclab/crypto';
import type { ByteStream, ByteStreamEvent, Micros } from '@quiclab/sansio';
import { Alert } from '../alerts.ts';
import { encodeKeyUpdate } from '../messages/key-update.ts';
import { type HandshakeStep, type RecordHandshake, TlsAlert } from '../port.ts';
import { alertName, CLOSE_NOTIFY, ContentType, isError } from './content.ts';
import { RecordObserver } from './observer.ts';
import { recordShape, type TlsStreamEvent, type TlsStreamOptions } from './options.ts';
import { RecordKeys } from './protection.ts';
import { RecordReader } from './record-reader.ts';
import { RecordWriter } from './record-writer.ts';

const EMPTY = new Uint8Array(0);
/** KeyUpdates without application data between: each costs three HMACs for some thirty octets. */
const MAX_KEY_UPDATES = 32;
/** Octets that are read for nothing, after the end: closing earlier would reset the stream below, and our last words with it. */
const MAX_DRAINED = 65_536;

/**
 * TLS 1.3 over a byte stream, and a byte stream itself. RFC 9846 §5, §6. Events of the stream below go to `onTransport`; what happens
 * here is asked for with `pollEvent` after every call. A client begins with `start`.
 */
export class TlsStream implements ByteStream {
  readonly #below: ByteStream;
  readonly #handshake: RecordHandshake;
  readonly #provider: CryptoProvider;
  readonly #observer: RecordObserver;
  readonly #side: 'client' | 'server';
  readonly #keyUpdateAfter: number;
  readonly #reader: RecordReader;
  readonly #writer: RecordWriter;
  readonly #events: TlsStreamEvent[] = []; // each kind waits once; sessions are counted by the handshake
  #secured = false;
  /** What was opened and not read: one record at most, nothing behind it is looked at before. */
  #plain: Uint8Array | undefined = undefined;
  /** `read` had nothing to give: 'readable' will say when it has. */
  #readWaits = true;
  #writeWaits = false;
  /** The peer's close_notify has come; and `read` has said so. */
  #closeReceived = false;
  #endRead = false;
  /** The stream below has ended, in that direction; in both. */
  #belowFin = false;
  #belowClosed: Extract<ByteStreamEvent, { type: 'closed' }> | undefined = undefined;
  #finishing = false;
  #closeSent = false;
  #belowFinished = false;
  /** An alert was our last word. */
  #failed = false;
  #over = false;
  #drained = 0;
  /** Octets of early data that may still be sent (a client), or that are taken or passed over (a server). */
  #earlyOctets = 0;
  #earlyAlpn = '';
  #updateDue = false;
  #updateRequests = false;
  /** We asked the peer to update its keys, and it has not yet (RFC 9846 §4.6.3). */
  #updateAsked = false;
  #updatesInARow = 0;

  constructor(options: TlsStreamOptions) {
    const { below, handshake, provider, side, observer = new RecordObserver(), keyUpdateAfter = 2 ** 24 } = options;
    this.#below = below;
    this.#handshake = handshake({ remember: EMPTY, ...options, transport: 'tcp' });
    this.#provider = provider;
    this.#observer = observer;
    this.#side = side;
    this.#keyUpdateAfter = keyUpdateAfter;
    this.#reader = new RecordReader(side, observer);
    this.#writer = new RecordWriter(below, recordShape(options), observer);
  }

  get unacknowledged(): number {
    return this.#writer.waiting + (this.#below.unacknowledged ?? 0);
  }

  /** A client's first words, as soon as the stream below takes them. */
  start(now: Micros): void {
    this.#turn(now);
  }

  /** What happened to the stream below. */
  onTransport(now: Micros, event: ByteStreamEvent): void {
    if (event.type === 'closed') this.#belowClosed = event;
    this.#turn(now);
  }

  pollEvent(): TlsStreamEvent | undefined {
    return this.#events.shift();
  }

  write(now: Micros, data: Uint8Array): number {
    if (this.#over || this.#finishing) return 0;
    let taken = 0;
    while (taken < data.length && this.#mayWrite) {
      if (this.#updateDue || this.#writer.isSpent(this.#keyUpdateAfter)) this.#updateWriteKeys();
      const early = this.#writer.level === 'early';
      const count = this.#writer.applicationData(data, taken, early ? this.#earlyOctets : data.length);
      if (early) this.#earlyOctets -= count;
      taken += count;
      this.#writer.flush(now);
    }
    if (taken < data.length) this.#writeWaits = true;
    return taken;
  }

  read(now: Micros): { readonly data: Uint8Array; readonly fin: boolean } | undefined {
    const data = this.#plain;
    if (data === undefined) {
      if (!this.#closeReceived || this.#endRead) {
        this.#readWaits = true;
        return undefined;
      }
      this.#endRead = true;
      return { data: EMPTY, fin: true };
    }
    this.#plain = undefined;
    this.#turn(now);
    this.#endRead = this.#closeReceived && this.#plain === undefined;
    return { data, fin: this.#endRead };
  }

  /** close_notify, then the end of the stream below in this direction (RFC 9846 §6.1). */
  finish(now: Micros): void {
    this.#finishing = true;
    this.#turn(now);
  }

  /** Gives up the stream below, too; after an alert, the alert if it has not left, and a peer that does not close. */
  abort(now: Micros, reason: string): void {
    if (this.#belowClosed !== undefined) return;
    this.#writer.clear();
    this.#below.abort(now, reason);
    if (!this.#over) this.#end(false, reason);
  }

  /** Goes on to the next keys, and asks the peer to do so if wanted: before the next record of application data (RFC 9846 §4.6.3). */
  updateKeys(now: Micros, requestPeer = true): void {
    this.#updateDue = true;
    this.#updateRequests ||= requestPeer && !this.#updateAsked;
    this.#turn(now);
  }

  get #mayWrite(): boolean {
    if (this.#writer.blocked || this.#failed || this.#over) return false;
    if (this.#writer.level === 'application') return true;
    // RFC 9846 §5.5: there is no KeyUpdate for early data
    return this.#writer.level === 'early' && this.#earlyOctets > 0 && !this.#writer.isSpent(this.#keyUpdateAfter);
  }

  #turn(now: Micros): void {
    if (this.#over && !this.#failed) return;
    try {
      this.#receive(now);
    } catch (error) {
      if (!(error instanceof TlsAlert)) throw error;
      this.#fail(now, error.alert, error.message);
    }
    this.#send(now);
    if (this.#closeReceived || this.#failed) this.#drain(now);
    this.#judge(now);
  }

  #receive(now: Micros): void {
    while (this.#plain === undefined && !this.#closeReceived && !this.#over) {
      if (this.#reader.next()) {
        this.#onContent(now);
        continue;
      }
      const got = this.#belowFin ? undefined : this.#below.read(now);
      if (got === undefined) return;
      this.#belowFin = got.fin;
      this.#reader.push(got.data);
    }
  }

  #onContent(now: Micros): void {
    const { type, octets, start, end } = this.#reader;
    const content = octets.subarray(start, end);
    if (type === ContentType.HANDSHAKE) this.#onHandshake(now, content);
    else if (this.#handshake.midMessage) throw new TlsAlert(Alert.UNEXPECTED_MESSAGE, 'a record between the parts of a handshake message');
    else if (type === ContentType.ALERT) this.#onAlert(now, content);
    else this.#onApplicationData(content);
  }

  #onHandshake(now: Micros, content: Uint8Array): void {
    if (content.length === 0) throw new TlsAlert(Alert.UNEXPECTED_MESSAGE, 'an empty handshake record');
    this.#handshake.receive(now, this.#reader.level, content);
    this.#reader.countUseful();
    this.#advance(now);
  }

  #onAlert(now: Micros, content: Uint8Array): void {
    if (content.length === 0) throw new TlsAlert(Alert.UNEXPECTED_MESSAGE, 'an empty alert record');
    if (content.length !== 2) throw new TlsAlert(Alert.DECODE_ERROR, `${content.length} octets of alert; one alert has 2`);
    const description = content[1]!;
    this.#observer.alert('received', description);
    if (isError(description)) this.#give(now, `the peer sent ${alertName(description)}`);
    else if (description !== CLOSE_NOTIFY) this.#reader.countIdle();
    else if (!this.#secured) this.#give(now, 'the peer closed during the handshake');
    else {
      this.#closeReceived = true;
      this.#reader.clear();
      this.#tellReadable();
    }
  }

  #onApplicationData(content: Uint8Array): void {
    const { level } = this.#reader;
    if (level === 'handshake') throw new TlsAlert(Alert.UNEXPECTED_MESSAGE, 'application data during the handshake');
    if (level === 'early' && (this.#earlyOctets -= content.length) < 0)
      throw new TlsAlert(Alert.UNEXPECTED_MESSAGE, 'more early data than the ticket allows');
    if (content.length === 0) {
      this.#reader.countIdle();
      return;
    }
    this.#reader.countUseful();
    this.#updatesInARow = 0;
    this.#plain = content;
    this.#tellReadable();
  }

  #tellReadable(): void {
    if (this.#readWaits) this.#events.push({ type: 'readable' });
    this.#readWaits = false;
  }

  /** Takes the handshake's steps. */
  #advance(now: Micros): void {
    for (let step = this.#handshake.poll(now); step !== undefined; step = this.#handshake.poll(now)) this.#onStep(step);
  }

  #onStep(step: HandshakeStep): void {
    switch (step.type) {
      case 'send':
        this.#writer.handshake(step.level, step.data);
        break;
      case 'change-cipher-spec':
        this.#writer.changeCipherSpec();
        break;
      case 'secret': {
        const keys = new RecordKeys(this.#provider, step.suite, step.level, step.secret);
        this.#observer.secret(step.label, step.clientRandom, step.secret);
        if (step.side === 'read') this.#reader.install(keys);
        else this.#writer.install(keys);
        break;
      }
      case 'early':
        this.#earlyOctets = step.octets;
        this.#earlyAlpn = step.alpn;
        if (this.#side === 'client') this.#events.push(step);
        break;
      case 'early-data':
        if (!step.accepted) this.#onEarlyDataRejected();
        else if (this.#side === 'server') this.#events.push({ type: 'early', alpn: this.#earlyAlpn, octets: this.#earlyOctets });
        break;
      case 'complete':
        this.#secured = true;
        this.#reader.finished = true;
        this.#writer.forgetHandshakeKeys();
        this.#events.push({ type: 'secured', alpn: step.alpn, resumed: step.resumed, earlyData: step.earlyData });
        break;
      case 'session':
        this.#events.push({ type: 'session', data: step.data });
        break;
      case 'key-update':
        this.#onKeyUpdate(step.requested);
    }
  }

  #onEarlyDataRejected(): void {
    if (this.#side === 'server') {
      this.#reader.skipEarlyData(this.#earlyOctets);
      return;
    }
    this.#earlyOctets = 0;
    this.#writer.plaintextOffset = 0;
    this.#finishing = false;
  }

  #onKeyUpdate(requested: boolean): void {
    if (++this.#updatesInARow > MAX_KEY_UPDATES)
      throw new TlsAlert(Alert.UNEXPECTED_MESSAGE, `${MAX_KEY_UPDATES} KeyUpdates, and nothing under the keys`);
    this.#reader.updateKeys();
    this.#updateAsked = false;
    this.#updateDue ||= requested; // RFC 9846 §4.6.3: one answer will do for all that were asked for meanwhile
  }

  #updateWriteKeys(): void {
    this.#updateDue = false;
    if (!this.#writer.canUpdate) return;
    this.#writer.handshake('application', encodeKeyUpdate(this.#updateRequests));
    this.#writer.updateKeys();
    this.#updateAsked ||= this.#updateRequests;
    this.#updateRequests = false;
  }

  #send(now: Micros): void {
    if (!this.#failed) this.#advance(now);
    if (!this.#writer.flush(now) || this.#belowFinished) return;
    if (this.#failed) this.#finishBelow(now);
    if (this.#over || this.#writer.level === 'initial') return;
    const open = this.#writer.level === 'application';
    if (open && this.#updateDue) this.#updateWriteKeys();
    if (open && this.#finishing && !this.#closeSent) {
      this.#writer.alert(CLOSE_NOTIFY);
      this.#closeSent = true;
    }
    if (!this.#writer.flush(now)) return;
    if (this.#closeSent) this.#finishBelow(now);
    else if (this.#writeWaits && this.#mayWrite) {
      this.#writeWaits = false;
      this.#events.push({ type: 'writable' });
    }
  }

  #finishBelow(now: Micros): void {
    this.#belowFinished = true;
    this.#below.finish(now);
  }

  /** The peer broke a rule, and is told which (RFC 9846 §6.2). */
  #fail(now: Micros, description: number, reason: string): void {
    this.#advance(now); // what came before may have brought keys: to say goodbye with
    this.#writer.alert(description);
    this.#failed = true;
    this.#reader.clear();
    this.#end(false, `${alertName(description)}: ${reason}`);
  }

  /** The peer is gone, or wants nothing more of us. */
  #give(now: Micros, reason: string): void {
    this.#writer.clear();
    this.#below.abort(now, reason);
    this.#end(false, reason);
  }

  /** What comes after the end is ignored (RFC 9846 §6.1). */
  #drain(now: Micros): void {
    for (let got = this.#belowFin ? undefined : this.#below.read(now); got !== undefined; got = this.#below.read(now)) {
      this.#belowFin = got.fin;
      this.#drained += got.data.length;
      if (got.fin) return;
      if (this.#drained <= MAX_DRAINED) continue;
      this.#below.abort(now, 'the peer goes on after the end');
      if (!this.#over) this.#end(false, 'the peer goes on after its close_notify');
      return;
    }
  }

  /** Whether this is the end: not before everything that came was read. */
  #judge(now: Micros): void {
    if (this.#over) return;
    const closed = this.#belowClosed;
    if (closed !== undefined && !closed.clean) {
      this.#end(false, closed.reason);
      return;
    }
    if (this.#plain !== undefined) return;
    if (!this.#closeReceived && (this.#belowFin || closed !== undefined)) {
      this.#end(
        false,
        this.#secured ? 'the stream ends without close_notify: it may have been cut short' : 'the stream ends during the handshake',
      );
      this.#below.finish(now);
    } else if (closed !== undefined)
      this.#end(this.#closeSent, this.#closeSent ? closed.reason : 'the stream below is over before our close_notify');
  }

  #end(clean: boolean, reason: string): void {
    this.#over = true;
    this.#events.push({ type: 'closed', clean, reason });
  }
}
