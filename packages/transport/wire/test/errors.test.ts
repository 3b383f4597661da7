import {
  FrameType,
  frameName,
  isReserved,
  TransportError,
  TransportErrorCode,
  transportErrorName,
  VERSION_1,
  VERSION_2,
} from '@quiclab/wire';
import { expect, test } from 'vitest';

test('transport errors have names (RFC 9000 §20.1)', () => {
  expect(transportErrorName(TransportErrorCode.FLOW_CONTROL_ERROR)).toBe('FLOW_CONTROL_ERROR');
  expect(transportErrorName(0x100)).toBe('CRYPTO_ERROR(alert 0)');
  expect(transportErrorName(0x12a)).toBe('CRYPTO_ERROR(alert 42)');
  expect(transportErrorName(0x1ff)).toBe('CRYPTO_ERROR(alert 255)');
  expect(transportErrorName(0x200)).toBe('0x200');
});

test('a TransportError carries code, reason and frame type', () => {
  const error = new TransportError(TransportErrorCode.PROTOCOL_VIOLATION, 'seven of six', FrameType.ACK);
  expect(error).toBeInstanceOf(Error);
  expect([error.name, error.code, error.message, error.frameType]).toEqual(['TransportError', 0xa, 'seven of six', 2]);
  expect(new TransportError(1, '').frameType).toBe(0);
});

test('frames have names (RFC 9000 §19)', () => {
  for (let type = 0x08; type < 0x10; type++) expect(frameName(type)).toBe('STREAM');
  expect(frameName(0x1d)).toBe('CONNECTION_CLOSE_APP');
  expect(frameName(0x24)).toBe('RESET_STREAM_AT');
  expect([frameName(0x30), frameName(0x31), frameName(0x32)]).toEqual(['DATAGRAM', 'DATAGRAM', 'frame 0x32']);
  expect([frameName(0x1f), frameName(0xaf)]).toEqual(['IMMEDIATE_ACK', 'ACK_FREQUENCY']);
  expect(frameName(0x20)).toBe('frame 0x20');
  expect(frameName(0x40a)).toBe('frame 0x40a');
  expect(frameName(2 ** 40 + 8)).toBe('frame 0x10000000008');
});

test('versions 0x?a?a?a?a are reserved (RFC 9000 §15)', () => {
  for (const version of [0x0a0a0a0a, 0x1a2a3a4a, 0xfafafafa]) expect(isReserved(version)).toBe(true);
  for (const version of [0, VERSION_1, VERSION_2, 0x0a0a0a0b, 0xffffffff]) expect(isReserved(version)).toBe(false);
});
