import { createPrivateKey, X509Certificate } from 'node:crypto';
import { connect, createServer, type TLSSocket } from 'node:tls';
import { fromHex, sameBytes, toHex, utf8 } from '@quiclab/bytes';
import { CertificateError, type Trust } from '@quiclab/crypto';
import {
  type CertificateOptions,
  developmentCertificate,
  type MadeCertificate,
  makeCertificate,
  nodeProvider,
  readPem,
  systemRandom,
  toPem,
} from '@quiclab/crypto/node';
import { type Micros, SECOND, seededRandom } from '@quiclab/sansio';
import { describe, expect, test } from 'vitest';

const DAY = 86_400 * SECOND;
const NOW: Micros = Date.UTC(2030, 5, 15) * 1000;
const validity = { notBefore: NOW - DAY, notAfter: NOW + DAY };

const make = (options: Partial<CertificateOptions>): MadeCertificate =>
  makeCertificate({ names: ['server.test'], keyType: 'p256', ...validity, ...options });

const root = make({ names: ['root'], ca: true });
const intermediate = make({ names: ['intermediate'], ca: true, issuer: root });
const leaf = make({ names: ['server.test', '*.wild.test', '192.0.2.7', '2001:db8::7'], issuer: intermediate });
const trusted: Trust = { ca: [root.certificate] };

interface Attempt {
  readonly chain?: readonly MadeCertificate[];
  readonly octets?: readonly Uint8Array[];
  readonly name?: string;
  readonly now?: Micros;
  readonly trust?: Trust;
}

/** 'accepted', or the alert and the message. */
function outcome({ chain = [leaf, intermediate], octets, name = 'server.test', now = NOW, trust = trusted }: Attempt): unknown {
  try {
    nodeProvider.checkChain(octets ?? chain.map((made) => made.certificate), name, now, trust);
    return 'accepted';
  } catch (error) {
    if (!(error instanceof CertificateError)) throw error;
    return [error.alert, error.message];
  }
}
/** An alert, and a message that has these parts in this order. */
const refusal = (alert: number, ...parts: [string, ...string[]]): unknown => {
  const quoted = parts.map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return [alert, expect.stringMatching(new RegExp(quoted.join('.*')))];
};

describe('a chain is accepted', () => {
  test('from leaf to root over an intermediate', () => expect(outcome({})).toBe('accepted'));
  test('with the root sent along', () => expect(outcome({ chain: [leaf, intermediate, root] })).toBe('accepted'));
  test('in any order, with strangers in between (RFC 8446 §4.4.2)', () => {
    const stranger = make({ names: ['stranger'], ca: true });
    expect(outcome({ chain: [leaf, stranger, root, intermediate] })).toBe('accepted');
  });
  test('when an intermediate is what is trusted', () =>
    expect(outcome({ chain: [leaf], trust: { ca: [intermediate.certificate] } })).toBe('accepted'));
  test('when a self-signed leaf is itself trusted', () => {
    const self = make({});
    expect(outcome({ chain: [self], trust: { ca: [root.certificate, self.certificate] } })).toBe('accepted');
  });
  test('with every pairing of key types', () => {
    const types = ['p256', 'p384', 'ed25519', 'rsa'] as const;
    const roots = types.map((keyType) => make({ names: [`${keyType} root`], keyType, ca: true }));
    for (const issuer of roots) {
      for (const keyType of types.slice(0, 3)) {
        expect(outcome({ chain: [make({ keyType, issuer })], trust: { ca: [issuer.certificate] } })).toBe('accepted');
      }
    }
  });
  test('at the first and in the last second of its validity (RFC 5280 §4.1.2.5)', () => {
    for (const now of [validity.notBefore, validity.notAfter]) expect(outcome({ now })).toBe('accepted');
  });
  test('without a look at root, name and validity when verification is switched off', () => {
    expect(outcome({ chain: [make({})], name: 'other.test', now: 0, trust: { verify: false } })).toBe('accepted');
  });
});

describe('names', () => {
  test.each(['server.test', 'SERVER.test', 'a.wild.test', '192.0.2.7', '2001:db8::7', '2001:0DB8:0:0::7'])('%s is covered', (name) =>
    expect(outcome({ name })).toBe('accepted'),
  );
  test.each([
    'other.test',
    'wild.test',
    'a.b.wild.test',
    'sub.server.test',
    '192.0.2.8',
    '2001:db8::8',
    '.test',
    '',
    'server.test\0',
    'root',
  ])('%j is not covered', (name) => expect(outcome({ name })).toEqual(refusal(46, 'CN=server.test', 'DNS:server.test')));
  test('the common name does not count (RFC 9110 §4.3.4)', () => {
    const nameless = altered(make({}), [['0603551d11', '0603551d63']]); // subjectAltName turned into something unknown
    expect(outcome({ chain: [nameless], trust: { ca: [nameless.certificate] } })).toEqual(refusal(46, 'CN=server.test', 'no host'));
  });
});

describe('a chain is refused', () => {
  test('before it is valid, and after', () => {
    expect(outcome({ now: validity.notBefore - 1 })).toEqual(refusal(45, 'CN=server.test', 'not valid before 2030-06-14T00:00:00'));
    expect(outcome({ now: validity.notAfter + SECOND })).toEqual(refusal(45, 'CN=server.test', 'valid until 2030-06-16T00:00:00'));
  });
  test('when an intermediate or the root is not valid any more', () => {
    const old = make({ names: ['old'], ca: true, issuer: root, notAfter: NOW - SECOND });
    expect(outcome({ chain: [make({ issuer: old }), old] })).toEqual(refusal(45, 'CN=old'));
    const oldRoot = make({ names: ['old root'], ca: true, notAfter: NOW - SECOND });
    expect(outcome({ chain: [make({ issuer: oldRoot })], trust: { ca: [oldRoot.certificate] } })).toEqual(refusal(45, 'CN=old root'));
  });
  test('when nobody trusts its root', () => {
    expect(outcome({ trust: {} })).toEqual(refusal(48, 'CN=intermediate', 'CN=root'));
    expect(outcome({ chain: [make({})] })).toEqual(refusal(48, 'self-signed'));
  });
  test('when the root only has the same name as a trusted one', () => {
    const impostor = make({ names: ['root'], ca: true });
    expect(outcome({ chain: [make({ issuer: impostor }), impostor] })).toEqual(refusal(48, 'CN=root'));
  });
  test('when an intermediate is missing', () =>
    expect(outcome({ chain: [leaf] })).toEqual(refusal(48, 'CN=server.test', 'CN=intermediate')));
  test('when an intermediate is no CA', () => {
    const notCa = make({ names: ['shop.test'], issuer: root });
    // its keyUsage forbids it as well, and is looked at first
    expect(outcome({ chain: [make({ issuer: notCa }), notCa] })).toEqual(refusal(42, 'CN=shop.test', 'signing certificates'));
    const mute = altered(notCa, [
      ['551d0f', '551d63'],
      ['0101ff04', '01010004'],
    ]); // keyUsage turned into something unknown, and nothing critical
    expect(outcome({ chain: [make({ issuer: mute }), mute] })).toEqual(refusal(42, 'CN=shop.test', 'no CA'));
  });
  test('when a signature is wrong', () => {
    const octets = leaf.certificate.slice();
    octets[octets.length - 1] ^= 1;
    expect(outcome({ octets: [octets, intermediate.certificate] })).toEqual(refusal(42, 'CN=server.test', 'signature', 'CN=intermediate'));
    const other = makeCertificate({
      names: ['server.test'],
      keyType: 'p256',
      ...validity,
      issuer: { ...intermediate, privateKey: root.privateKey },
    });
    expect(outcome({ chain: [other, intermediate] })).toEqual(refusal(42, 'CN=server.test', 'signature'));
  });
  test('when its path is longer than a CA allows (RFC 5280 §4.2.1.9)', () => {
    const short = make({ names: ['short'], ca: true, pathLength: 0 });
    const trust = { ca: [short.certificate] };
    expect(outcome({ chain: [make({ issuer: short })], trust })).toBe('accepted');
    const below = make({ names: ['below'], ca: true, issuer: short });
    expect(outcome({ chain: [make({ issuer: below }), below], trust })).toEqual(refusal(42, 'CN=short', '1 intermediate'));
  });
  test('when it has more than ten certificates', () => {
    expect(outcome({ chain: [leaf, ...new Array<MadeCertificate>(9).fill(intermediate)] })).toBe('accepted');
    expect(outcome({ chain: [leaf, ...new Array<MadeCertificate>(10).fill(intermediate)] })).toEqual(refusal(42, '11 certificates'));
  });
  test('when it is empty', () => expect(outcome({ chain: [] })).toEqual(refusal(42, 'no certificate')));
  test('when it goes round in circles', () => {
    const a = { names: ['a'], ca: true, keyType: 'ed25519' } as const;
    const b = make({ names: ['b'], ca: true, issuer: make({ ...a, random: seededRandom(1) }) });
    const aByB = make({ ...a, random: seededRandom(1), issuer: b }); // the key that issued b, issued by b
    expect(outcome({ chain: [make({ issuer: aByB }), aByB, b, aByB, b] })).toEqual(refusal(48, 'CN=b', 'CN=a', 'not among'));
  });
});

describe('a leaf is refused, trusted as it may be,', () => {
  const attempt = (made: MadeCertificate): unknown => outcome({ chain: [made], trust: { ca: [made.certificate] } });
  test('when it may not sign (RFC 8446 §4.4.2.2)', () =>
    expect(attempt(altered(make({}), [['03020780', '03020520']]))).toEqual(refusal(43, 'keyUsage')));
  test('when it is for clients', () =>
    expect(attempt(altered(make({}), [['06082b06010505070301', '06082b06010505070302']]))).toEqual(refusal(43, 'extKeyUsage')));
  test('when it has a critical extension that is not understood (RFC 5280 §4.2)', () =>
    expect(attempt(altered(make({}), [['551d130101ff', '551d630101ff']]))).toEqual(refusal(43, '2.5.29.99')));
  test('when its key is for something else', () => {
    const octets = fromHex(
      toHex(make({ keyType: 'ed25519' }).certificate).replace('300506032b65700321', '300506032b656e0321'), // X25519
    );
    expect(outcome({ octets: [octets], trust: { verify: false } })).toEqual(refusal(43, 'x25519'));
  });
  test('when octets follow it', () => {
    const made = make({});
    expect(outcome({ octets: [new Uint8Array([...made.certificate, 0])], trust: { ca: [made.certificate] } })).toEqual(
      refusal(42, '1 octets follow'),
    );
  });
});

test('signatures with SHA-1 are refused (RFC 8446 §4.4.2.4)', () => {
  const issuer = make({ names: ['rsa root'], keyType: 'rsa', ca: true });
  const weak = altered(make({ issuer }), [['2a864886f70d01010b', '2a864886f70d010105']]);
  expect(outcome({ chain: [weak], trust: { ca: [issuer.certificate] } })).toEqual(refusal(42, '1.2.840.113549.1.1.5'));
});

test('a certificate that was cut off or altered anywhere is refused with an alert', () => {
  const trust = { ca: [intermediate.certificate] };
  const draws = seededRandom('altered certificates');
  for (let i = 0; i < leaf.certificate.length; i++) {
    expect(outcome({ octets: [leaf.certificate.subarray(0, i)], trust })).not.toBe('accepted');
    const octets = leaf.certificate.slice();
    octets[i] ^= 1 << (draws.uint32() & 7);
    expect(outcome({ octets: [octets], trust }), `octet ${i}`).not.toBe('accepted');
    outcome({ octets: [octets], trust: { verify: false } }); // whatever it says, it says so in a CertificateError
  }
});

test('a trusted root that cannot be read is our mistake, not an alert', () => {
  expect(() => outcome({ trust: { ca: [new Uint8Array(3)] } })).toThrow('trusted certificate 0');
});

describe('made certificates', () => {
  test('are the same to the octet when drawn from the same numbers with Ed25519', () => {
    const draw = (seed: number): MadeCertificate => {
      const random = seededRandom(seed);
      const issuer = make({ names: ['root'], keyType: 'ed25519', ca: true, random: random.fork('root') });
      return make({ keyType: 'ed25519', issuer, random: random.fork('leaf'), padTo: 1800 });
    };
    expect(draw(1)).toEqual(draw(1));
    expect(draw(1)).not.toEqual(draw(2));
    expect(draw(1).certificate).toHaveLength(1800);
  });
  test('are filled up to the size that is asked for', () => {
    for (const padTo of [700, 1000, 4000, 70000]) {
      const { length } = make({ keyType: 'ed25519', padTo }).certificate;
      expect(Math.abs(length - padTo)).toBeLessThanOrEqual(1);
    }
    expect(make({ padTo: 10 }).certificate.length).toBeGreaterThan(300);
  });
  test('say what OpenSSL reads in them', () => {
    const notAfter = Date.UTC(2051, 0, 2, 3, 4, 5) * 1000; // the other form of time
    const x509 = new X509Certificate(
      make({ names: ['a.test', '10.1.2.3', 'fe80::1:2', '::ffff:1.2.3.4'], issuer: root, notBefore: 0, notAfter }).certificate,
    );
    expect(x509.subjectAltName).toBe('DNS:a.test, IP Address:10.1.2.3, IP Address:FE80:0:0:0:0:0:1:2, IP Address:0:0:0:0:0:FFFF:102:304');
    expect([Date.parse(x509.validFrom), Date.parse(x509.validTo)]).toEqual([0, notAfter / 1000]);
    expect(x509.checkIssued(new X509Certificate(root.certificate))).toBe(true);
    expect(new X509Certificate(root.certificate).ca).toBe(true);
    expect(x509.ca).toBe(false);
  });
  test('need names that are names', () => {
    for (const names of [[], ['a b'], ['ü.test'], ['*.*.test'], ['']]) expect(() => make({ names })).toThrow();
  });
  test('for development cover this machine for less than 14 days, from before now', () => {
    const development = developmentCertificate(NOW);
    for (const name of ['localhost', '127.0.0.1', '::1']) {
      expect(outcome({ chain: [development], name, trust: { ca: [development.certificate] } })).toBe('accepted');
    }
    const x509 = new X509Certificate(development.certificate);
    expect(Date.parse(x509.validTo) - Date.parse(x509.validFrom)).toBeLessThanOrEqual((14 * DAY) / 1000);
    expect(x509.publicKey.asymmetricKeyDetails?.namedCurve).toBe('prime256v1');
  });

  test.each(['p256', 'p384', 'ed25519', 'rsa'] as const)("are accepted by Node's own TLS with a key of type %s", async (keyType) => {
    const now = Date.now() * 1000;
    const current = { notBefore: now - DAY, notAfter: now + DAY };
    const issuer = make({ names: ['root'], ca: true, ...current });
    const made = make({ names: ['localhost'], keyType, issuer, padTo: 1500, ...current });
    const server = createServer({ key: toPem('PRIVATE KEY', made.privateKey), cert: toPem('CERTIFICATE', made.certificate) });
    server.on('tlsClientError', () => {});
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    const { port } = server.address() as { port: number };
    const socket = await new Promise<TLSSocket>((resolve, reject) => {
      const connecting: TLSSocket = connect(
        { port, host: '127.0.0.1', servername: 'localhost', ca: toPem('CERTIFICATE', issuer.certificate) },
        () => resolve(connecting),
      );
      connecting.on('error', reject);
    });
    expect(socket.authorized).toBe(true);
    expect(socket.getPeerX509Certificate()?.subject).toBe('CN=localhost');
    socket.destroy();
    await new Promise((closed) => server.close(closed));
  });
});

describe('signatures', () => {
  const message = utf8('TLS 1.3, server CertificateVerify');
  test.each([
    ['p256', [0x0403]],
    ['p384', [0x0503]],
    ['ed25519', [0x0807]],
    ['rsa', [0x0804, 0x0805, 0x0806]],
  ] as const)('a key of type %s signs its schemes, and no others are verified with it (RFC 8446 §4.4.3)', (keyType, schemes) => {
    const made = make({ keyType });
    const signer = nodeProvider.signer(made.privateKey);
    const verifier = nodeProvider.checkChain([made.certificate], '', NOW, { verify: false });
    expect(signer.schemes).toEqual(schemes);
    for (const scheme of schemes) {
      const signature = signer.sign(scheme, message);
      expect(verifier.verify(scheme, message, signature)).toBe(true);
      expect(verifier.verify(scheme, utf8('another message'), signature)).toBe(false);
      for (const at of [0, 5, signature.length - 1]) {
        const altered = signature.slice();
        altered[at] ^= 4;
        expect(verifier.verify(scheme, message, altered)).toBe(false);
      }
      expect(verifier.verify(scheme, message, new Uint8Array(0))).toBe(false);
      // 0x0401 and 0x0203: PKCS#1 padding, SHA-1
      for (const other of [0x0401, 0x0501, 0x0203, 0x0603, 0x0403, 0x0503, 0x0804, 0x0805, 0x0807, 0x0809, 0]) {
        if (other !== scheme) expect(verifier.verify(other, message, signature)).toBe(false);
      }
    }
    expect(() => signer.sign(0x0401, message)).toThrow('0x401');
  });
  test('a PSS signature has a salt as long as its hash (RFC 8446 §4.2.3)', async () => {
    const { constants, sign } = await import('node:crypto');
    const made = make({ keyType: 'rsa' });
    const verifier = nodeProvider.checkChain([made.certificate], '', NOW, { verify: false });
    const key = createPrivateKey({ key: Buffer.from(made.privateKey), format: 'der', type: 'pkcs8' });
    const withSalt = (saltLength: number): Uint8Array =>
      sign('sha256', message, { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength });
    expect(verifier.verify(0x0804, message, withSalt(32))).toBe(true);
    expect(verifier.verify(0x0804, message, withSalt(20))).toBe(false);
    expect(verifier.verify(0x0804, message, sign('sha256', message, key))).toBe(false);
  });
  test('keys that sign no handshakes are refused', () => {
    expect(() => nodeProvider.signer(fromHex(`302e020100300506032b656e04220420${'07'.repeat(32)}`))).toThrow('x25519');
    expect(() => nodeProvider.signer(new Uint8Array(10))).toThrow();
  });
});

describe('PEM', () => {
  const chain = toPem('CERTIFICATE', leaf.certificate) + toPem('CERTIFICATE', intermediate.certificate);
  const keyOf = (made: MadeCertificate) => createPrivateKey({ key: Buffer.from(made.privateKey), format: 'der', type: 'pkcs8' });

  test('certificates and key, with text around them and line ends of any kind', () => {
    const text = `subject=x\n${chain}Bag Attributes\n${toPem('PRIVATE KEY', leaf.privateKey)}`;
    for (const variant of [text, text.replaceAll('\n', '\r\n')]) {
      const pem = readPem(variant);
      expect(pem.certificates.map(toHex)).toEqual([leaf, intermediate].map((made) => toHex(made.certificate)));
      expect(toHex(pem.privateKey!)).toBe(toHex(leaf.privateKey));
    }
    expect(readPem(chain).privateKey).toBeUndefined();
  });
  test('keys as SEC 1 and PKCS#1', () => {
    const sec1 = keyOf(leaf).export({ type: 'sec1', format: 'pem' }) as string;
    expect(toHex(readPem(`-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n${sec1}`).privateKey!)).toBe(
      toHex(leaf.privateKey),
    );
    const rsa = make({ keyType: 'rsa' });
    expect(sameBytes(readPem(keyOf(rsa).export({ type: 'pkcs1', format: 'pem' }) as string).privateKey!, rsa.privateKey)).toBe(true);
  });
  test('what is wrong is said', () => {
    const key = toPem('PRIVATE KEY', leaf.privateKey);
    const encrypted = keyOf(leaf).export({ type: 'pkcs8', format: 'pem', cipher: 'aes-128-cbc', passphrase: 'x' }) as string;
    const legacy = keyOf(leaf).export({ type: 'sec1', format: 'pem', cipher: 'aes-128-cbc', passphrase: 'x' }) as string;
    expect(() => readPem('')).toThrow('is it DER?');
    expect(() => readPem(chain.slice(0, -10))).toThrow('2 blocks begin, but only 1 are whole');
    expect(() => readPem(key + key)).toThrow('more than one private key');
    expect(() => readPem(encrypted)).toThrow('encrypted');
    expect(() => readPem(legacy)).toThrow('encrypted');
    expect(() => readPem(chain.replace(/MII/, 'M!I'))).toThrow('certificate 1 is not base64');
    expect(() => readPem(toPem('CERTIFICATE', leaf.privateKey))).toThrow('certificate 1 cannot be read');
    expect(() => readPem(toPem('PRIVATE KEY', leaf.certificate))).toThrow('PRIVATE KEY cannot be read');
  });
});

describe('the system generator', () => {
  test('fills any length, and does not repeat itself', () => {
    const seen = new Set<string>();
    for (const length of [16, 32, 256, 257, 5000]) {
      for (let i = 0; i < 40; i++) {
        const octets = new Uint8Array(length);
        systemRandom.fill(octets);
        seen.add(toHex(octets.subarray(0, 16)));
      }
    }
    expect(seen.size).toBe(200);
    expect(new Set(Array.from({ length: 100 }, () => systemRandom.uint32())).size).toBeGreaterThan(98);
    expect(systemRandom.fork('a').uint32()).not.toBe(systemRandom.fork('a').uint32());
  });
});

/** With some octets replaced, everywhere they are; the signature does not fit any more. */
function altered(made: MadeCertificate, replacements: readonly (readonly [string, string])[]): MadeCertificate {
  let hex = toHex(made.certificate);
  for (const [from, to] of replacements) {
    expect(hex).toContain(from);
    hex = hex.replaceAll(from, to);
  }
  return { ...made, certificate: fromHex(hex) };
}
