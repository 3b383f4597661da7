import { Alert } from './alerts.ts';
import { TLS_12, TLS_13 } from './code-points.ts';
import { illegalParameter } from './decoding.ts';
import { decodeCodePoint } from './extension-data.ts';
import { checkHomes, checkSolicited, type Extensions, ExtensionType } from './extensions.ts';
import { hasDowngradeMarker, type ServerHello } from './messages/server-hello.ts';
import { TlsAlert } from './port.ts';

/** RFC 9846 §4.2.1: before anything else of a ServerHello is looked at. */
export function checkServerVersion(hello: ServerHello): void {
  const selected = hello.extensions.get(ExtensionType.SUPPORTED_VERSIONS);
  if (selected === undefined) {
    if (hasDowngradeMarker(hello)) throw illegalParameter('the server was made to believe that we do not know TLS 1.3');
    throw new TlsAlert(Alert.PROTOCOL_VERSION, 'the server selected a version before TLS 1.3');
  }
  const version = decodeCodePoint(selected, 'supported_versions');
  if (version !== TLS_13) throw illegalParameter(`ServerHello: version 0x${version.toString(16)} was not offered`);
  if (hello.legacyVersion !== TLS_12)
    throw new TlsAlert(Alert.PROTOCOL_VERSION, `ServerHello: legacy_version 0x${hello.legacyVersion.toString(16)}`);
}

/** Every extension at home here, and asked for; the cookie of a HelloRetryRequest comes unasked (RFC 9846 §4.2). */
export function checkServerExtensions(hello: ServerHello, retry: boolean, offered: Extensions): void {
  const what = retry ? 'HelloRetryRequest' : 'ServerHello';
  checkHomes(hello.extensions, retry ? 'HRR' : 'SH', what);
  const answers = new Map(hello.extensions);
  if (retry) answers.delete(ExtensionType.COOKIE);
  checkSolicited(answers, offered, what);
}
