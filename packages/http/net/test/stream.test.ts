import { describe, expect, test } from 'vitest';
import { SEND_BUFFER } from '../src/index.ts';
import { KINDS, octets, pair, pattern, text } from './ends.ts';

describe.each(KINDS)('a byte stream over %s', (kind) => {
  test('octets arrive in order, both ways at once, and each end learns that the other is done', async () => {
    await using ends = await pair(kind);
    const up = pattern(3_000_000);
    const down = pattern(2_000_000).reverse();
    const [atServer, atClient] = await Promise.all([
      ends.server.receive(Number.POSITIVE_INFINITY),
      ends.client.receive(Number.POSITIVE_INFINITY),
      ends.client.send(up),
      ends.server.send(down),
    ]);
    expect(Buffer.compare(atServer.data, up)).toBe(0);
    expect(Buffer.compare(atClient.data, down)).toBe(0);
    expect([atServer.fin, atClient.fin]).toEqual([true, true]);
    expect(await ends.client.closed()).toEqual({ type: 'closed', clean: true, reason: '' });
    expect(await ends.server.closed()).toEqual({ type: 'closed', clean: true, reason: '' });
    expect([ends.client.stream.bytesWritten, ends.client.stream.bytesRead]).toEqual([up.length, down.length]);
  });

  test('a reader that does not read stops the writer: what waits is bounded, and no event is told meanwhile', async () => {
    await using ends = await pair(kind);
    const { client, server } = ends;
    const data = pattern(64 << 20);
    const chunk = 1 << 20;
    let sent = 0;
    // until the kernel's buffers are full, too: then a write takes nothing, and 'writable' does not come
    for (let quiet = 0; quiet < 20; ) {
      const taken = client.stream.write(0, data.subarray(sent, sent + chunk));
      sent += taken;
      expect(taken).toBeLessThanOrEqual(SEND_BUFFER);
      expect(client.stream.unacknowledged).toBeLessThanOrEqual(SEND_BUFFER);
      quiet = taken === 0 ? quiet + 1 : 0;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    expect(sent).toBeLessThan(data.length);
    expect(client.stream.unacknowledged).toBe(SEND_BUFFER);
    expect(server.events.filter((event) => event.type === 'readable')).toHaveLength(1);
    expect(server.stream.bytesRead).toBe(0);
    // once it reads, everything comes
    const rest = client.send(data.subarray(sent));
    const { data: received, fin } = await server.receive(Number.POSITIVE_INFINITY);
    await rest;
    expect(fin).toBe(true);
    expect(Buffer.compare(received, data)).toBe(0);
  });

  test("'writable' comes only after a write that was not taken whole", async () => {
    await using ends = await pair(kind);
    const { client, server } = ends;
    expect(client.stream.write(0, octets('small'))).toBe(5);
    expect(text((await server.receive(5)).data)).toBe('small');
    expect(client.events).toEqual([]);
    expect(client.stream.write(0, pattern(SEND_BUFFER + 1))).toBe(SEND_BUFFER);
    const reading = server.receive(SEND_BUFFER);
    await client.until('writable');
    expect(client.stream.unacknowledged).toBe(0);
    expect((await reading).data.length).toBe(SEND_BUFFER);
  });

  test("what is written is copied: the writer's buffer is the writer's again", async () => {
    await using ends = await pair(kind);
    const buffer = octets('first');
    ends.client.stream.write(0, buffer);
    buffer.fill(0x78);
    expect(text((await ends.server.receive(5)).data)).toBe('first');
  });

  test('the end of one direction leaves the other open (half close)', async () => {
    await using ends = await pair(kind);
    const { client, server } = ends;
    client.stream.write(0, octets('question'));
    client.stream.finish(0);
    expect(client.stream.write(0, octets('more'))).toBe(0);
    const question = await server.receive(Number.POSITIVE_INFINITY);
    expect([text(question.data), question.fin]).toEqual(['question', true]);
    server.stream.write(0, octets('answer'));
    expect(text((await client.receive(6)).data)).toBe('answer');
    server.stream.finish(0);
    expect((await client.receive(1)).fin).toBe(true);
    expect((await client.closed()).clean).toBe(true);
    expect((await server.closed()).clean).toBe(true);
    expect(client.stream.read(0)).toBeUndefined(); // the end is told once
  });

  test('giving up is felt at the other end as a reset, not as an end (RFC 9293 §3.10.4)', async () => {
    await using ends = await pair(kind);
    const { client, server } = ends;
    client.stream.write(0, octets('half of a mess'));
    await server.receive(14);
    client.stream.abort(0, 'nobody wants it');
    expect(await client.closed()).toEqual({ type: 'closed', clean: false, reason: 'nobody wants it' });
    const { clean, reason } = await server.closed();
    expect(clean).toBe(false);
    expect(reason).toContain('ECONNRESET');
    expect(server.stream.read(0)).toBeUndefined();
    for (const stream of [client.stream, server.stream]) {
      expect(stream.write(0, octets('late'))).toBe(0); // calls after the end are ignored
      stream.finish(0);
      stream.abort(0, 'again');
    }
  });

  test('giving up after the end takes nothing away from a peer that is slow', async () => {
    await using ends = await pair(kind);
    const { client, server } = ends;
    const data = pattern(300_000); // the kernel takes it, our end included, before anybody reads
    await client.send(data);
    for (let turns = 0; turns < 100; turns++) await new Promise((resolve) => setImmediate(resolve));
    expect(client.stream.unacknowledged).toBe(0);
    client.stream.abort(0, 'the peer does not close');
    const { data: received, fin } = await server.receive(Number.POSITIVE_INFINITY);
    expect([received.length, fin]).toEqual([data.length, true]);
  });

  test('giving up right after the end is the end, too', async () => {
    await using ends = await pair(kind);
    const { client, server, listener } = ends;
    for (const end of [server, client]) {
      end.stream.write(0, pattern(SEND_BUFFER));
      end.stream.finish(0);
    }
    for (const end of [server, client]) end.stream.abort(0, 'nobody waits');
    expect([await client.closed(), await server.closed()].map(({ clean }) => clean)).toEqual([false, false]);
    await listener.idle();
  });

  test('what came before anybody listened is told to who listens', async () => {
    await using ends = await pair(kind);
    ends.client.stream.write(0, octets('early'));
    ends.client.stream.finish(0);
    const early = await ends.server.receive(Number.POSITIVE_INFINITY);
    expect([text(early.data), early.fin]).toEqual(['early', true]);
  });

  test('where the peer came from and went to is known', async () => {
    await using ends = await pair(kind);
    const { client, server, listener } = ends;
    expect(client.stream.remote).toEqual(listener.address);
    expect(server.stream.local).toEqual(listener.address);
    expect(server.stream.remote).toEqual(client.stream.local);
  });
});
