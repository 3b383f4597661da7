import { constants, verify, X509Certificate } from 'node:crypto';
import { ByteReader, fromHex, latin1 } from '@quiclab/bytes';
import { nodeProvider } from '@quiclab/crypto/node';
import type { Random } from '@quiclab/sansio';
import { describe, expect, test } from 'vitest';
import { decodeClientKeyShares, decodeCookie, decodeServerKeyShare, decodeServerName } from '../src/extension-data.ts';
import { ExtensionType } from '../src/extensions.ts';
import { KeySchedule, resumptionKey } from '../src/key-schedule.ts';
import { type HandshakeMessage, MessageBuffer } from '../src/message-buffer.ts';
import { decodeCertificate } from '../src/messages/certificate.ts';
import { decodeCertificateVerify, serverSignedContent } from '../src/messages/certificate-verify.ts';
import { decodeClientHello, encodeClientHello } from '../src/messages/client-hello.ts';
import { decodeEncryptedExtensions } from '../src/messages/encrypted-extensions.ts';
import { decodeFinished } from '../src/messages/finished.ts';
import { decodeNewSessionTicket, encodeNewSessionTicket } from '../src/messages/new-session-ticket.ts';
import { decodeServerHello, encodeServerHello, isHelloRetryRequest } from '../src/messages/server-hello.ts';
import { decodeOfferedPsks, encodeOfferedPsks, offersDheMode, withoutBinders } from '../src/pre-shared-key.ts';
import { Transcript } from '../src/transcript.ts';
import { resumed, retried, simple } from './rfc8448-vectors.ts';

function messagesOf(octets: Uint8Array): HandshakeMessage[] {
  const buffer = new MessageBuffer();
  const chunk = new ByteReader(octets);
  const messages: HandshakeMessage[] = [];
  while (chunk.remaining > 0) {
    const message = buffer.take(chunk, () => {});
    if (message !== undefined) messages.push(message);
  }
  return messages;
}

/** A generator that draws just these octets. */
const drawing = (octets: Uint8Array): Random => ({
  uint32: () => 0,
  fill: (into) => into.set(octets),
  fork: () => drawing(octets),
  at: () => drawing(octets),
});

const transcriptOf = (...messages: readonly Uint8Array[]): Transcript => {
  const transcript = new Transcript(nodeProvider);
  for (const message of messages) transcript.add(message);
  return transcript;
};

const [encryptedExtensions, certificate, certificateVerify, serverFinished] = messagesOf(simple.serverFlight) as [
  HandshakeMessage,
  HandshakeMessage,
  HandshakeMessage,
  HandshakeMessage,
];

describe('RFC 8448 §3, simple 1-RTT handshake', () => {
  const share = nodeProvider.keyExchange('x25519', drawing(simple.serverPrivateKey));
  const sharedSecret = share.agree(simple.clientPublicKey);
  const keys = (): KeySchedule => {
    const schedule = new KeySchedule(nodeProvider, 'TLS_AES_128_GCM_SHA256');
    schedule.enterHandshake(sharedSecret);
    return schedule;
  };
  const hash = (...messages: readonly Uint8Array[]): Uint8Array => transcriptOf(...messages).hash('sha256');
  const toServerFinished = [simple.clientHello, simple.serverHello, simple.serverFlight];

  test('both sides come to the same shared secret', () => {
    const client = nodeProvider.keyExchange('x25519', drawing(simple.clientPrivateKey));
    expect(Buffer.from(client.publicKey)).toEqual(Buffer.from(simple.clientPublicKey));
    expect(Buffer.from(client.agree(simple.serverPublicKey))).toEqual(Buffer.from(sharedSecret));
  });

  test('handshake traffic secrets (RFC 9846 §7.1)', () => {
    const helloHash = hash(simple.clientHello, simple.serverHello);
    expect(Buffer.from(keys().derive('c hs traffic', helloHash))).toEqual(Buffer.from(simple.clientHandshakeSecret));
    expect(Buffer.from(keys().derive('s hs traffic', helloHash))).toEqual(Buffer.from(simple.serverHandshakeSecret));
  });

  test('application, exporter and resumption secrets (RFC 9846 §7.1)', () => {
    const schedule = keys();
    schedule.enterMain();
    const toServer = hash(...toServerFinished);
    expect(Buffer.from(schedule.derive('c ap traffic', toServer))).toEqual(Buffer.from(simple.clientApplicationSecret));
    expect(Buffer.from(schedule.derive('s ap traffic', toServer))).toEqual(Buffer.from(simple.serverApplicationSecret));
    expect(Buffer.from(schedule.derive('exp master', toServer))).toEqual(Buffer.from(simple.exporterSecret));
    const toClient = hash(...toServerFinished, simple.clientFinished);
    expect(Buffer.from(schedule.derive('res master', toClient))).toEqual(Buffer.from(simple.resumptionSecret));
  });

  test('both Finished messages (RFC 9846 §4.4.4)', () => {
    const before = hash(simple.clientHello, simple.serverHello, encryptedExtensions.octets, certificate.octets, certificateVerify.octets);
    expect(Buffer.from(keys().verifyData(simple.serverHandshakeSecret, before))).toEqual(
      Buffer.from(decodeFinished(serverFinished.body, 32)),
    );
    const after = hash(...toServerFinished);
    expect(Buffer.from(keys().verifyData(simple.clientHandshakeSecret, after))).toEqual(Buffer.from(simple.clientFinished.subarray(4)));
  });

  test('the signature covers the content of RFC 9846 §4.4.3', () => {
    const { scheme, signature } = decodeCertificateVerify(certificateVerify.body);
    const { entries } = decodeCertificate(certificate.body);
    const content = serverSignedContent(hash(simple.clientHello, simple.serverHello, encryptedExtensions.octets, certificate.octets));
    expect(scheme).toBe(0x0804);
    const key = new X509Certificate(entries[0]!.data).publicKey; // 1024 bits, which the provider refuses, and rightly
    const padding = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 };
    expect(verify('sha256', content, { key, ...padding }, signature)).toBe(true);
    content[content.length - 1]! ^= 1;
    expect(verify('sha256', content, { key, ...padding }, signature)).toBe(false);
  });

  test('messages decode, and encode to the same octets', () => {
    const hello = decodeClientHello(simple.clientHello.subarray(4));
    expect(hello.cipherSuites).toEqual([0x1301, 0x1303, 0x1302]);
    expect(decodeServerName(hello.extensions.get(ExtensionType.SERVER_NAME)!)).toBe('server');
    expect([...decodeClientKeyShares(hello.extensions.get(ExtensionType.KEY_SHARE)!).keys()]).toEqual([0x001d]);
    expect(Buffer.from(encodeClientHello(hello))).toEqual(Buffer.from(simple.clientHello));
    const answer = decodeServerHello(simple.serverHello.subarray(4));
    expect(isHelloRetryRequest(answer)).toBe(false);
    expect(Buffer.from(decodeServerKeyShare(answer.extensions.get(ExtensionType.KEY_SHARE)!).keyExchange)).toEqual(
      Buffer.from(simple.serverPublicKey),
    );
    expect(Buffer.from(encodeServerHello(answer))).toEqual(Buffer.from(simple.serverHello));
    expect([...decodeEncryptedExtensions(encryptedExtensions.body).keys()]).toEqual([ExtensionType.SUPPORTED_GROUPS, 28, 0]);
  });

  test('its ticket allows 1024 octets of early data, which QUIC may not say (RFC 9001 §4.6.1)', () => {
    const body = simple.newSessionTicket.subarray(4);
    expect(() => decodeNewSessionTicket(body, 'quic')).toThrow('max_early_data_size is 1024');
    const ticket = decodeNewSessionTicket(body, 'tcp');
    expect(ticket).toMatchObject({ lifetime: 30, ageAdd: 0xfad6aac5, maxEarlyData: 1024 });
    expect(Buffer.from(encodeNewSessionTicket(ticket))).toEqual(Buffer.from(simple.newSessionTicket));
  });
});

describe('RFC 8448 §4, resumed 0-RTT handshake', () => {
  const suite = 'TLS_AES_128_GCM_SHA256';
  const keys = (): KeySchedule => new KeySchedule(nodeProvider, suite, resumed.psk);
  const hash = (...messages: readonly Uint8Array[]): Uint8Array => transcriptOf(...messages).hash('sha256');
  const hello = decodeClientHello(resumed.clientHello.subarray(4));
  const offered = decodeOfferedPsks(hello.extensions.get(ExtensionType.PRE_SHARED_KEY)!);
  const hellos = [resumed.clientHello, resumed.serverHello];
  const toServerFinished = [...hellos, resumed.encryptedExtensions, resumed.serverFinished];

  test("the key of the ticket, from the first connection's resumption secret (RFC 9846 §4.6.1)", () => {
    expect(Buffer.from(resumptionKey(nodeProvider, suite, simple.resumptionSecret, fromHex('0000')))).toEqual(Buffer.from(resumed.psk));
  });

  test('the ticket is offered, and the offer encodes to the same octets', () => {
    const body = simple.newSessionTicket.subarray(4);
    expect(Buffer.from(offered.identities[0]!.identity)).toEqual(Buffer.from(decodeNewSessionTicket(body, 'tcp').ticket));
    expect(offered.identities[0]!.obfuscatedAge).toBe(0xfad6aacb); // 6 ms after it came
    expect(Buffer.from(encodeOfferedPsks(offered))).toEqual(Buffer.from(hello.extensions.get(ExtensionType.PRE_SHARED_KEY)!));
    expect(offersDheMode(hello.extensions.get(ExtensionType.PSK_KEY_EXCHANGE_MODES)!)).toBe(true);
  });

  test('the binder, over the ClientHello without it (RFC 9846 §4.2.11.2)', () => {
    const truncated = withoutBinders(resumed.clientHello, offered.binders);
    const truncatedHash = new Transcript(nodeProvider).hashWith('sha256', truncated);
    expect(Buffer.from(truncatedHash)).toEqual(Buffer.from(resumed.truncatedHash));
    expect(Buffer.from(keys().binder(truncatedHash))).toEqual(Buffer.from(resumed.binder));
    expect(Buffer.from(offered.binders[0]!)).toEqual(Buffer.from(resumed.binder));
  });

  test('early secrets (RFC 9846 §7.1)', () => {
    expect(Buffer.from(keys().derive('c e traffic', hash(resumed.clientHello)))).toEqual(Buffer.from(resumed.clientEarlySecret));
    expect(Buffer.from(keys().derive('e exp master', hash(resumed.clientHello)))).toEqual(Buffer.from(resumed.earlyExporterSecret));
  });

  test('handshake, application and resumption secrets, Finished on both sides', () => {
    const schedule = keys();
    const share = nodeProvider.keyExchange('x25519', drawing(resumed.clientPrivateKey));
    expect(Buffer.from(nodeProvider.keyExchange('x25519', drawing(resumed.serverPrivateKey)).publicKey)).toEqual(
      Buffer.from(resumed.serverPublicKey),
    );
    schedule.enterHandshake(share.agree(resumed.serverPublicKey));
    expect(Buffer.from(schedule.derive('c hs traffic', hash(...hellos)))).toEqual(Buffer.from(resumed.clientHandshakeSecret));
    expect(Buffer.from(schedule.derive('s hs traffic', hash(...hellos)))).toEqual(Buffer.from(resumed.serverHandshakeSecret));
    const serverVerify = schedule.verifyData(resumed.serverHandshakeSecret, hash(...hellos, resumed.encryptedExtensions));
    expect(Buffer.from(serverVerify)).toEqual(Buffer.from(resumed.serverFinished.subarray(4)));
    const beforeClient = [...toServerFinished, resumed.endOfEarlyData]; // which QUIC does without (RFC 9001 §8.3)
    const clientVerify = schedule.verifyData(resumed.clientHandshakeSecret, hash(...beforeClient));
    expect(Buffer.from(clientVerify)).toEqual(Buffer.from(resumed.clientFinished.subarray(4)));
    schedule.enterMain();
    expect(Buffer.from(schedule.derive('c ap traffic', hash(...toServerFinished)))).toEqual(Buffer.from(resumed.clientApplicationSecret));
    expect(Buffer.from(schedule.derive('s ap traffic', hash(...toServerFinished)))).toEqual(Buffer.from(resumed.serverApplicationSecret));
    const toClientFinished = hash(...beforeClient, resumed.clientFinished);
    expect(Buffer.from(schedule.derive('res master', toClientFinished))).toEqual(Buffer.from(resumed.resumptionSecret));
  });

  test('the server takes the first identity, and the early data', () => {
    const answer = decodeServerHello(resumed.serverHello.subarray(4));
    expect(Buffer.from(answer.extensions.get(ExtensionType.PRE_SHARED_KEY)!)).toEqual(Buffer.from('0000', 'hex'));
    const extensions = decodeEncryptedExtensions(resumed.encryptedExtensions.subarray(4));
    expect(extensions.get(ExtensionType.EARLY_DATA)).toHaveLength(0);
  });
});

describe('RFC 8448 §5, HelloRetryRequest', () => {
  test('handshake traffic secrets over a transcript that begins with message_hash (RFC 9846 §4.1)', () => {
    const transcript = transcriptOf(retried.clientHello1);
    transcript.replaceByHash('sha256');
    for (const message of [retried.helloRetryRequest, retried.clientHello2, retried.serverHello]) transcript.add(message);
    const schedule = new KeySchedule(nodeProvider, 'TLS_AES_128_GCM_SHA256');
    schedule.enterHandshake(nodeProvider.keyExchange('secp256r1', drawing(retried.clientPrivateKey)).agree(retried.serverPublicKey));
    expect(Buffer.from(schedule.derive('c hs traffic', transcript.hash('sha256')))).toEqual(Buffer.from(retried.clientHandshakeSecret));
    expect(Buffer.from(schedule.derive('s hs traffic', transcript.hash('sha256')))).toEqual(Buffer.from(retried.serverHandshakeSecret));
  });

  test('the server private key gives the public one', () => {
    const share = nodeProvider.keyExchange('secp256r1', drawing(retried.serverPrivateKey));
    expect(Buffer.from(share.publicKey)).toEqual(Buffer.from(retried.serverPublicKey));
  });

  test('the request is known by its random, and its cookie comes back in the second ClientHello', () => {
    const request = decodeServerHello(retried.helloRetryRequest.subarray(4));
    expect(isHelloRetryRequest(request)).toBe(true);
    expect(Buffer.from(request.random)).toEqual(Buffer.from(nodeProvider.digest('sha256', latin1('HelloRetryRequest'))));
    const second = decodeClientHello(retried.clientHello2.subarray(4));
    const cookie = decodeCookie(request.extensions.get(ExtensionType.COOKIE)!);
    expect(Buffer.from(decodeCookie(second.extensions.get(ExtensionType.COOKIE)!))).toEqual(Buffer.from(cookie));
  });
});
