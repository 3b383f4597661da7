/** One piece of a body, as an HTTP connection gives it. */
export interface Piece {
  readonly data: Uint8Array;
  readonly fin: boolean;
}

/**
 * The peer's content as a Web stream. Nothing is read ahead: while nobody asks the stream, nobody asks the connection, and flow
 * control holds the peer back.
 */
export class IncomingBody {
  readonly stream: ReadableStream<Uint8Array>;
  readonly #read: () => Piece | undefined;
  readonly #over: (completely: boolean) => void;
  #controller!: ReadableStreamDefaultController<Uint8Array>;
  #wake: () => void = () => {};
  #done = false;

  /**
   * @param read  takes the next piece; undefined: `readable` is called when there is one
   * @param over  no more will be read: it is complete, or whoever read it gave up
   */
  constructor(read: () => Piece | undefined, over: (completely: boolean) => void) {
    this.#read = read;
    this.#over = over;
    this.stream = new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          this.#controller = controller;
        },
        pull: () => this.#pull(),
        cancel: () => {
          if (this.#end()) this.#over(false);
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
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
        continue;
      }
      // a copy: a buffer that is handed out may be transferred, and this one is shared with content that is still to come
      if (piece.data.length > 0) this.#controller.enqueue(piece.data.slice());
      if (piece.fin) {
        this.#end();
        this.#controller.close();
        this.#over(true);
      }
      if (piece.data.length > 0) return;
    }
  }

  /** Whether it was not over before. */
  #end(): boolean {
    if (this.#done) return false;
    this.#done = true;
    this.#wake();
    return true;
  }
}

/** Sends a Web stream as content, as fast as the connection takes it and no faster. */
export class OutgoingBody {
  readonly #write: (data: Uint8Array) => number;
  #reader: ReadableStreamDefaultReader<Uint8Array> | undefined = undefined;
  #room: () => void = () => {};
  #stopped = false;

  /** @param write  returns the octets taken; fewer than given: `writable` is called when there is room */
  constructor(write: (data: Uint8Array) => number) {
    this.#write = write;
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
      await new Promise<void>((resolve) => {
        this.#room = resolve;
      });
    }
  }

  /** Nobody wants the rest: whoever makes it is told. */
  stop(reason: unknown): void {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#room();
    void this.#reader?.cancel(reason).catch(() => {});
  }
}
