// Certificates of listeners, as the files that hold them.
// Reads none of them.
import { list, object, optional, type Schema } from './kit.ts';
import { hostPattern, name } from './values.ts';

export interface CertificateFiles {
  /** Left out: the names in the certificate. Empty: it serves where no other fits. */
  readonly hostnames?: readonly string[];
  readonly certificateFile: string;
  readonly keyFile: string;
}

export const certificate: Schema<CertificateFiles> = object({
  hostnames: optional(list(hostPattern, 'hostnames')),
  certificateFile: name,
  keyFile: name,
});
