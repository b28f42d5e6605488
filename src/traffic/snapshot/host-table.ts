// Finds the virtual host of a hostname: exact, then the wildcard with the most labels, then `*`.
// Knows nothing of what stands behind a hostname.
import { normaliseHost } from './host-name.ts';

export interface HostPattern {
  /** Exact, `*.suffix` or `*`; lower case. */
  readonly hostname: string;
  readonly wildcard: 'one-label' | 'any-labels';
}

/** Authorities that are remembered as sent; a flood of invented names starts the memory anew and costs no more. */
const MEMORY = 1024;
/** Characters; no hostname with a port is longer. */
const MAX_REMEMBERED = 260;

export class HostTable<T> {
  readonly #exact = new Map<string, T>();
  /** Keyed by `.suffix`. */
  readonly #oneLabel = new Map<string, T>();
  readonly #anyLabels = new Map<string, T>();
  #default: T | undefined;
  readonly #memory = new Map<string, T | undefined>();

  /** Of two equal patterns the first stays. */
  constructor(entries: Iterable<readonly [HostPattern, T]>) {
    for (const [{ hostname, wildcard }, value] of entries) {
      if (hostname === '*') {
        this.#default ??= value;
      } else if (hostname.startsWith('*.')) {
        addFirst(wildcard === 'one-label' ? this.#oneLabel : this.#anyLabels, hostname.slice(1), value);
      } else {
        addFirst(this.#exact, hostname, value);
      }
    }
  }

  /** The value for an authority as the client sent it. */
  find(authority: string): T | undefined {
    const known = this.#memory.get(authority);
    if (known !== undefined || this.#memory.has(authority)) return known;
    const found = this.#search(normaliseHost(authority));
    if (authority.length > MAX_REMEMBERED) return found;
    if (this.#memory.size >= MEMORY) this.#memory.clear();
    // Joined anew: a slice of a request head would keep the whole head in memory.
    this.#memory.set(authority.split('').join(''), found);
    return found;
  }

  #search(host: string): T | undefined {
    const exact = this.#exact.get(host);
    if (exact !== undefined) return exact;
    // A wildcard stands for at least one whole label, so the first dot may not open the name.
    const first = host.indexOf('.', 1);
    for (let dot = first; dot > 0; dot = host.indexOf('.', dot + 1)) {
      const suffix = host.slice(dot);
      const found = (dot === first ? this.#oneLabel.get(suffix) : undefined) ?? this.#anyLabels.get(suffix);
      if (found !== undefined) return found;
    }
    return this.#default;
  }
}

function addFirst<T>(map: Map<string, T>, key: string, value: T): void {
  if (!map.has(key)) map.set(key, value);
}
