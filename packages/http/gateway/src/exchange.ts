import { type Fields, type HttpEvent, UsageError } from '@quiclab/http-semantics';
import type { Micros } from '@quiclab/sansio';
import { type Answer, answer, sayAnswer } from './answers.ts';
import type { Back } from './back.ts';
import { type Deadlines, disarm, type Timed } from './deadlines.ts';
import type { Front } from './front.ts';
import { LIMITS } from './limits.ts';
import type { Passage } from './observer.ts';
import type { HttpVersion, Settings } from './options.ts';
import { Pump } from './pump.ts';
import { type RequestHead, requestFor } from './request-head.ts';
import { responseFor, webSocketStatus } from './response-head.ts';
import { trailersOf } from './trailers.ts';

/** What an exchange needs of the gateway. */
export interface ExchangeOwner {
  readonly settings: Settings;
  readonly clocks: {
    readonly waiting: Deadlines<Exchange>;
    readonly asked: Deadlines<Exchange>;
    readonly answering: Deadlines<Exchange>;
    readonly tunnel: Deadlines<Exchange>;
    readonly delivering: Deadlines<Exchange>;
  };
  /** It wants a connection to the origin. */
  enqueue(exchange: Exchange): void;
  /** It wants none any more. */
  dequeue(exchange: Exchange): void;
  /** It needs this one no longer. */
  release(now: Micros, back: Back): void;
  onOver(exchange: Exchange): void;
}

type ResponseEvent = Extract<HttpEvent, { type: 'response' }>;
type Outcome = Passage['outcome'];

/** Not said to who asked for a WebSocket by CONNECT: it gave no key (RFC 8441 §5.1), and a tunnel has no length (RFC 9110 §8.6). */
const NOT_TO_CONNECT: ReadonlySet<string> = new Set(['sec-websocket-accept', 'content-length']);
const NOTHING = new Uint8Array(0);

/** One request on its way from a client to the origin, and the response on its way back. RFC 9110 §7.6. */
export class Exchange implements Timed {
  readonly front: Front;
  readonly id: number;
  readonly head: RequestHead;
  readonly began: Micros;
  readonly #owner: ExchangeOwner;
  readonly #early: boolean;
  readonly #hasContent: boolean;
  readonly #up: Pump;
  readonly #down: Pump;
  deadlines: Timed['deadlines'] = undefined;

  #back: Back | undefined = undefined;
  #backId = -1;
  #backVersion: HttpVersion | '' = '';
  #attempts = 0;
  /** The connection on which it was asked had carried others before, and so much had come on it. */
  #onUsed = false;
  #receivedBefore = 0;
  /** It has to be asked on a connection that carried nothing before. */
  needsFresh = false;
  /** The origin has said something of a response, or we have answered in its place. */
  #heard = false;
  #status = 0;
  /** Why the connection to the origin is over, in the middle of a response. */
  #lost = '';
  #tunnel = false;
  /** What the client says is for a WebSocket that the origin did not take yet: it stays where it is. */
  #kept: boolean;
  /** It says nothing, even then. */
  readonly #keptNothing: boolean;
  #webSocketAccept = '';
  #delivered = false;
  /** Octets that had moved when its time began. */
  #movedBefore = 0;
  #over = false;
  #outcome: Outcome = 'complete';
  #reason = '';

  constructor(owner: ExchangeOwner, now: Micros, front: Front, event: Extract<HttpEvent, { type: 'request' }>, head: RequestHead) {
    this.#owner = owner;
    this.front = front;
    this.id = event.id;
    this.head = head;
    this.began = now;
    this.#early = event.early;
    this.#kept = head.webSocket === 'connect';
    this.#keptNothing = this.#kept && event.end;
    this.#hasContent = !event.end && !this.#kept;
    const carry = (at: Micros): void => this.carry(at);
    this.#up = new Pump(carry, owner.settings.maxReplay);
    this.#up.from(front, event.id);
    this.#up.done = !this.#hasContent;
    this.#down = new Pump(carry);
    this.#down.into(front, event.id);
    front.exchanges.set(event.id, this);
  }

  // --- towards the origin -------------------------------------------------------------------------------------------------

  /** Waits for a connection. */
  wait(now: Micros): void {
    this.#owner.clocks.waiting.arm(this, now);
    this.#owner.enqueue(this);
  }

  /** Whether this connection could be asked, if it takes requests. RFC 8441 §3: who makes a tunnel by CONNECT waits for the origin's SETTINGS. */
  suits(back: Back): boolean {
    if (this.needsFresh && back.used) return false;
    return this.head.webSocket !== 'connect' || back.version === '1.1' || back.settings !== 'unknown';
  }

  /** Asks the origin. False: the connection takes no request now. */
  ask(now: Micros, back: Back): boolean {
    const { settings } = this.#owner;
    const connects = this.head.webSocket === 'connect';
    const overHttp1 = back.version === '1.1';
    const key = connects && overHttp1 ? settings.ports.webSocketKey?.() : undefined;
    if (connects && (overHttp1 ? key === undefined : back.settings !== 'connect')) {
      this.answer(now, answer(501, 'http_request_denied', 'the origin takes no WebSocket by CONNECT'));
      return true;
    }
    this.#webSocketAccept = key?.accept ?? '';
    let id: number | undefined;
    try {
      const fields = requestFor(this.head, back.version, this.#early, this.front.facts, settings, key?.key ?? '');
      id = back.http.request(now, fields, this.#up.done && !(connects && !overHttp1));
    } catch (error) {
      if (!(error instanceof UsageError)) throw error;
      this.answer(now, answer(502, 'http_request_error', `the origin cannot be asked that: ${error.message}`));
      return true;
    }
    back.touch();
    if (id === undefined) return false;
    this.#attempts++;
    this.#back = back;
    this.#backId = id;
    this.#backVersion = back.version;
    this.#onUsed = back.used;
    this.#receivedBefore = back.received;
    back.used = true;
    back.exchanges.set(id, this);
    this.#up.into(back, id);
    this.#owner.clocks.asked.arm(this, now);
    this.carry(now);
    return true;
  }

  onRequestTrailers(fields: Fields): void {
    this.#up.onTrailers(trailersOf(fields));
  }

  /** The client is gone, or wants no response. */
  onGivenUp(now: Micros, reason: string): void {
    this.#break(now, reason);
  }

  /** The client has all of the response. */
  onDelivered(): void {
    this.#delivered = true;
    if (this.#up.done && this.#down.done) this.#end();
  }

  // --- from the origin ------------------------------------------------------------------------------------------------------

  onResponse(now: Micros, event: ResponseEvent): void {
    if (this.#status !== 0) return;
    this.#heard = true;
    this.#up.forgetSent();
    const { settings, clocks } = this.#owner;
    const interim = event.informational && event.status !== 101;
    const status = interim ? event.status : this.#statusOf(event);
    if (status === 0) {
      this.answer(now, answer(502, 'http_protocol_error', `the origin's ${event.status} is no answer to who asks for a WebSocket`));
      return;
    }
    const tunnel = status === 101 || (this.#kept && status < 300);
    const received = tunnel && status !== 101 ? event.fields.filter(([name]) => !NOT_TO_CONNECT.has(name)) : event.fields;
    const fields = responseFor(now, status, received, event.version ?? this.#back!.version, this.front.facts, settings);
    try {
      this.front.http.respond(now, this.id, fields, event.end && !interim);
    } catch (error) {
      if (!(error instanceof UsageError)) throw error;
      this.#detach(now, true);
      this.answer(now, answer(502, 'http_protocol_error', `the origin's answer cannot be carried on: ${error.message}`));
      return;
    }
    this.front.touch();
    if (interim) {
      clocks.asked.arm(this, now);
      return;
    }
    this.#status = status;
    if (tunnel) this.#openTunnel();
    else if (this.#kept) this.#stopUpload(now);
    if (event.end) this.#down.done = true;
    else this.#down.from(this.#back!, this.#backId);
    this.#startTime(now);
    this.carry(now);
  }

  /** That of the origin, or what it comes to for who asks for a WebSocket; 0: it is none that a client could make sense of. */
  #statusOf({ status, fields }: ResponseEvent): number {
    const { webSocket } = this.head;
    if (webSocket === 'no' || (status !== 101 && (status >= 300 || webSocket === 'upgrade'))) return status;
    return webSocketStatus(webSocket, this.#back!.version, status, fields, this.#webSocketAccept);
  }

  onResponseTrailers(fields: Fields): void {
    this.#down.onTrailers(trailersOf(fields));
  }

  /** The origin wants no more of the request; its answer stands, or is still to come. */
  onUploadUnwanted(now: Micros): void {
    this.#stopUpload(now);
    this.carry(now);
  }

  /**
   * There will be no more from the origin on this exchange.
   * @param unprocessed  it says that it did not look at the request
   * @param gone  the connection is over
   */
  onBackFailed(now: Micros, reason: string, unprocessed: boolean, gone: boolean): void {
    const complete = this.#status !== 0 && this.#down.complete;
    const { received = -1 } = this.#back ?? {};
    this.#heard ||= !unprocessed && (received < 0 || received > this.#receivedBefore);
    if (gone && this.#status !== 0 && !complete) {
      this.#lost = reason; // what has come before may still be read, and be all there was
      this.carry(now);
      return;
    }
    this.#detach(now, false);
    if (complete) {
      this.#stopUpload(now); // it has answered, and takes no more of the request
      this.carry(now);
      return;
    }
    const again = this.#mayAskAgain(unprocessed, gone);
    this.#owner.settings.observer?.attemptFailed?.(now, reason, again);
    if (again) {
      this.#up.rewind();
      this.#up.done = !this.#hasContent;
      this.needsFresh = true;
      this.wait(now);
    } else if (this.#status !== 0) this.#break(now, `the origin broke off: ${reason}`);
    else
      this.answer(
        now,
        answer(502, this.#heard ? 'http_response_incomplete' : 'connection_terminated', `the origin gave no answer: ${reason}`),
      );
  }

  /** RFC 9110 §9.2.2: nothing was heard, and either it was not looked at, or asking twice is asking once and the connection may have been dead before. */
  #mayAskAgain(unprocessed: boolean, gone: boolean): boolean {
    if (this.#heard || this.#attempts >= LIMITS.attempts.value || !this.#up.mayRewind || this.front.over) return false;
    return unprocessed || (gone && this.#onUsed && this.head.idempotent);
  }

  // --- both ways --------------------------------------------------------------------------------------------------------------

  /** Carries content on, in both directions, and ends what is over. */
  carry(now: Micros): void {
    if (this.#over) return;
    try {
      const moved = [this.#up.run(now), this.#down.run(now)].includes(true);
      if (moved && (this.#back !== undefined || this.#status !== 0) && this.#goesOn) this.#startTime(now);
    } catch (error) {
      if (!(error instanceof UsageError)) throw error;
      this.#break(now, error.message);
      return;
    }
    if (this.#lost !== '' && this.#down.starved && !this.#down.complete) {
      this.#break(now, `the origin broke off: ${this.#lost}`);
      return;
    }
    if (this.#lost !== '') this.#stopUpload(now);
    if (!this.#up.done) return;
    if (this.#status !== 0 && this.#down.complete) this.#detach(now, false); // the rest is between the client and us
    if (!this.#down.done) return;
    if (this.front.facts.reset === undefined || this.#delivered) this.#end();
    else this.#owner.clocks.delivering.arm(this, now);
  }

  /** Answers in the origin's place, or breaks off an answer that has begun. */
  answer(now: Micros, said: Answer): void {
    if (this.#status !== 0) {
      this.#break(now, said.what);
      return;
    }
    const { settings } = this.#owner;
    this.#owner.dequeue(this);
    this.#detach(now, true);
    this.#outcome = 'answered';
    this.#reason = said.what;
    this.#status = said.status;
    const { head, content } = sayAnswer(said, settings.name, settings.date?.(now) ?? '');
    const end = content.length === 0 || this.head.method === 'HEAD';
    this.front.http.respond(now, this.id, head, end);
    this.front.touch();
    if (end) this.#down.done = true;
    else this.#down.give(content);
    this.#stopUpload(now);
    this.#owner.clocks.answering.arm(this, now);
    this.carry(now);
  }

  /** Its time has come. */
  onTimeout(now: Micros): void {
    const { settings } = this.#owner;
    const seconds = (timeout: Micros): string => `${timeout / 1_000_000} s`;
    if (this.#status !== 0) {
      if (this.#up.done && this.#down.done) this.front.facts.reset?.(this.id);
      const end = this.#down.starved && !this.#down.done ? 'the origin sent' : 'the client took';
      this.#break(now, `${end} nothing for ${seconds(this.#tunnel ? settings.tunnelTimeout : settings.bodyTimeout)}`);
    } else if (this.#back === undefined)
      this.answer(now, answer(504, 'connection_timeout', `there was no connection to the origin for ${seconds(settings.waitTimeout)}`));
    else if (!this.#up.done && this.#up.starved)
      this.answer(now, answer(408, 'http_request_error', `the rest of the request did not come for ${seconds(settings.headTimeout)}`));
    else this.answer(now, answer(504, 'http_response_timeout', `the origin did not answer for ${seconds(settings.headTimeout)}`));
  }

  passage(now: Micros): Passage {
    const { method, authority, path } = this.head;
    return {
      client: this.front.client,
      method,
      authority,
      path,
      front: this.front.facts.version,
      back: this.#backVersion,
      status: this.#status,
      octetsUp: this.#up.octets,
      octetsDown: this.#down.octets,
      began: this.began,
      ended: now,
      attempts: this.#attempts,
      outcome: this.#outcome,
      reason: this.#reason,
    };
  }

  // --- the ground -------------------------------------------------------------------------------------------------------------

  /** Whether what has moved is enough for its time to begin anew: where it is the client that is waited for, a little is not. */
  get #goesOn(): boolean {
    const waitsForClient = this.#status === 0 ? !this.#up.done && this.#up.starved : !this.#down.done && !this.#down.starved;
    return !waitsForClient || this.#tunnel || this.#up.octets + this.#down.octets - this.#movedBefore >= LIMITS.pace.value;
  }

  #startTime(now: Micros): void {
    this.#movedBefore = this.#up.octets + this.#down.octets;
    this.#clock.arm(this, now);
  }

  get #clock(): Deadlines<Exchange> {
    const { clocks } = this.#owner;
    if (this.#status === 0) return clocks.asked;
    return this.#tunnel ? clocks.tunnel : clocks.answering;
  }

  /** From here on octets go both ways, until either end has no more. RFC 9110 §7.8. */
  #openTunnel(): void {
    this.#tunnel = true;
    this.#kept = false;
    this.#up.done = false;
    if (this.#keptNothing) this.#up.give(NOTHING);
  }

  #stopUpload(now: Micros): void {
    if (this.#up.done && !this.#kept) return;
    this.#up.done = true;
    this.#kept = false;
    this.front.http.stopReading(now, this.id);
    this.front.touch();
  }

  /** Lets go of the connection to the origin. */
  #detach(now: Micros, cancel: boolean): void {
    const back = this.#back;
    if (back === undefined) return;
    this.#back = undefined;
    back.exchanges.delete(this.#backId);
    if (cancel && !back.over) {
      back.http.cancel(now, this.#backId);
      back.touch();
    }
    this.#owner.release(now, back);
  }

  /** Gives it up, at both hops. */
  #break(now: Micros, reason: string): void {
    if (this.#over) return;
    this.#owner.dequeue(this);
    this.#outcome = 'broken';
    this.#reason = reason;
    this.#up.done = true;
    this.#down.done = true;
    this.front.breakOff(now, this.id);
    this.#detach(now, true);
    this.#end();
  }

  #end(): void {
    this.#over = true;
    disarm(this);
    this.front.exchanges.delete(this.id);
    this.#owner.onOver(this);
  }
}
