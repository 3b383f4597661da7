import { concat } from '@quiclab/bytes';
import { nodeProvider } from '@quiclab/crypto/node';
import { seededRandom } from '@quiclab/sansio';
import { decodeClientKeyShares, encodeCodePoint, encodeProtocols, encodeServerKeyShare } from '../src/extension-data.ts';
import { ExtensionType } from '../src/extensions.ts';
import { KeySchedule } from '../src/key-schedule.ts';
import { encodeCertificate } from '../src/messages/certificate.ts';
import { type CertificateVerify, encodeCertificateVerify, serverSignedContent } from '../src/messages/certificate-verify.ts';
import { decodeClientHello } from '../src/messages/client-hello.ts';
import { encodeEncryptedExtensions } from '../src/messages/encrypted-extensions.ts';
import { encodeFinished } from '../src/messages/finished.ts';
import { encodeServerHello, HELLO_RETRY_RANDOM, type ServerHello } from '../src/messages/server-hello.ts';
import { Transcript } from '../src/transcript.ts';
import { identities } from './certificates.ts';
import { SERVER_PARAMETERS } from './pair.ts';

/** What this server says differently from an honest one. Signature and Finished cover whatever it says. */
export interface Forgery {
  readonly serverHello?: (hello: ServerHello) => ServerHello | Uint8Array;
  readonly encryptedExtensions?: (extensions: ReadonlyMap<number, Uint8Array>) => ReadonlyMap<number, Uint8Array> | Uint8Array;
  /** A whole message between EncryptedExtensions and Certificate. */
  readonly certificateRequest?: Uint8Array;
  /** A whole message. */
  readonly certificate?: Uint8Array;
  readonly certificateVerify?: (verify: CertificateVerify) => CertificateVerify;
}

/** A server that a test plays: X25519, TLS_AES_128_GCM_SHA256, Ed25519. */
export class ForgedServer {
  readonly transcript = new Transcript(nodeProvider);
  readonly keys = new KeySchedule(nodeProvider, 'TLS_AES_128_GCM_SHA256');
  readonly #forgery: Forgery;
  #clientSecret: Uint8Array = new Uint8Array(0);

  constructor(forgery: Forgery = {}) {
    this.#forgery = forgery;
  }

  /** A HelloRetryRequest with these extensions, after a first ClientHello. */
  retry(clientHello: Uint8Array, extensions: ReadonlyMap<number, Uint8Array>): Uint8Array {
    const request = encodeServerHello({ ...honestHello(new Uint8Array(0)), random: HELLO_RETRY_RANDOM, extensions });
    this.transcript.add(clientHello);
    this.transcript.replaceByHash('sha256');
    this.transcript.add(request);
    return request;
  }

  /** The ServerHello, and what follows it up to Finished. */
  answer(clientHello: Uint8Array): { readonly hello: Uint8Array; readonly flight: readonly Uint8Array[] } {
    this.transcript.add(clientHello);
    const shares = decodeClientKeyShares(decodeClientHello(clientHello.subarray(4)).extensions.get(ExtensionType.KEY_SHARE)!);
    const share = nodeProvider.keyExchange('x25519', seededRandom('forged share'));
    const hello = message(this.#forgery.serverHello, honestHello(share.publicKey), encodeServerHello);
    this.transcript.add(hello);
    const x25519 = shares.get(0x001d);
    if (x25519 === undefined) return { hello, flight: [] };

    this.keys.enterHandshake(share.agree(x25519));
    const hash = (): Uint8Array => this.transcript.hash('sha256');
    this.#clientSecret = this.keys.derive('c hs traffic', hash());
    const serverSecret = this.keys.derive('s hs traffic', hash());
    const flight: Uint8Array[] = [];
    const add = (octets: Uint8Array): void => {
      this.transcript.add(octets);
      flight.push(octets);
    };
    add(message(this.#forgery.encryptedExtensions, honestExtensions(), encodeEncryptedExtensions));
    if (this.#forgery.certificateRequest !== undefined) add(this.#forgery.certificateRequest);
    add(this.#forgery.certificate ?? encodeCertificate([identities.ed25519.certificate]));
    const signature = nodeProvider.signer(identities.ed25519.privateKey).sign(0x0807, serverSignedContent(hash()));
    const verify: CertificateVerify = { scheme: 0x0807, signature };
    add(encodeCertificateVerify(this.#forgery.certificateVerify?.(verify) ?? verify));
    add(encodeFinished(this.keys.verifyData(serverSecret, hash())));
    return { hello, flight };
  }

  /** The client's Finished, when these messages come before it in its flight. */
  clientFinished(...before: readonly Uint8Array[]): Uint8Array {
    this.transcript.add(concat(...before));
    return encodeFinished(this.keys.verifyData(this.#clientSecret, this.transcript.hash('sha256')));
  }
}

function message<T extends object>(
  forge: ((honest: T) => T | Uint8Array) | undefined,
  honest: T,
  encode: (value: T) => Uint8Array,
): Uint8Array {
  const forged = forge === undefined ? honest : forge(honest);
  return forged instanceof Uint8Array ? forged : encode(forged);
}

const honestHello = (publicKey: Uint8Array): ServerHello => ({
  legacyVersion: 0x0303,
  random: new Uint8Array(32).fill(7),
  legacySessionIdEcho: new Uint8Array(0),
  cipherSuite: 0x1301,
  legacyCompressionMethod: 0,
  extensions: new Map([
    [ExtensionType.SUPPORTED_VERSIONS, encodeCodePoint(0x0304)],
    [ExtensionType.KEY_SHARE, encodeServerKeyShare({ group: 0x001d, keyExchange: publicKey })],
  ]),
});

const honestExtensions = (): ReadonlyMap<number, Uint8Array> =>
  new Map([
    [ExtensionType.ALPN, encodeProtocols(['h3'])],
    [ExtensionType.QUIC_TRANSPORT_PARAMETERS, SERVER_PARAMETERS],
  ]);
