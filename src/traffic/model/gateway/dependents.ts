// Who has read what while it was translated, so that a change reaches those that it concerns and nobody else.
// Knows no object: things and readers are names.

const nobody: ReadonlySet<string> = new Set();

export class Dependents {
  readonly #readers = new Map<string, Set<string>>();
  readonly #things = new Map<string, ReadonlySet<string>>();

  /** All that a reader has read, in place of what it read before. */
  put(reader: string, things: ReadonlySet<string>): void {
    for (const thing of this.#things.get(reader) ?? nobody) if (!things.has(thing)) this.#forget(reader, thing);
    for (const thing of things) {
      const readers = this.#readers.get(thing);
      if (readers === undefined) this.#readers.set(thing, new Set([reader]));
      else readers.add(reader);
    }
    if (things.size === 0) this.#things.delete(reader);
    else this.#things.set(reader, things);
  }

  of(thing: string): ReadonlySet<string> {
    return this.#readers.get(thing) ?? nobody;
  }

  #forget(reader: string, thing: string): void {
    const readers = this.#readers.get(thing);
    readers?.delete(reader);
    if (readers?.size === 0) this.#readers.delete(thing);
  }
}

/** The names of things. */
export const thing = {
  service: (key: string) => `Service ${key}`,
  secret: (key: string) => `Secret ${key}`,
  configMap: (key: string) => `ConfigMap ${key}`,
  namespace: (name: string) => `Namespace ${name}`,
  /** Every ReferenceGrant of a namespace. */
  grants: (namespace: string) => `Grants ${namespace}`,
  /** What BackendTLSPolicies say of a Service. */
  tls: (service: string) => `TLS ${service}`,
  addresses: (gateway: string) => `Addresses ${gateway}`,
  parent: (kind: string, key: string) => `Parent ${kind} ${key}`,
} as const;
