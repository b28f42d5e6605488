// Where each client searches for short names, so that the server can search in its place (autopath).
// Knows addresses and domains; asks nobody.
import type { DnsClientUpdate, DnsSearch } from '#traffic/model/dns/ir-dns.ts';

interface Client {
  readonly part: string;
  readonly search: DnsSearch;
}

/** As many as glibc reads (resolv.conf(5)). */
const MAX_DOMAINS = 32;

export class SearchPaths {
  readonly #clients = new Map<string, Client>();
  readonly #parts = new Map<string, readonly string[]>();
  readonly #ofNode: () => readonly string[];

  /** `ofNode`: the domains that the nodes' own resolv.conf adds. */
  constructor(ofNode: () => readonly string[]) {
    this.#ofNode = ofNode;
  }

  publish(update: DnsClientUpdate): void {
    for (const [part, clients] of update) {
      for (const address of this.#parts.get(part) ?? []) {
        // An address may be another pod's by now.
        if (this.#clients.get(address)?.part === part) this.#clients.delete(address);
      }
      if (clients === undefined) this.#parts.delete(part);
      else this.#parts.set(part, [...clients.keys()]);
      for (const [address, search] of clients ?? []) this.#clients.set(address, { part, search });
    }
  }

  /**
   * The names that a client at `address` would ask for next, in its order, the one as it stands last; none when `name`,
   * in lower case, is not the first of a search.
   */
  following(name: string, address: string): string[] {
    const search = this.#clients.get(address)?.search;
    const suffix = `.${search?.first[0]}`;
    if (search === undefined || !name.endsWith(suffix)) return [];
    const base = name.slice(0, -suffix.length);
    const domains = [...new Set([...search.first, ...this.#ofNode(), ...search.last])].slice(0, MAX_DOMAINS);
    return [...domains.slice(1).map((domain) => `${base}.${domain}`), base];
  }
}
