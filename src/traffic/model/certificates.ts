// From the `tls` entries of one Ingress to the certificates that it wants for which hosts.
// A missing or broken Secret costs its own hosts their certificate, and nothing else.
import type { Secret } from 'kubernetes-types/core/v1.js';
import type { Ingress } from 'kubernetes-types/networking/v1.js';
import { objectKey } from '#kube/api/object.ts';
import type { Problem, ProblemReason } from './problem.ts';
import { type ReadCertificate, type TlsPair, translateSecret } from './secret.ts';

/** The Secret with this `namespace/name`, if it exists. */
export type FindSecret = (key: string) => Secret | undefined;

/** One `tls` entry of an Ingress whose Secret can be used. */
interface TlsUse {
  readonly field: string;
  readonly secretKey: string;
  readonly pair: TlsPair;
  readonly hosts: readonly string[];
}

export interface IngressTls {
  /** Of the Ingress. */
  readonly key: string;
  readonly uses: readonly TlsUse[];
  readonly problems: readonly Problem[];
}

/** What one Ingress asks for. */
export function translateTls(ingress: Ingress, findSecret: FindSecret, read: ReadCertificate): IngressTls {
  const key = objectKey(ingress);
  const uses: TlsUse[] = [];
  const problems: Problem[] = [];
  const report = reportTo(problems, key);
  for (const [index, { secretName = '', hosts = [] }] of (ingress.spec?.tls ?? []).entries()) {
    // Without a Secret the entry only says that these hosts speak TLS: the default certificate serves them.
    if (secretName === '') continue;
    const field = `spec.tls[${index}]`;
    const secretKey = `${ingress.metadata?.namespace ?? ''}/${secretName}`;
    const secret = findSecret(secretKey);
    if (secret === undefined) {
      report('SecretNotFound', `${field}.secretName`, `Secret "${secretKey}" does not exist: create it`);
      continue;
    }
    const pair = translateSecret(secret, read);
    if ('error' in pair) {
      report('SecretInvalid', `${field}.secretName`, `Secret "${secretKey}" ${pair.error}`);
      continue;
    }
    const listed = hosts.map((host) => host.toLowerCase());
    uses.push({ field, secretKey, pair, hosts: hostsOf(listed, pair, secretKey, field, report) });
  }
  return { key, uses, problems };
}

type Report = (reason: ProblemReason, field: string, message: string) => void;

function reportTo(problems: Problem[], key: string): Report {
  return (reason, field, message) => {
    problems.push({ kind: 'Ingress', key, reason, field, message });
  };
}

/** The hosts that the Ingress lists, or else the names in the certificate. */
function hostsOf(
  hosts: readonly string[],
  pair: TlsPair,
  secretKey: string,
  field: string,
  report: Report,
): readonly string[] {
  const names = pair.hostnames.map((name) => name.toLowerCase());
  if (hosts.length === 0) {
    if (names.length === 0) {
      const message = `The certificate in Secret "${secretKey}" names no host: list the hosts here`;
      report('CertificateMismatch', `${field}.hosts`, message);
    }
    return names;
  }
  const uncovered = hosts.filter((host) => !names.some((name) => covers(name, host)));
  if (uncovered.length > 0) {
    const list = uncovered.map((host) => `"${host}"`).join(', ');
    const message = `The certificate in Secret "${secretKey}" is not issued for ${list}: clients will refuse it there`;
    report('CertificateMismatch', `${field}.hosts`, message);
  }
  return hosts;
}

/** A wildcard stands for exactly one label (RFC 6125, section 6.4.3). */
function covers(name: string, host: string): boolean {
  if (name === host) return true;
  return name.startsWith('*.') && host.includes('.') && host.slice(host.indexOf('.')) === name.slice(1);
}
