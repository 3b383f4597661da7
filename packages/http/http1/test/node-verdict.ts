import { createServer, type Server } from 'node:http';
import { Duplex } from 'node:stream';

/** What Node's server takes of octets, after which the client has nothing more to say. */
export class NodeServer {
  readonly #server: Server;
  #taken: { method: string; url: string; content: string }[] = [];

  constructor() {
    this.#server = createServer((request, response) => {
      let content = '';
      request.setEncoding('latin1');
      request.on('data', (data) => {
        content += data;
      });
      request.on('error', () => {});
      request.on('end', () => {
        this.#taken.push({ method: request.method ?? '', url: request.url ?? '', content });
        response.end();
      });
    });
    this.#server.on('clientError', (_error, socket) => {
      socket.end('refused');
    });
  }

  /** Without a socket: a stream will do. */
  judge(octets: string): Promise<{ taken: { method: string; url: string; content: string }[]; refused: boolean }> {
    this.#taken = [];
    let heard = '';
    return new Promise((resolve) => {
      const stream = new Duplex({
        read() {},
        write(piece: Buffer, _encoding, done) {
          heard += piece.toString('latin1');
          done();
        },
      });
      stream.on('close', () => resolve({ taken: this.#taken, refused: heard.includes('refused') || /^HTTP\/1\.1 [45]/m.test(heard) }));
      stream.on('error', () => {});
      this.#server.emit('connection', stream);
      stream.push(Buffer.from(octets, 'latin1'));
      stream.push(null);
    });
  }
}
