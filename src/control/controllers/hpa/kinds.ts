// Which resource of the API a kind is: asked of the API server, since it may be a custom one of any cluster.
// Knows discovery only. (Upstream: RESTMapper.)
import type { Client, ResourceRef } from '#kube/client/client.ts';
import type { Clock } from '#lib/clock.ts';

/** So long an answer holds, in milliseconds: definitions of custom resources come and go. */
const KEPT_MS = 30_000;

interface Group {
  readonly versions?: readonly { readonly version: string }[];
  readonly preferredVersion?: { readonly version: string };
}

interface ResourceList {
  readonly resources?: readonly { readonly name: string; readonly kind: string; readonly namespaced: boolean }[];
}

export class Kinds {
  readonly #client: Client;
  readonly #clock: Clock;
  readonly #known = new Map<string, { readonly at: number; readonly refs: readonly ResourceRef[] }>();

  constructor(client: Client, clock: Clock) {
    this.#client = client;
    this.#clock = clock;
  }

  /** In each version that is served, the preferred one first. Rejects with upstream's words when there is none. */
  async of(apiVersion: string, kind: string): Promise<readonly ResourceRef[]> {
    const parts = apiVersion.split('/');
    if (parts.length > 2) throw new Error(`unexpected GroupVersion string: ${apiVersion}`);
    const group = parts.length === 2 ? (parts[0] ?? '') : '';
    const key = `${group}/${kind}`;
    const known = this.#known.get(key);
    if (known !== undefined && this.#clock.now() - known.at < KEPT_MS) return known.refs;
    const refs = await this.#ask(group, kind);
    if (refs.length === 0) {
      const where = group === '' ? ` in version "${parts[0] || 'v1'}"` : ` in group "${group}"`;
      throw new Error(`no matches for kind "${kind}"${where}`);
    }
    this.#known.set(key, { at: this.#clock.now(), refs });
    return refs;
  }

  async #ask(group: string, kind: string): Promise<ResourceRef[]> {
    const found: ResourceRef[] = [];
    for (const version of await this.#versions(group)) {
      const path = group === '' ? `/api/${version}` : `/apis/${group}/${version}`;
      const { resources = [] } = (await this.#client.raw('GET', path)) as ResourceList;
      const own = resources.find((resource) => resource.kind === kind && !resource.name.includes('/'));
      if (own !== undefined) found.push({ group, version, resource: own.name, kind, namespaced: own.namespaced });
    }
    return found;
  }

  async #versions(group: string): Promise<readonly string[]> {
    if (group === '') return ['v1'];
    try {
      const answer = (await this.#client.raw('GET', `/apis/${group}`)) as Group;
      const all = (answer.versions ?? []).map(({ version }) => version);
      const first = answer.preferredVersion?.version;
      return first === undefined ? all : [first, ...all.filter((version) => version !== first)];
    } catch (error) {
      if ((error as { code?: number }).code === 404) return [];
      throw error;
    }
  }
}
