import { Patience, timedOut } from './patience.ts';

/** One piece of a body, as an HTTP connection gives it. */
export interface Piece {
  readonly data: Uint8Array;
  readonly fin: boolean;
}

/** Why no more of a body is read: that was all, whoever read it gave up, or the peer let us wait too long. */
export type BodyEnd = 'complete' | 'unwanted' | 'stalled';

/**
 * The peer's content as a Web stream. Nothing is read ahead: while nobody asks the stream, nobody asks the connection, and flow
 * control holds the peer back.
 */
export class IncomingBody {
  readonly stream: ReadableStream<Uint8Array>;
  readonly #read: () => Piece | undefined;
  readonly #over: (how: BodyEnd) => void;
  readonly #patience: Patience;
  #controller!: ReadableStreamDefaultController<Uint8Array>;
  #wake: () => void = () => {};
  #done = false;

  /**
   * @param read  takes the next piece; undefined: `readable` is called when there is one
   * @param over  no more will be read
   * @param timeoutMs  for how long nothing may come while somebody asks
   */
  constructor(read: () => Piece | undefined, over: (how: BodyEnd) => void, timeoutMs: number) {
    this.#read = read;
    this.#over = over;
    this.#patience = new Patience(timeoutMs, () => {
      this.fail(timedOut(`no content came for ${timeoutMs} ms`));
      this.#over('stalled');
    });
    this.stream = new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          this.#controller = controller;
        },
        pull: () => this.#pull(),
        cancel: () => {
          if (this.#end()) this.#over('unwanted');
        },
      },
      { highWaterMark: 0 },
    );
  }

  readable(): void {
    this.#wake();
  }

  fail(error: unknown): void {
    if (this.#end()) this.#controller.error(error);
  }

  async #pull(): Promise<void> {
    while (!this.#done) {
      const piece = this.#read();
      if (piece === undefined) {
        if (this.#done) return; // reading found out that it failed
        this.#patience.wait();
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
        this.#patience.rest();
        continue;
      }
      // a copy: a buffer that is handed out may be transferred, and this one is shared with content that is still to come
      if (piece.data.length > 0) this.#controller.enqueue(piece.data.slice());
      if (piece.fin) {
        this.#end();
        this.#controller.close();
        this.#over('complete');
      }
      if (piece.data.length > 0) return;
    }
  }

  /** Whether it was not over before. */
  #end(): boolean {
    if (this.#done) return false;
    this.#done = true;
    this.#patience.end();
    this.#wake();
    return true;
  }
}

/** Sends a Web stream as content, as fast as the connection takes it and no faster. */
export class OutgoingBody {
  readonly #write: (data: Uint8Array) => number;
  readonly #patience: Patience;
  #reader: ReadableStreamDefaultReader<Uint8Array> | undefined = undefined;
  #room: () => void = () => {};
  #stopped = false;

  /**
   * @param write  returns the octets taken; fewer than given: `writable` is called when there is room
   * @param patience  for how long there may be none; whoever made it ends it
   */
  constructor(write: (data: Uint8Array) => number, patience: Patience) {
    this.#write = write;
    this.#patience = patience;
  }

  writable(): void {
    this.#room();
  }

  /** Resolves when everything was taken: true; or when it was stopped: false. Rejects with what the stream fails with. */
  async send(stream: ReadableStream<Uint8Array>): Promise<boolean> {
    const reader = stream.getReader();
    this.#reader = reader;
    for (;;) {
      if (this.#stopped) return false;
      const { done, value } = await reader.read();
      if (this.#stopped) return false;
      if (done) return true;
      if (!(value instanceof Uint8Array)) {
        const error = new TypeError('a body stream must give Uint8Array chunks');
        void reader.cancel(error).catch(() => {});
        throw error;
      }
      await this.#sendChunk(value);
    }
  }

  async #sendChunk(chunk: Uint8Array): Promise<void> {
    for (let at = 0; at < chunk.length && !this.#stopped; ) {
      const taken = this.#write(chunk.subarray(at));
      at += taken;
      if (at === chunk.length || this.#stopped) return;
      this.#patience.wait();
      await new Promise<void>((resolve) => {
        this.#room = resolve;
      });
      this.#patience.rest();
    }
  }

  /** Nobody wants the rest: whoever makes it is told. */
  stop(reason: unknown): void {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#patience.rest();
    this.#room();
    void this.#reader?.cancel(reason).catch(() => {});
  }
}
