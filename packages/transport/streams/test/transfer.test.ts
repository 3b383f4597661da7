import { ReceiveStream, SendStream } from '@quiclab/streams';
import { describe, expect, test } from 'vitest';
import { drawing, octetAt, octets } from './slow-reassembly.ts';

interface Frame {
  offset: number;
  data: Uint8Array;
  fin: boolean;
}

function holds(claim: boolean, what: string): void {
  if (!claim) throw new Error(`not so: ${what}`);
}

/** One stream over a path that loses, reorders, duplicates and lies about loss; every step is checked. */
function transfer(seed: number): void {
  const draw = drawing(seed);
  const size = draw(60_000);
  const sendBuffer = 500 + draw(20_000);
  const receiver = new ReceiveStream(0, 300 + draw(9_000));
  const sender = new SendStream(0, receiver.limit, sendBuffer);
  const path: Frame[] = [];
  const unacked: Frame[] = []; // sent, and neither acknowledged nor declared lost
  const acks: Frame[] = [];
  const deadLetters: Frame[] = []; // declared lost, but an acknowledgement may still come
  let credit = 0; // as a connection would count it
  let read = 0;
  let ended = false;
  for (let step = 0; !(ended && sender.done); step++) {
    if (step > 200_000) throw new Error(`no end in sight: ${sender.state}, ${receiver.state}, read ${read} of ${size}`);
    switch (draw(8)) {
      case 0: {
        const to = Math.min(size, sender.written + draw(5_000));
        const taken = sender.write(octets(sender.written, to));
        holds(sender.written - sender.acked <= sendBuffer, 'the send buffer is kept');
        if (taken > 0 || to === size) if (sender.written === size) sender.finish();
        break;
      }
      case 1:
      case 2: {
        if (!sender.prepare(draw(1_300), draw(1_300))) break;
        const frame = { offset: sender.nextOffset, data: new Uint8Array(sender.nextLength), fin: sender.nextFin };
        sender.copy(frame.offset, frame.data.length, frame.data, 0);
        const highest = sender.sent;
        sender.onSent(frame.offset, frame.data.length, frame.fin);
        holds(sender.sent - highest === sender.nextNewOctets, 'new octets are what the highest offset grew by');
        credit += sender.nextNewOctets;
        holds(sender.sent <= sender.maxData, 'credit is never exceeded');
        unacked.push(frame);
        path.push(frame);
        if (draw(10) === 0) path.push(frame);
        break;
      }
      case 3:
      case 4: {
        if (path.length === 0) break;
        const [frame] = path.splice(draw(path.length), 1) as [Frame];
        if (draw(5) === 0) break;
        const datagram = frame.data.slice();
        holds(receiver.receive(frame.offset, datagram, 0, datagram.length, frame.fin) === '', 'an honest peer is not accused');
        datagram.fill(0);
        acks.push(frame);
        break;
      }
      case 5: {
        if (acks.length === 0) break;
        const [frame] = acks.splice(draw(acks.length), 1) as [Frame];
        const at = unacked.indexOf(frame);
        const dead = deadLetters.indexOf(frame);
        if (at >= 0) unacked.splice(at, 1);
        else if (dead >= 0) deadLetters.splice(dead, 1);
        else break; // acknowledged before
        sender.onAcked(frame.offset, frame.data.length, frame.fin);
        break;
      }
      case 6: {
        if (unacked.length === 0 || draw(3) > 0) break;
        const [frame] = unacked.splice(0, 1) as [Frame];
        deadLetters.push(frame);
        sender.onLost(frame.offset, frame.data.length, frame.fin);
        break;
      }
      default: {
        const part = receiver.read();
        if (part === undefined) break;
        part.data.forEach((octet, i) => {
          if (octet !== octetAt(read + i)) throw new Error(`octet ${read + i} is wrong`);
        });
        read += part.data.length;
        ended ||= part.fin;
        const limit = receiver.creditUpdate(step, 10);
        if (limit > 0) sender.setMaxData(limit);
      }
    }
  }
  expect([read, receiver.state, sender.state, credit]).toEqual([size, 'data-read', 'data-recvd', size]);
}

describe('every octet arrives once and in order, whatever the path does', () => {
  test.each(Array.from({ length: 200 }, (_, seed) => seed))('seed %d', transfer);
});
