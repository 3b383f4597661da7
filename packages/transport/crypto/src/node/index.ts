export {
  type CertificateAndKey,
  type CertificateOptions,
  developmentCertificate,
  type MadeCertificate,
  makeCertificate,
} from './certificate.ts';
export { type Pem, readPem, toPem } from './pem.ts';
export { nodeProvider } from './provider.ts';
export { systemRandom } from './system-random.ts';
