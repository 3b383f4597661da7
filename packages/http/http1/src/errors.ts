/** The peer's message is none that we take. Thrown inside, caught where the connection ends; `status` is what a server answers. */
export class MessageFault extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.name = 'MessageFault';
    this.status = status;
  }
}

/** 400 (Bad Request), the answer to whatever does not match the grammar. RFC 9112 §2.2. */
export const bad = (reason: string): MessageFault => new MessageFault(400, reason);
