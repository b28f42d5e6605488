// Finds the virtual host of a hostname: exact, then the wildcard with the most labels, then `*`.
// Knows nothing of what stands behind a hostname.
import { LayeredMap } from '#lib/layered-map.ts';
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

export class HostTable<T extends string | object> {
  readonly #exact: LayeredMap<string, T>;
  /** Keyed by `.suffix`. */
  readonly #oneLabel: LayeredMap<string, T>;
  readonly #anyLabels: LayeredMap<string, T>;
  readonly #default: T | undefined;
  readonly #memory = new Map<string, T | undefined>();

  private constructor(tables: Tables<T>) {
    this.#exact = tables.exact;
    this.#oneLabel = tables.oneLabel;
    this.#anyLabels = tables.anyLabels;
    this.#default = tables.all;
  }

  /** Of two equal patterns the first stays. */
  static of<T extends string | object>(entries: Iterable<readonly [HostPattern, T]>): HostTable<T> {
    const [exact, oneLabel, anyLabels] = [new Map<string, T>(), new Map<string, T>(), new Map<string, T>()];
    let all: T | undefined;
    for (const [{ hostname, wildcard }, value] of entries) {
      if (hostname === '*') all ??= value;
      else if (!hostname.startsWith('*.')) addFirst(exact, hostname, value);
      else addFirst(wildcard === 'one-label' ? oneLabel : anyLabels, hostname.slice(1), value);
    }
    return new HostTable({
      exact: LayeredMap.of(exact),
      oneLabel: LayeredMap.of(oneLabel),
      anyLabels: LayeredMap.of(anyLabels),
      all,
    });
  }

  /** The table with other values for these patterns; an undefined one takes its pattern away. */
  with(changes: Iterable<readonly [HostPattern, T | undefined]>): HostTable<T> {
    const [exact, oneLabel, anyLabels]: [string, T | undefined][][] = [[], [], []];
    let all = this.#default;
    for (const [{ hostname, wildcard }, value] of changes) {
      if (hostname === '*') all = value;
      else if (!hostname.startsWith('*.')) exact?.push([hostname, value]);
      else (wildcard === 'one-label' ? oneLabel : anyLabels)?.push([hostname.slice(1), value]);
    }
    return new HostTable({
      exact: changed(this.#exact, exact),
      oneLabel: changed(this.#oneLabel, oneLabel),
      anyLabels: changed(this.#anyLabels, anyLabels),
      all,
    });
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

interface Tables<T extends string | object> {
  readonly exact: LayeredMap<string, T>;
  readonly oneLabel: LayeredMap<string, T>;
  readonly anyLabels: LayeredMap<string, T>;
  readonly all: T | undefined;
}

function changed<T extends string | object>(
  map: LayeredMap<string, T>,
  changes: readonly (readonly [string, T | undefined])[] = [],
): LayeredMap<string, T> {
  return changes.length === 0 ? map : map.with(changes);
}

function addFirst<T>(map: Map<string, T>, key: string, value: T): void {
  if (!map.has(key)) map.set(key, value);
}
