import { concat } from '@quiclab/bytes';
import { integerBelow, type Micros, SECOND, seededRandom } from '@quiclab/sansio';
import { describe, expect, test } from 'vitest';
import { decodeTicketState, encodeTicketState, type TicketState } from '../src/ticket-state.ts';
import { UsedTickets } from '../src/used-tickets.ts';
import { NOW } from './certificates.ts';
import { keeper } from './sessions.ts';

const HOUR = 3600 * SECOND;
const STATE = Uint8Array.of(1, 2, 3, 4, 5);

describe('sealed tickets', () => {
  test('open to what was sealed, and no two are alike', () => {
    const tickets = keeper();
    const [a, b] = [tickets.seal(NOW, STATE), tickets.seal(NOW, STATE)];
    expect(Buffer.from(a)).not.toEqual(Buffer.from(b));
    expect(Buffer.from(a).includes(Buffer.from(STATE))).toBe(false);
    const before = a.slice();
    for (let i = 0; i < 3; i++) expect(Buffer.from(tickets.open(NOW, a)!)).toEqual(Buffer.from(STATE));
    expect(a).toEqual(before);
  });

  test('do not open with a bit changed, cut, longer, or made up', () => {
    const tickets = keeper();
    const ticket = tickets.seal(NOW, STATE);
    for (let bit = 0; bit < 8 * ticket.length; bit++) {
      const changed = ticket.slice();
      changed[bit >>> 3]! ^= 1 << (bit & 7);
      expect(tickets.open(NOW, changed)).toBeUndefined();
    }
    for (let length = 0; length < ticket.length; length++) expect(tickets.open(NOW, ticket.subarray(0, length))).toBeUndefined();
    expect(tickets.open(NOW, concat(ticket, Uint8Array.of(0)))).toBeUndefined();
    expect(keeper().open(NOW, new Uint8Array(100))).toBeUndefined();
  });

  test('of another keeper do not open, nor do those from before a restart, whose keys are gone', () => {
    expect(keeper({ random: seededRandom('restarted') }).open(NOW, keeper().seal(NOW, STATE))).toBeUndefined();
  });

  test('open for a lifetime after their key has sealed its last, and not a microsecond longer', () => {
    const tickets = keeper({ lifetime: 3 * HOUR, rotateEvery: HOUR });
    const first = tickets.seal(NOW, STATE);
    const last = tickets.seal(NOW + HOUR - 1, STATE);
    const next = tickets.seal(NOW + HOUR, STATE);
    const keyOf = (ticket: Uint8Array): string => Buffer.from(ticket.subarray(0, 4)).toString('hex');
    expect(keyOf(last)).toBe(keyOf(first));
    expect(keyOf(next)).not.toBe(keyOf(first));
    expect(tickets.open(NOW + 4 * HOUR - 1, last)).toBeDefined();
    expect(tickets.open(NOW + 4 * HOUR, last)).toBeUndefined();
    expect(tickets.open(NOW + 4 * HOUR, next)).toBeDefined();
    expect(tickets.open(NOW + 5 * HOUR, next)).toBeUndefined();
  });

  test('opening alone turns keys over', () => {
    const tickets = keeper({ lifetime: HOUR, rotateEvery: HOUR });
    const ticket = tickets.seal(NOW, STATE);
    expect(tickets.open(NOW + 1.5 * HOUR, ticket)).toBeDefined();
    expect(tickets.open(NOW + 2 * HOUR, ticket)).toBeUndefined();
  });
});

describe('early data is admitted (RFC 9846 §8)', () => {
  test('once for each ticket, if it comes when it should, give or take the tolerance', () => {
    const tickets = keeper({ ageTolerance: 2 * SECOND });
    const ticket = (): Uint8Array => tickets.seal(NOW, STATE);
    for (const late of [-2, -1, 0, 1, 2]) {
      const one = ticket();
      expect(tickets.admitEarlyData(NOW + late * SECOND, one, NOW)).toBe(true);
      expect(tickets.admitEarlyData(NOW + late * SECOND, one, NOW)).toBe(false);
    }
    expect(tickets.admitEarlyData(NOW + 2 * SECOND + 1, ticket(), NOW)).toBe(false);
    expect(tickets.admitEarlyData(NOW - 2 * SECOND - 1, ticket(), NOW)).toBe(false);
  });

  test('never, where nothing can be remembered', () => {
    const tickets = keeper({ replayLimit: 0 });
    expect(tickets.admitEarlyData(NOW, tickets.seal(NOW, STATE), NOW)).toBe(false);
  });

  test('by a list of used tickets that forgets none within its span, whenever it is asked, and stays small', () => {
    const random = seededRandom('used tickets');
    for (let run = 0; run < 50; run++) {
      const span = 1 + integerBelow(random, 100);
      const used = new UsedTickets(span, 20);
      const claimed = new Map<string, Micros>();
      let admitted = 0;
      let now = integerBelow(random, 200);
      for (let i = 0; i < 500; i++) {
        now += integerBelow(random, 3) === 0 ? integerBelow(random, 2 * span) : integerBelow(random, 4);
        const ticket = `${integerBelow(random, 30)}`;
        if (!used.claim(now, ticket)) continue;
        expect(now - (claimed.get(ticket) ?? Number.NEGATIVE_INFINITY)).toBeGreaterThan(span);
        claimed.set(ticket, now);
        admitted++;
      }
      expect(admitted).toBeGreaterThan(20);
    }
  });
});

describe('what a ticket holds', () => {
  const state: TicketState = {
    suite: 'TLS_AES_256_GCM_SHA384',
    key: new Uint8Array(48).fill(7),
    alpn: 'h3',
    serverName: 'server.example',
    context: 'v1',
    ageAdd: 0xfedcba98,
    issuedAt: NOW,
    expiresAt: NOW + HOUR,
    authenticatedAt: NOW - HOUR,
    remembered: Uint8Array.of(1, 2, 3),
  };

  test('comes back', () => {
    expect(decodeTicketState(encodeTicketState(state))).toEqual(state);
    expect(decodeTicketState(encodeTicketState({ ...state, remembered: undefined }))).toEqual({ ...state, remembered: undefined });
  });

  test('cut at any octet, longer, of another version or with a key of another length is nothing', () => {
    const octets = encodeTicketState(state);
    for (let length = 0; length < octets.length; length++) expect(decodeTicketState(octets.subarray(0, length))).toBeUndefined();
    expect(decodeTicketState(concat(octets, Uint8Array.of(0)))).toBeUndefined();
    expect(decodeTicketState(concat(Uint8Array.of(2), octets.subarray(1)))).toBeUndefined();
    expect(decodeTicketState(encodeTicketState({ ...state, suite: 'TLS_AES_128_GCM_SHA256' }))).toBeUndefined();
  });
});
