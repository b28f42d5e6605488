// Finds the certificates for a server name; private keys stay wrapped, whatever way they came.
// Knows no TLS.
import type { Certificate } from '#traffic/model/ir.ts';
import { privateText } from '#traffic/model/private-text.ts';
import { type HostPattern, HostTable } from './host-table.ts';

type Certificates = readonly Certificate[];

const none: Certificates = Object.freeze([]);

export class CertificateTable {
  readonly certificates: ReadonlyMap<string, Certificate>;
  /** Lists by the names in them: hostnames of the same certificates share one. */
  readonly #lists = new Map<string, Certificates>();
  /** Of listeners that certificates name. */
  readonly #byListener = new Map<string, HostTable<Certificates>>();
  readonly #everywhere: HostTable<Certificates>;

  private constructor(certificates: ReadonlyMap<string, Certificate>, before: ReadonlyMap<string, Certificates>) {
    this.certificates = certificates;
    // By name, so that every worker settles two certificates of one hostname alike.
    const sorted = [...certificates.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
    const general = sorted.filter(({ listeners }) => listeners === undefined);
    this.#everywhere = this.#tableOf(general, 'one-label', before);
    const named = new Map<string, Certificate[]>();
    for (const certificate of sorted) {
      for (const listener of certificate.listeners ?? []) {
        const list = named.get(listener);
        if (list === undefined) named.set(listener, [certificate]);
        else list.push(certificate);
      }
    }
    for (const [listener, list] of named) this.#byListener.set(listener, this.#tableOf(list, 'any-labels', before));
  }

  #tableOf(
    sorted: readonly Certificate[],
    wildcard: HostPattern['wildcard'],
    before: ReadonlyMap<string, Certificates>,
  ): HostTable<Certificates> {
    const byHostname = new Map<string, Certificate[]>();
    for (const certificate of sorted) {
      for (const hostname of certificate.hostnames.length === 0 ? ['*'] : certificate.hostnames) {
        const list = byHostname.get(hostname);
        if (list === undefined) byHostname.set(hostname, [certificate]);
        else if (list.at(-1) !== certificate) list.push(certificate);
      }
    }
    return HostTable.of(
      [...byHostname].map(([hostname, list]) => [{ hostname, wildcard }, this.#list(list, before)] as const),
    );
  }

  static readonly empty: CertificateTable = new CertificateTable(new Map(), new Map());

  with(changes: ReadonlyMap<string, Certificate | undefined>): CertificateTable {
    const certificates = new Map(this.certificates);
    for (const [name, certificate] of changes) {
      if (certificate === undefined) certificates.delete(name);
      else if (!same(certificates.get(name), certificate)) certificates.set(name, wrapped(certificate));
    }
    return new CertificateTable(certificates, this.#lists);
  }

  /** All of the pattern that fits best, by name; empty when none fits. */
  find(listener: string, serverName: string | undefined): Certificates {
    return (this.#byListener.get(listener) ?? this.#everywhere).find(serverName ?? '') ?? none;
  }

  /** A list of `before` where its certificates are the same objects: contexts hang on it. */
  #list(list: Certificates, before: ReadonlyMap<string, Certificates>): Certificates {
    const key = list.map(({ name }) => name).join('\n');
    const here = this.#lists.get(key);
    if (here !== undefined) return here;
    const old = before.get(key);
    const kept = old?.every((certificate, i) => certificate === list[i]) ? old : Object.freeze(list);
    this.#lists.set(key, kept);
    return kept;
  }
}

/** What is published again unchanged stays the same object. */
function same(known: Certificate | undefined, certificate: Certificate): boolean {
  return (
    known !== undefined &&
    known.certificateChainPem === certificate.certificateChainPem &&
    known.privateKeyPem.value === certificate.privateKeyPem.value &&
    known.fingerprint === certificate.fingerprint &&
    known.hostnames.join('\n') === certificate.hostnames.join('\n') &&
    (known.listeners ?? []).join('\n') === (certificate.listeners ?? []).join('\n')
  );
}

/** An update that came from another thread has lost the disguise of its private text. */
function wrapped(certificate: Certificate): Certificate {
  return Object.freeze({ ...certificate, privateKeyPem: privateText(certificate.privateKeyPem.value) });
}
