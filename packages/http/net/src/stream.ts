import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { Address, ByteStream, ByteStreamEvent, Micros } from '@quiclab/sansio';

/** What was agreed on where the stream is TLS. */
export interface TlsFacts {
  /** The protocol of the handshake (RFC 7301); '' where none was agreed on. */
  readonly alpn: string;
  /** 'TLSv1.3', 'TLSv1.2'. */
  readonly version: string;
  readonly resumed: boolean;
  /** The name that the client asked for; '' where it named none. */
  readonly serverName: string;
}

/** Octets that one stream keeps of what the kernel did not take yet. */
export const SEND_BUFFER = 65_536;

const EMPTY = new Uint8Array(0);
const READABLE: ByteStreamEvent = { type: 'readable' };
const WRITABLE: ByteStreamEvent = { type: 'writable' };

/**
 * A socket of Node's, plain or TLS, as a byte stream. Not reading pauses the socket, and the kernel's window closes; of what is
 * written no more than `SEND_BUFFER` octets wait here, beside what the kernel has. What one round of the event loop writes
 * leaves together. Nothing is told from within a call.
 */
export class SocketStream implements ByteStream {
  readonly remote: Address;
  readonly local: Address;
  readonly tls: TlsFacts | undefined;
  bytesRead = 0;
  bytesWritten = 0;

  readonly #socket: Socket;
  /** Below TLS: what can be reset. Else the socket itself. */
  readonly #raw: Socket;
  #onEvent: ((event: ByteStreamEvent) => void) | undefined = undefined;
  #readableTold = false;
  #writableOwed = false;
  #corked = false;
  #ended = false; // the peer has said that it is done
  #finTaken = false;
  #finished = false; // and we have
  #aborted = '';
  #error: Error | undefined = undefined;
  #closedEvent: ByteStreamEvent | undefined = undefined;

  /**
   * The socket is the stream's from here on. It has to be connected, and made with `allowHalfOpen`.
   * @param raw  the socket below TLS
   */
  constructor(socket: Socket, raw: Socket = socket) {
    this.#socket = socket;
    this.#raw = raw;
    this.remote = { host: raw.remoteAddress ?? '', port: raw.remotePort ?? 0 };
    this.local = { host: raw.localAddress ?? '', port: raw.localPort ?? 0 };
    this.tls = socket instanceof TLSSocket ? tlsFacts(socket) : undefined;
    for (const one of new Set([socket, raw])) one.on('error', this.#onError); // without a listener it would end the process
    socket.once('close', this.#onClose);
  }

  /** One consumer. What came before is told now, that is, soon. */
  listen(onEvent: (event: ByteStreamEvent) => void): void {
    const first = this.#onEvent === undefined;
    this.#onEvent = onEvent;
    const closed = this.#closedEvent;
    if (closed !== undefined) queueMicrotask(() => onEvent(closed));
    else if (first) this.#socket.on('readable', this.#onReadable).once('end', this.#onEnd).on('drain', this.#onDrain);
  }

  get closed(): boolean {
    return this.#closedEvent !== undefined;
  }

  /** Octets that were written and are not with the kernel yet; what that has, nobody tells. */
  get unacknowledged(): number {
    return this.#socket.writableLength;
  }

  write(_now: Micros, data: Uint8Array): number {
    const socket = this.#socket;
    if (this.#finished || this.#over || data.length === 0) return 0;
    const taken = Math.min(data.length, Math.max(0, SEND_BUFFER - socket.writableLength));
    if (taken < data.length) this.#writableOwed = true;
    if (taken === 0) return 0;
    this.#corkForNow();
    socket.write(Buffer.from(data.subarray(0, taken))); // a copy: the kernel may read it later
    this.bytesWritten += taken;
    return taken;
  }

  read(_now: Micros): { readonly data: Uint8Array; readonly fin: boolean } | undefined {
    const piece: Buffer | null = this.#socket.destroyed ? null : this.#socket.read();
    if (piece !== null) {
      this.bytesRead += piece.length;
      return { data: new Uint8Array(piece.buffer, piece.byteOffset, piece.length), fin: false }; // no Buffer: its slice() is a view
    }
    if (this.#ended && !this.#finTaken) {
      this.#finTaken = true;
      return { data: EMPTY, fin: true };
    }
    this.#readableTold = false;
    return undefined;
  }

  finish(_now: Micros): void {
    if (this.#finished || this.#over) return;
    this.#finished = true;
    this.#socket.end();
  }

  abort(_now: Micros, reason: string): void {
    if (this.#over) return;
    this.#aborted = reason === '' ? 'given up' : reason;
    // RST: the peer must not take what it has for all that there is (RFC 9293 §3.10.4, §3.6). Where our end is on its way already,
    // all has been said; the kernel may have much of it still, which a reset would take away from a slow peer
    if (!this.#finished && !this.#raw.destroyed) this.#raw.resetAndDestroy();
    this.#socket.destroy();
    this.#raw.destroy();
  }

  /** Whether it keeps the process running; it does at first. */
  ref(): void {
    this.#raw.ref();
  }

  unref(): void {
    this.#raw.unref();
  }

  get #over(): boolean {
    return this.#aborted !== '' || this.#socket.destroyed;
  }

  #corkForNow(): void {
    if (this.#corked) return;
    this.#corked = true;
    this.#socket.cork();
    process.nextTick(this.#uncork);
  }

  readonly #uncork = (): void => {
    this.#corked = false;
    this.#socket.uncork();
  };

  readonly #onReadable = (): void => {
    if (this.#readableTold || this.#ended) return;
    this.#readableTold = true;
    this.#onEvent?.(READABLE);
  };

  readonly #onEnd = (): void => {
    this.#ended = true;
    if (this.#readableTold) return; // whoever was told reads until there is nothing
    this.#readableTold = true;
    this.#onEvent?.(READABLE);
  };

  readonly #onDrain = (): void => {
    if (!this.#writableOwed) return;
    this.#writableOwed = false;
    this.#onEvent?.(WRITABLE);
  };

  readonly #onError = (error: Error): void => {
    this.#error ??= error;
  };

  readonly #onClose = (): void => {
    const clean = this.#error === undefined && this.#aborted === '' && this.#ended && this.#finished && this.#socket.writableFinished;
    this.#closedEvent = { type: 'closed', clean, reason: this.#reason(clean) };
    this.#onEvent?.(this.#closedEvent);
  };

  #reason(clean: boolean): string {
    if (this.#aborted !== '') return this.#aborted;
    if (this.#error !== undefined) return describeError(this.#error);
    return clean ? '' : 'the connection was closed';
  }
}

/** An error of the system's by its code, which is what people look for, and its text. */
export function describeError(error: Error): string {
  const { code } = error as NodeJS.ErrnoException;
  return code === undefined || error.message.includes(code) ? error.message : `${code}: ${error.message}`;
}

function tlsFacts(socket: TLSSocket): TlsFacts {
  const { alpnProtocol, servername } = socket as TLSSocket & { servername?: string | false };
  return {
    alpn: typeof alpnProtocol === 'string' ? alpnProtocol : '',
    version: socket.getProtocol() ?? '',
    resumed: socket.isSessionReused(),
    serverName: typeof servername === 'string' ? servername : '',
  };
}
