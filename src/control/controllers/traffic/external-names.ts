// Names of ExternalName Services, resolved again and again: their owners move them by DNS.
// Knows no route; what cannot be resolved keeps the addresses that it had, and is told of.
import { lookup } from 'node:dns/promises';
import type { Service } from 'kubernetes-types/core/v1.js';
import type { EndpointSlice } from 'kubernetes-types/discovery/v1.js';
import type { Cancel, Clock } from '#lib/clock.ts';
import { jsonEqual } from '#lib/json.ts';
import { externalSlices, isOutside } from '#traffic/model/external-name.ts';
import type { Problem } from '#traffic/model/problem.ts';

/** Milliseconds between two questions for a name; resolvers keep answers for as long as their owners want. */
const PAUSE_MS = 5_000;

/** All addresses of a name; rejects when it has none. */
export type Resolve = (name: string) => Promise<readonly string[]>;

export const resolveByMachine: Resolve = async (name) =>
  (await lookup(name, { all: true })).map(({ address }) => address);

interface Watched {
  readonly name: string;
  addresses: readonly string[];
  problem: Problem | undefined;
  asking: boolean;
}

export class ExternalNames {
  readonly #resolve: Resolve;
  /** The addresses of a Service are not what they were, or there is something new to tell. */
  readonly #onNews: (service: string) => void;
  readonly #watched = new Map<string, Watched>();
  readonly #clock: Clock;
  #cancel: Cancel | undefined;

  constructor(clock: Clock, resolve: Resolve, onNews: (service: string) => void) {
    this.#clock = clock;
    this.#resolve = resolve;
    this.#onNews = onNews;
  }

  /** The Service as it is now. */
  see(key: string, service: Service | undefined): void {
    const name = service?.spec?.type === 'ExternalName' ? (service.spec.externalName ?? '') : '';
    const before = this.#watched.get(key);
    if (before?.name === name) return;
    this.#watched.delete(key);
    if (name === '') return;
    const watched: Watched = { name, addresses: [], problem: undefined, asking: false };
    this.#watched.set(key, watched);
    this.#cancel ??= this.#clock.every(PAUSE_MS, () => {
      for (const [other, one] of this.#watched) void this.#ask(other, one);
    });
    void this.#ask(key, watched);
  }

  slicesOf(service: Service, key: string): readonly EndpointSlice[] {
    return externalSlices(service, this.#watched.get(key)?.addresses ?? []);
  }

  problems(): readonly Problem[] {
    return [...this.#watched.values()].flatMap(({ problem }) => problem ?? []);
  }

  stop(): void {
    this.#cancel?.();
    this.#watched.clear();
  }

  async #ask(key: string, watched: Watched): Promise<void> {
    if (watched.asking) return;
    watched.asking = true;
    const { addresses, problem } = watched;
    try {
      const found = [...new Set(await this.#resolve(watched.name))].sort();
      watched.addresses = found.filter(isOutside);
      const inside = found.filter((address) => !isOutside(address));
      watched.problem = inside.length === 0 ? undefined : refused(key, watched.name, inside);
    } catch (error) {
      const { code = (error as Error).message } = error as NodeJS.ErrnoException;
      watched.problem = unresolved(key, watched.name, code, addresses.length > 0);
    }
    watched.asking = false;
    if (this.#watched.get(key) !== watched) return;
    if (!jsonEqual(watched.addresses, addresses) || !jsonEqual(watched.problem, problem)) this.#onNews(key);
  }
}

function refused(key: string, name: string, addresses: readonly string[]): Problem {
  const message = `Name "${name}" leads to ${addresses.join(', ')}, which is of the machine or of its link and never served: name a host elsewhere, or use a Service with a selector`;
  return { kind: 'Service', key, reason: 'NameNotResolved', field: 'spec.externalName', message };
}

function unresolved(key: string, name: string, code: string, known: boolean): Problem {
  const until = known ? 'until then its last addresses are used' : 'until then it has no endpoint';
  const message = `Name "${name}" cannot be resolved (${code}): correct it or its DNS records; ${until}`;
  return { kind: 'Service', key, reason: 'NameNotResolved', field: 'spec.externalName', message };
}
