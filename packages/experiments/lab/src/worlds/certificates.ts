import { type MadeCertificate, makeCertificate } from '@quiclab/crypto/node';
import { SECOND, seededRandom } from '@quiclab/sansio';

const MOST_KEPT = 8;
const kept = new Map<string, MadeCertificate>();

/**
 * The certificate of a simulated run's server, by seed and names. Ed25519 signatures do not vary, in value or in length; the padding gives
 * the chain the size of a real one. A plan runs all its models with one seed before the next: the last few are kept.
 */
export function certificateFor(seed: number, names: readonly string[]): MadeCertificate {
  const key = `${seed} ${names.join(' ')}`;
  let certificate = kept.get(key);
  if (certificate === undefined) {
    certificate = makeCertificate({
      names,
      keyType: 'ed25519',
      notBefore: 0,
      notAfter: 10 * 365 * 86_400 * SECOND,
      padTo: 2_400,
      random: seededRandom(seed).fork('certificate'),
    });
    kept.set(key, certificate);
    for (const oldest of kept.keys()) {
      if (kept.size <= MOST_KEPT) break;
      kept.delete(oldest);
    }
  }
  return certificate;
}
