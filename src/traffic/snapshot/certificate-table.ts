// Finds the certificate for a server name; private keys stay wrapped, whatever way they came.
// Knows no TLS.
import type { Certificate } from '#traffic/model/ir.ts';
import { privateText } from '#traffic/model/private-text.ts';
import { HostTable } from './host-table.ts';

export class CertificateTable {
  readonly certificates: ReadonlyMap<string, Certificate>;
  readonly #byName: HostTable<Certificate>;

  private constructor(certificates: ReadonlyMap<string, Certificate>) {
    this.certificates = certificates;
    // By name, so that every worker settles two certificates of one hostname alike.
    const sorted = [...certificates.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
    this.#byName = new HostTable(
      sorted.flatMap((certificate) => {
        const hostnames = certificate.hostnames.length === 0 ? ['*'] : certificate.hostnames;
        return hostnames.map((hostname) => [{ hostname, wildcard: 'one-label' }, certificate] as const);
      }),
    );
  }

  static readonly empty: CertificateTable = new CertificateTable(new Map());

  with(changes: ReadonlyMap<string, Certificate | undefined>): CertificateTable {
    const certificates = new Map(this.certificates);
    for (const [name, certificate] of changes) {
      if (certificate === undefined) certificates.delete(name);
      else certificates.set(name, wrapped(certificate));
    }
    return new CertificateTable(certificates);
  }

  find(serverName: string | undefined): Certificate | undefined {
    return this.#byName.find(serverName ?? '');
  }
}

/** An update that came from another thread has lost the disguise of its private text. */
function wrapped(certificate: Certificate): Certificate {
  return Object.freeze({ ...certificate, privateKeyPem: privateText(certificate.privateKeyPem.value) });
}
