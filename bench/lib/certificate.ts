// The certificate of the benchmarks with TLS: ECDSA P-256 for 127.0.0.1, from an authority made for the run.
// Knows nothing of who shows it.

import { createAuthority } from '#traffic/identity/authority.ts';

export interface BenchCertificate {
  readonly certPem: string;
  readonly keyPem: string;
}

export async function benchCertificate(): Promise<BenchCertificate> {
  const authority = await createAuthority({ commonName: 'evenkeel bench', days: 1 });
  return authority.issue({ commonName: 'bench', dnsNames: ['localhost'], ips: ['127.0.0.1'], days: 1 });
}
