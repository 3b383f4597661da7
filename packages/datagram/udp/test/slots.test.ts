import { type Address, ECN_UNSUPPORTED } from '@quiclab/sansio';
import { expect, test } from 'vitest';
import { SlotPool } from '../src/slots.ts';

const local: Address = { host: '127.0.0.1', port: 1 };
const remote: Address = { host: '127.0.0.1', port: 2 };

/** A pool over a sender that keeps every buffer until `sent` is called. */
function pool(limits: { slots: number; datagramsPerTurn: number }) {
  const pending: { bytes: Uint8Array; sent: (error: Error | null) => void }[] = [];
  const log: string[] = [];
  const outlet = new SlotPool(
    () => ({ send: (bytes, _length, _remote, _ecn, sent) => pending.push({ bytes, sent }) }),
    local,
    ECN_UNSUPPORTED,
    { slotSize: 10, ...limits },
    () => log.push('free'),
    (error, datagram) => log.push(`${error.message} ${datagram.remote.port}`),
  );
  const sendOne = () => {
    const slot = outlet.slot();
    if (slot === undefined) return false;
    slot.length = 1;
    slot.remote = remote;
    outlet.send(slot);
    return true;
  };
  return { outlet, pending, log, sendOne };
}

test('a slot is not handed out again before its callback', () => {
  const { outlet, pending, log, sendOne } = pool({ slots: 2, datagramsPerTurn: 9 });
  expect([sendOne(), sendOne(), sendOne()]).toEqual([true, true, false]);
  expect(outlet.refusal).toBe('full');
  expect(pending[0].bytes).not.toBe(pending[1].bytes);
  pending[1].sent(null);
  expect(log).toEqual(['free']);
  expect(outlet.slot()!.bytes).toBe(pending[1].bytes);
});

test('a slot that was not sent is handed out again', () => {
  const { outlet } = pool({ slots: 2, datagramsPerTurn: 9 });
  expect(outlet.slot()).toBe(outlet.slot());
  expect(outlet.outstanding).toBe(0);
});

test('a turn has its share, and the next turn has one again', () => {
  const { outlet, sendOne } = pool({ slots: 9, datagramsPerTurn: 2 });
  expect([sendOne(), sendOne(), sendOne()]).toEqual([true, true, false]);
  expect(outlet.refusal).toBe('turn');
  outlet.beginTurn();
  expect(outlet.refusal).toBe('none');
  expect(sendOne()).toBe(true);
  expect(outlet.outstanding).toBe(3);
});

test('a failed send frees its slot, is told, and is not counted as sent', () => {
  const { outlet, pending, log, sendOne } = pool({ slots: 1, datagramsPerTurn: 9 });
  sendOne();
  pending[0].sent(new Error('ENETUNREACH'));
  expect(log).toEqual(['ENETUNREACH 2', 'free']);
  expect([outlet.datagramsSent, outlet.octetsSent]).toEqual([0, 0]);
  expect(sendOne()).toBe(true);
});
