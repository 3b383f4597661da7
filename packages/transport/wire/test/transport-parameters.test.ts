import { concat, fromHex, toHex } from '@quiclab/bytes';
import {
  decodeTransportParameters,
  defaultTransportParameters,
  encodeTransportParameters,
  FrameType,
  TransportError,
  TransportErrorCode,
  type TransportParameters,
  VERSION_1,
  VERSION_2,
} from '@quiclab/wire';
import { describe, expect, test } from 'vitest';

const preferredAddress = {
  ipv4: fromHex('c0000201'),
  ipv4Port: 4433,
  ipv6: fromHex('20010db8000000000000000000000001'),
  ipv6Port: 65535,
  connectionId: fromHex('0102030405'),
  resetToken: fromHex('f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff'),
};

/** Everything that a server may say, nothing at its default. */
const everything: TransportParameters = {
  originalDestinationConnectionId: fromHex('8394c8f03e515708'),
  maxIdleTimeout: 30_000,
  statelessResetToken: fromHex('000102030405060708090a0b0c0d0e0f'),
  maxUdpPayloadSize: 1472,
  initialMaxData: Number.MAX_SAFE_INTEGER - 1,
  initialMaxStreamDataBidiLocal: 1,
  initialMaxStreamDataBidiRemote: 64,
  initialMaxStreamDataUni: 16384,
  initialMaxStreamsBidi: 100,
  initialMaxStreamsUni: 3,
  ackDelayExponent: 20,
  maxAckDelay: 16383,
  disableActiveMigration: true,
  preferredAddress,
  activeConnectionIdLimit: 8,
  initialSourceConnectionId: fromHex('f067a5502a4262b5'),
  retrySourceConnectionId: new Uint8Array(20),
  versionInformation: { chosen: VERSION_2, available: [0x1a2a_3a4a, VERSION_1] },
  greaseQuicBit: true,
  maxDatagramFrameSize: 65_535,
  minAckDelay: 16_383_000,
  resetStreamAt: true,
};

function errorOf(hex: string, from: 'client' | 'server' = 'server'): TransportError | undefined {
  try {
    decodeTransportParameters(fromHex(hex), from);
  } catch (error) {
    if (error instanceof TransportError) return error;
    throw error;
  }
  return undefined;
}

describe('transport parameters (RFC 9000 §18)', () => {
  test('all come back as they were written', () => {
    expect(decodeTransportParameters(encodeTransportParameters(everything), 'server')).toEqual(everything);
  });

  test('none are all defaults, and defaults are not written', () => {
    expect(encodeTransportParameters(defaultTransportParameters)).toEqual(new Uint8Array(0));
    expect(decodeTransportParameters(new Uint8Array(0), 'client')).toEqual(defaultTransportParameters);
  });

  test('an empty connection ID is not an absent one (§7.3)', () => {
    const bytes = encodeTransportParameters({ ...defaultTransportParameters, initialSourceConnectionId: new Uint8Array(0) });
    expect(toHex(bytes)).toBe('0f00');
    expect(decodeTransportParameters(bytes, 'client').initialSourceConnectionId).toEqual(new Uint8Array(0));
    expect(decodeTransportParameters(new Uint8Array(0), 'client').initialSourceConnectionId).toBeUndefined();
  });

  test('those of the ClientHello in RFC 9001 A.2, whose initial_max_data is 2^62 - 1, are read', () => {
    const bytes = fromHex('0408ffffffffffffffff05048000ffff07048000ffff080110010480007530090110 0f088394c8f03e515708 06048000ffff');
    expect(bytes.length).toBe(0x32);
    expect(decodeTransportParameters(bytes, 'client')).toEqual({
      ...defaultTransportParameters,
      initialMaxData: Number.MAX_SAFE_INTEGER,
      initialMaxStreamDataBidiLocal: 65535,
      initialMaxStreamDataBidiRemote: 65535,
      initialMaxStreamDataUni: 65535,
      initialMaxStreamsBidi: 16,
      initialMaxStreamsUni: 16,
      maxIdleTimeout: 30_000,
      initialSourceConnectionId: fromHex('8394c8f03e515708'),
    });
  });

  test('unknown ones are passed over, reserved ones too (§18.1)', () => {
    const grease = { id: 31 * 1_000_000 + 27, value: new Uint8Array(300) };
    expect(decodeTransportParameters(encodeTransportParameters(everything, grease), 'server')).toEqual(everything);
    expect(errorOf('3f00 1b00 ffffffffffffffff 00 fffffffffffffffe 00')).toBeUndefined();
  });

  test('what was decoded does not change with the octets it came from', () => {
    const bytes = encodeTransportParameters(everything);
    const decoded = decodeTransportParameters(bytes, 'server');
    bytes.fill(0);
    expect(decoded).toEqual(everything);
  });

  test('cut short anywhere: TRANSPORT_PARAMETER_ERROR, or fewer parameters', () => {
    const whole = encodeTransportParameters(everything);
    let errors = 0;
    for (let length = 0; length < whole.length; length++) {
      const error = errorOf(toHex(whole.subarray(0, length)));
      if (error === undefined) continue;
      expect([error.code, error.frameType]).toEqual([TransportErrorCode.TRANSPORT_PARAMETER_ERROR, FrameType.CRYPTO]);
      errors++;
    }
    expect(errors).toBe(whole.length - 22); // it can end whole before each of the twenty-one
  });

  test.each([
    ['the same twice, §7.4', '0401050401 05'],
    ['an unknown one twice, §7.4', '3f00 3f00'],
    ['an integer with an octet too many', '04020500'],
    ['an integer with an octet too few', '040180'],
    ['an integer of no octets', '0400'],
    ['a reset token of 15 octets', `020f${'00'.repeat(15)}`],
    ['a reset token of 17 octets', `0211${'00'.repeat(17)}`],
    ['max_udp_payload_size 1199', '030244af'],
    ['initial_max_streams_bidi 2^60 + 1, §4.6', '0808d000000000000001'],
    ['initial_max_streams_uni 2^62 - 1, §4.6', '0908ffffffffffffffff'],
    ['ack_delay_exponent 21', '0a0115'],
    ['max_ack_delay 2^14', '0b0480004000'],
    ['max_ack_delay 2^62 - 1', '0b08ffffffffffffffff'],
    ['min_ack_delay above max_ack_delay, draft-ietf-quic-ack-frequency §3', 'c0000000ff04de1b 04 800061a9'],
    ['min_ack_delay above a smaller max_ack_delay, whichever comes first', 'c0000000ff04de1b 02 43e9 0b 01 01'],
    ['min_ack_delay of no octets', 'c0000000ff04de1b 00'],
    ['disable_active_migration with a value', '0c0100'],
    ['active_connection_id_limit 1', '0e0101'],
    ['reset_stream_at with a value', '1d0100'],
    ['max_datagram_frame_size of no octets', '2000'],
    ['original_destination_connection_id of 21 octets', `0015${'00'.repeat(21)}`],
    ['initial_source_connection_id of 21 octets', `0f15${'00'.repeat(21)}`],
    ['preferred_address without a connection ID', `0d29${'00'.repeat(41)}`],
    ['preferred_address with one of 21 octets', `0d3e${'00'.repeat(24)}15${'00'.repeat(37)}`],
    ['preferred_address with an octet too many', `0d2b${'00'.repeat(24)}01${'00'.repeat(18)}`],
    ['preferred_address with an octet too few', `0d29${'00'.repeat(24)}01${'00'.repeat(16)}`],
    ['preferred_address of a server without connection IDs', `0f00 0d2a${'00'.repeat(24)}01${'00'.repeat(17)}`],
  ])('%s is TRANSPORT_PARAMETER_ERROR (§18.2)', (_, hex) => {
    const error = errorOf(hex.replace(/ /g, ''));
    expect(error?.code).toBe(TransportErrorCode.TRANSPORT_PARAMETER_ERROR);
    expect(error?.message).not.toBe('');
  });

  test.each([
    ['max_udp_payload_size 1200', '030244b0'],
    ['min_ack_delay as large as max_ack_delay', 'c0000000ff04de1b 04 800061a8'],
    ['min_ack_delay 0', 'c0000000ff04de1b 01 00'],
    ['max_udp_payload_size 2^62 - 1', '0308ffffffffffffffff'],
    ['initial_max_streams_bidi 2^60', '0808d000000000000000'],
    ['ack_delay_exponent 20', '0a0114'],
    ['max_ack_delay 2^14 - 1', '0b027fff'],
    ['max_ack_delay 1 in eight octets', '0b08c000000000000001'],
    ['active_connection_id_limit 2', '0e0102'],
    ['max_datagram_frame_size 2^62 - 1', '2008ffffffffffffffff'],
    ['preferred_address with a connection ID of 1 octet', `0d2a${'00'.repeat(24)}01${'00'.repeat(17)}`],
  ])('allowed: %s (§18.2)', (_, hex) => {
    expect(errorOf(hex)).toBeUndefined();
  });

  test.each([
    ['original_destination_connection_id', '0000'],
    ['stateless_reset_token', `0210${'00'.repeat(16)}`],
    ['preferred_address', `0d2a${'00'.repeat(24)}01${'00'.repeat(17)}`],
    ['retry_source_connection_id', '1000'],
  ])('a client must not send %s (§18.2)', (_, hex) => {
    expect(errorOf(hex, 'client')?.code).toBe(TransportErrorCode.TRANSPORT_PARAMETER_ERROR);
    expect(errorOf(hex, 'server')).toBeUndefined();
  });

  test('thousands of parameters are only parameters', () => {
    const many = concat(...Array.from({ length: 16_000 }, (_, i) => Uint8Array.of(0x80, 1 + (i >>> 16), (i >>> 8) & 0xff, i & 0xff, 0)));
    expect(decodeTransportParameters(many, 'client')).toEqual(defaultTransportParameters);
  });
});

describe('version_information (RFC 9368 §3, §4)', () => {
  test('is the chosen version and the available ones, 4 octets each', () => {
    const octets = encodeTransportParameters({
      ...defaultTransportParameters,
      versionInformation: { chosen: VERSION_1, available: [VERSION_2, VERSION_1] },
    });
    expect(toHex(octets)).toBe('110c000000016b3343cf00000001');
    expect(decodeTransportParameters(octets, 'client').versionInformation).toEqual({
      chosen: VERSION_1,
      available: [VERSION_2, VERSION_1],
    });
  });

  test.each([
    ['too short for one version', '1103000001'],
    ['empty', '1100'],
    ['no whole number of versions', '1106000000010000'],
    ['a chosen version 0', '11080000000000000001'],
    ['an available version 0', '110c000000010000000100000000'],
  ])('%s is an error from either side', (_name, hex) => {
    for (const from of ['client', 'server'] as const) expect(errorOf(hex, from)?.code).toBe(TransportErrorCode.TRANSPORT_PARAMETER_ERROR);
  });

  test('a client that does not have its chosen version available is an error; a server may be removing it', () => {
    const hex = '1108000000016b3343cf';
    expect(errorOf(hex, 'client')?.code).toBe(TransportErrorCode.TRANSPORT_PARAMETER_ERROR);
    expect(errorOf('110400000001', 'client')?.code).toBe(TransportErrorCode.TRANSPORT_PARAMETER_ERROR);
    expect(decodeTransportParameters(fromHex(hex), 'server').versionInformation).toEqual({ chosen: VERSION_1, available: [VERSION_2] });
    expect(decodeTransportParameters(fromHex('110400000001'), 'server').versionInformation).toEqual({ chosen: VERSION_1, available: [] });
  });
});

test('grease_quic_bit has no value (RFC 9287 §3)', () => {
  expect(toHex(encodeTransportParameters({ ...defaultTransportParameters, greaseQuicBit: true }))).toBe('6ab200');
  expect(errorOf('6ab20100')?.code).toBe(TransportErrorCode.TRANSPORT_PARAMETER_ERROR);
});
