import { ByteReader, ByteWriter } from '@quiclab/bytes';
import { decodeError, expectEnd, illegalParameter, vector8, vector16 } from './decoding.ts';

/** RFC 9846 §4.2.11. */
export interface PskIdentity {
  readonly identity: Uint8Array;
  /** Milliseconds since the ticket was received, plus its ageAdd, modulo 2^32. */
  readonly obfuscatedAge: number;
}

/** What a client offers in pre_shared_key: as many binders as identities. */
export interface OfferedPsks {
  readonly identities: readonly PskIdentity[];
  readonly binders: readonly Uint8Array[];
}

const SHORTEST_BINDER = 32;

export function encodeOfferedPsks({ identities, binders }: OfferedPsks): Uint8Array {
  const writer = ByteWriter.growable(512);
  writer.vector(2, () => {
    for (const { identity, obfuscatedAge } of identities) {
      writer.vector(2, () => writer.octets(identity));
      writer.uint32(obfuscatedAge);
    }
  });
  writer.vector(2, () => {
    for (const binder of binders) writer.vector(1, () => writer.octets(binder));
  });
  return writer.written();
}

/** Views of `data`. */
export function decodeOfferedPsks(data: Uint8Array): OfferedPsks {
  const outer = new ByteReader(data);
  const identityList = new ByteReader(vector16(outer));
  const binderList = new ByteReader(vector16(outer));
  expectEnd(outer, 'pre_shared_key');
  const identities: PskIdentity[] = [];
  while (identityList.remaining > 0) {
    const identity = vector16(identityList);
    const obfuscatedAge = identityList.uint32();
    if (!identityList.overrun && identity.length === 0) throw decodeError('pre_shared_key: an empty identity');
    identities.push({ identity, obfuscatedAge });
  }
  expectEnd(identityList, 'pre_shared_key identities');
  const binders: Uint8Array[] = [];
  while (binderList.remaining > 0) {
    const binder = vector8(binderList);
    if (!binderList.overrun && binder.length < SHORTEST_BINDER) throw decodeError(`pre_shared_key: a binder of ${binder.length} octets`);
    binders.push(binder);
  }
  expectEnd(binderList, 'pre_shared_key binders');
  if (identities.length === 0) throw decodeError('pre_shared_key: no identity');
  if (identities.length !== binders.length)
    throw illegalParameter(`pre_shared_key: ${identities.length} identities, but ${binders.length} binders`);
  return { identities, binders };
}

/**
 * A ClientHello up to its binders, which is what they are computed over; pre_shared_key is its last extension, and the
 * list of binders the last thing in that (RFC 9846 §4.2.11.2).
 */
export function withoutBinders(clientHello: Uint8Array, binders: readonly Uint8Array[]): Uint8Array {
  let length = 2;
  for (const binder of binders) length += 1 + binder.length;
  return clientHello.subarray(0, clientHello.length - length);
}

/** psk_key_exchange_modes (RFC 9846 §4.2.9): PSK with (EC)DHE is the one mode spoken here, as a key alone has no forward secrecy. */
const PSK_DHE_KE = 1;
export const PSK_MODES: Uint8Array = Uint8Array.of(1, PSK_DHE_KE);

/** Whether the client can resume as we do. */
export function offersDheMode(data: Uint8Array): boolean {
  const reader = new ByteReader(data);
  const modes = vector8(reader);
  expectEnd(reader, 'psk_key_exchange_modes');
  if (modes.length === 0) throw decodeError('psk_key_exchange_modes: an empty list');
  return modes.includes(PSK_DHE_KE);
}

/** early_data has nothing to say in a ClientHello, nor in EncryptedExtensions (RFC 9846 §4.2.10). */
export function checkEmptyEarlyData(data: Uint8Array): void {
  if (data.length !== 0) throw decodeError(`early_data: ${data.length} octets, where there are none`);
}
