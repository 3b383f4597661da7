import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { SHAPES } from './corpus.ts';
import { DIFFERENCES } from './node-differences.ts';

const llhttp = process.versions.llhttp ?? '';
const known = llhttp.startsWith('9.');

describe.skipIf(!known)(`the verdicts of Node's server about the corpus (this is llhttp ${llhttp}, 9 is known)`, () => {
  let server: Server;
  let taken: string[] = [];

  beforeAll(async () => {
    server = createServer((request, response) => {
      let content = '';
      request.setEncoding('latin1');
      request.on('data', (data) => {
        content += data;
      });
      request.on('error', () => {});
      request.on('end', () => {
        taken.push(`${request.method} ${content}`);
        response.end();
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  });
  afterAll(() => {
    server.close();
  });

  async function verdict(octets: string): Promise<string[]> {
    taken = [];
    let heard = '';
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
    socket.setEncoding('latin1');
    socket.on('data', (data) => {
      heard += data;
    });
    socket.on('error', () => {}); // a reset is an answer, too
    socket.end(Buffer.from(octets, 'latin1'));
    await once(socket, 'close');
    return /^HTTP\/1\.1 [45]/m.test(heard) ? [...taken, 'refused'] : taken;
  }

  const differences = new Map(DIFFERENCES.flatMap(({ shapes }) => Object.entries(shapes)));

  test('are ours, or differ as it is written down', async () => {
    for (const { name, octets, gives } of SHAPES) {
      const ours = gives.map((one) => (typeof one === 'number' ? 'refused' : `${one.request.split(' ')[0]} ${one.content ?? ''}`));
      expect(differences.get(name), name).not.toEqual(ours);
      expect(await verdict(octets), name).toEqual(differences.get(name) ?? ours);
    }
  });

  test('nothing is written down of shapes that are not there', () => {
    const names = new Set(SHAPES.map(({ name }) => name));
    expect([...differences.keys()].filter((name) => !names.has(name))).toEqual([]);
  });
});
