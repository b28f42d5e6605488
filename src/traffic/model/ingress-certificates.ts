// Which certificate serves a host, where many Ingresses ask for it, as they come, change and go.
// Of two that want different certificates for a host the first has its way, and the other is told.
import { jsonEqual } from '#lib/json.ts';
import type { IngressTls } from './certificates.ts';
import type { Certificate } from './ir.ts';
import { certificateName } from './names.ts';
import type { Problem } from './problem.ts';
import type { TlsPair } from './secret.ts';
import type { Ordered } from './virtual-hosts.ts';

type Asking = IngressTls & Ordered;

export class IngressCertificates {
  readonly now = new Map<string, Certificate>();
  readonly #asking = new Map<string, Asking>();
  /** Keys of the Ingresses that want a certificate for a host. */
  readonly #byHost = new Map<string, Set<string>>();
  /** Name of the certificate that serves a host, and the hosts of each. */
  readonly #holders = new Map<string, string>();
  readonly #hosts = new Map<string, Set<string>>();
  readonly #problems = new Map<string, readonly Problem[]>();
  readonly #dirtyHosts = new Set<string>();
  readonly #dirty = new Set<string>();

  get problems(): readonly Problem[] {
    return [...this.#problems.values()].flat();
  }

  /** What an Ingress asks for from now on. */
  put(key: string, now: Asking | undefined): void {
    const before = this.#asking.get(key);
    for (const host of hostsOf(before)) {
      const keys = this.#byHost.get(host);
      keys?.delete(key);
      if (keys?.size === 0) this.#byHost.delete(host);
      this.#dirtyHosts.add(host);
    }
    if (now === undefined) this.#asking.delete(key);
    else this.#asking.set(key, now);
    for (const host of hostsOf(now)) {
      const keys = this.#byHost.get(host);
      if (keys === undefined) this.#byHost.set(host, new Set([key]));
      else keys.add(key);
      this.#dirtyHosts.add(host);
    }
    for (const { secretKey, pair } of before?.uses ?? []) {
      const after = now?.uses.find((use) => use.secretKey === secretKey)?.pair;
      if (after !== undefined && !samePair(pair, after)) this.#dirty.add(certificateName(secretKey));
    }
  }

  /** Certificates that are not what they were when it was asked last. */
  settle(): ReadonlyMap<string, Certificate | undefined> {
    for (const host of this.#dirtyHosts) this.#hold(host);
    this.#dirtyHosts.clear();
    const changes = new Map<string, Certificate | undefined>();
    for (const name of this.#dirty) {
      const certificate = this.#made(name);
      if (jsonEqual(certificate, this.now.get(name))) continue;
      changes.set(name, certificate);
      if (certificate === undefined) this.now.delete(name);
      else this.now.set(name, certificate);
    }
    this.#dirty.clear();
    return changes;
  }

  #hold(host: string): void {
    const asking = [...(this.#byHost.get(host) ?? [])].flatMap((key) => this.#asking.get(key) ?? []);
    asking.sort((a, b) => (a.order < b.order ? -1 : 1));
    let holder: string | undefined;
    const problems: Problem[] = [];
    for (const { key, uses } of asking) {
      for (const { field, secretKey, hosts } of uses) {
        if (!hosts.includes(host)) continue;
        const name = certificateName(secretKey);
        holder ??= name;
        if (holder === name) continue;
        const message = `Host "${host}" is served with "${holder}": remove one of the two`;
        problems.push({ kind: 'Ingress', key, reason: 'CertificateConflict', field, message });
      }
    }
    if (problems.length === 0) this.#problems.delete(host);
    else this.#problems.set(host, problems);
    const before = this.#holders.get(host);
    if (before === holder) return;
    if (before !== undefined) {
      this.#hosts.get(before)?.delete(host);
      this.#dirty.add(before);
    }
    if (holder === undefined) {
      this.#holders.delete(host);
      return;
    }
    this.#holders.set(host, holder);
    this.#dirty.add(holder);
    const hosts = this.#hosts.get(holder);
    if (hosts === undefined) this.#hosts.set(holder, new Set([host]));
    else hosts.add(host);
  }

  #made(name: string): Certificate | undefined {
    const hostnames = [...(this.#hosts.get(name) ?? [])].sort();
    const [host] = hostnames;
    const pair = host === undefined ? undefined : this.#pairOf(name, host);
    if (pair === undefined) {
      // Without a hostname it would become the default certificate of every other host.
      this.#hosts.delete(name);
      return undefined;
    }
    const { certificateChainPem, privateKeyPem, fingerprint } = pair;
    return { name, hostnames, certificateChainPem, privateKeyPem, fingerprint };
  }

  /** All that name a Secret have read the same. */
  #pairOf(name: string, host: string): TlsPair | undefined {
    for (const key of this.#byHost.get(host) ?? []) {
      const use = this.#asking.get(key)?.uses.find(({ secretKey }) => certificateName(secretKey) === name);
      if (use !== undefined) return use.pair;
    }
    return undefined;
  }
}

function samePair(a: TlsPair, b: TlsPair): boolean {
  return a.fingerprint === b.fingerprint && a.certificateChainPem === b.certificateChainPem;
}

function hostsOf(asking: IngressTls | undefined): ReadonlySet<string> {
  return new Set(asking?.uses.flatMap(({ hosts }) => hosts));
}
