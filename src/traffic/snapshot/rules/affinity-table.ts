// Which endpoint a client of a Service stays with (`sessionAffinity: ClientIP`).
// Knows nothing of sockets; one table a Service port, whatever address the client used.

interface Entry {
  readonly key: string;
  readonly seen: number;
}

/** Clients remembered per Service port; the one unseen for longest makes room. */
const MAX_CLIENTS = 100_000;

export class AffinityTable {
  /** In order of last use, so that the first entries are the ones to expire. */
  readonly #entries = new Map<string, Entry>();

  /** Key of the endpoint that `client` used within the last `seconds`. `now` is monotonic milliseconds. */
  find(client: string, seconds: number, now: number): string | undefined {
    const entry = this.#entries.get(client);
    if (entry === undefined) return undefined;
    if (now - entry.seen > seconds * 1000) {
      this.#entries.delete(client);
      return undefined;
    }
    return entry.key;
  }

  remember(client: string, key: string, now: number): void {
    this.#entries.delete(client);
    this.#entries.set(client, { key, seen: now });
    if (this.#entries.size > MAX_CLIENTS) {
      for (const oldest of this.#entries.keys()) {
        this.#entries.delete(oldest);
        break;
      }
    }
  }

  get size(): number {
    return this.#entries.size;
  }
}
