// Other API servers behind this one: which groups they serve, whether they can be reached, and requests on their way to them.
// Knows APIServices; what is asked is the client's, and who asks is told in headers. (Upstream: kube-aggregator.)
import type { ResourceDefinition } from '#kube/api/resources.ts';
import { StatusError } from '#kube/api/status.ts';
import type { Cancel } from '#lib/clock.ts';
import type { ServerContext } from '../context.ts';
import type { User } from '../http/authn.ts';
import { type Forwarded, forward } from '../proxy/proxy.ts';
import { servicePlace } from '../proxy/service-place.ts';
import type { AnyObject } from '../registry/any-object.ts';
import type { Registry, Resource } from '../registry/registry.ts';
import { timestamp } from '../write/times.ts';
import { updateObject } from '../write/update.ts';
import { GROUP, RESOURCE } from './api-service.ts';
import { type Availability, availabilityOf, type Registration, readOpenApi, registrationOf } from './availability.ts';

const SYSTEM = { name: 'system:apiserver', groups: ['system:masters'] } as const;
/** Milliseconds from one look at a server to the next. */
const PERIOD_MS = 10_000;

interface Entry {
  readonly registration: Registration;
  availability: Availability | undefined;
  /** The last list that it gave. */
  resources: readonly unknown[];
  checking: boolean;
  again: boolean;
}

/** What discovery needs of a group and version that somebody else serves. */
export interface ForeignVersion {
  readonly group: string;
  readonly version: string;
  readonly fresh: boolean;
  readonly resources: readonly unknown[];
}

export class Aggregator {
  /** By group and version. */
  readonly #entries = new Map<string, Entry>();
  readonly #registry: Registry;

  constructor(registry: Registry) {
    this.#registry = registry;
  }

  /** Follows APIServices and what stands behind them until the returned function is called. */
  follow(server: ServerContext): () => void {
    const services = this.#collection();
    const offer = (object: AnyObject): void => {
      const registration = registrationOf(object);
      if (registration === undefined) {
        this.#drop(object);
        void this.#say(server, object.metadata?.name ?? '', {
          status: 'True',
          reason: 'Local',
          message: 'Local APIServices are always available',
        });
        return;
      }
      const key = `${registration.group}/${registration.version}`;
      const known = this.#entries.get(key);
      // Its own status is no news.
      if (known !== undefined && JSON.stringify(known.registration) === JSON.stringify(registration)) return;
      const entry = { registration, availability: undefined, resources: [], checking: false, again: false };
      this.#entries.set(key, entry);
      void this.#check(server, entry);
    };
    for (const { object } of services.list()) offer(object);
    const touched = (namespace: string, service: string): void => {
      for (const entry of this.#entries.values()) {
        const { registration } = entry;
        if (registration.namespace === namespace && registration.service === service) void this.#check(server, entry);
      }
    };
    const stops: (() => void)[] = [
      services.subscribe(({ type, now }) => (type === 'put' ? offer(now.object) : this.#drop(now.object))),
      server.registry
        .builtin('', 'v1', 'services')
        .collection.subscribe(({ now }) =>
          touched(now.object.metadata?.namespace ?? '', now.object.metadata?.name ?? ''),
        ),
      server.registry.builtin('discovery.k8s.io', 'v1', 'endpointslices').collection.subscribe(({ now }) => {
        const { namespace = '', labels } = now.object.metadata ?? {};
        touched(namespace, labels?.['kubernetes.io/service-name'] ?? '');
      }),
    ];
    const period: Cancel = server.clock.every(PERIOD_MS, () => {
      for (const entry of this.#entries.values()) void this.#check(server, entry);
    });
    return () => {
      period();
      for (const stop of stops) stop();
    };
  }

  /** Groups and versions that others serve, for discovery. */
  versions(): ForeignVersion[] {
    return [...this.#entries.values()].map(({ registration: { group, version }, availability, resources }) => ({
      group,
      version,
      fresh: availability?.status === 'True',
      resources,
    }));
  }

  /** Documents of OpenAPI v3 that others have, by their path below `/openapi/v3/`: as upstream lists them beside its own. */
  openApiUrls(): ReadonlyMap<string, string> {
    const urls = new Map<string, string>();
    for (const { registration, availability } of this.#entries.values()) {
      if (availability?.openApiUrl === undefined) continue;
      urls.set(`apis/${registration.group}/${registration.version}`, availability.openApiUrl);
    }
    return urls;
  }

  /** Another server's document; undefined when nobody else serves this version. Throws `StatusError` 503. */
  async openApi(server: ServerContext, groupVersion: string): Promise<string | undefined> {
    const { registration, availability } = this.#entries.get(groupVersion) ?? {};
    if (registration === undefined) return undefined;
    const url = availability?.openApiUrl;
    try {
      if (url !== undefined) return await readOpenApi(server, registration, url);
    } catch (error) {
      server.log.debug({ groupVersion, error: String(error) }, 'A document of OpenAPI could not be had');
    }
    throw new StatusError(503, 'ServiceUnavailable', 'service unavailable');
  }

  /** Whether a path below `/apis/` is for somebody else. */
  serves(path: string): boolean {
    return this.#entryOf(path) !== undefined;
  }

  /** Hands a request on. Throws `StatusError` 503 when nobody can take it. */
  async pass(server: ServerContext, user: User, request: Omit<Forwarded, 'server'>, path: string): Promise<void> {
    const entry = this.#entryOf(path);
    if (entry === undefined) return;
    const { registration, availability } = entry;
    const { namespace, service, port, tls } = registration;
    const object = server.registry.builtin('', 'v1', 'services').collection.get(namespace, service)?.object;
    if (availability?.status !== 'True' || object === undefined) {
      throw new StatusError(503, 'ServiceUnavailable', 'service unavailable');
    }
    const place = servicePlace({ server, namespace }, object, `${port}`);
    const own = server.frontProxy;
    const keys = own === undefined ? {} : { cert: own.certPem, key: own.keyPem };
    const destination = { scheme: 'https' as const, ...place, path: request.http.url, tls: { ...tls, ...keys } };
    await forward({ server, ...request }, destination, remoteHeaders(user));
  }

  #entryOf(path: string): Entry | undefined {
    if (this.#entries.size === 0) return undefined;
    const [, root, group, version] = path.split('/');
    return root === 'apis' && version !== undefined ? this.#entries.get(`${group}/${version}`) : undefined;
  }

  #collection(): Resource['collection'] {
    const found = this.#registry.find(GROUP, 'v1', RESOURCE);
    if (found === undefined) throw new Error('APIServices are not served');
    return found.collection;
  }

  #drop(object: AnyObject): void {
    for (const [key, { registration }] of this.#entries) {
      if (registration.name === object.metadata?.name) this.#entries.delete(key);
    }
  }

  async #check(server: ServerContext, entry: Entry): Promise<void> {
    entry.again = true;
    if (entry.checking) return;
    entry.checking = true;
    try {
      while (entry.again && !server.closing.aborted) {
        entry.again = false;
        const availability = await availabilityOf(server, entry.registration);
        entry.availability = availability;
        if (availability.resources !== undefined) entry.resources = availability.resources;
        await this.#say(server, entry.registration.name, availability);
      }
    } finally {
      entry.checking = false;
    }
  }

  async #say(server: ServerContext, name: string, { status, reason, message }: Availability): Promise<void> {
    const resource = server.registry.find(GROUP, 'v1', RESOURCE);
    if (resource === undefined) return;
    const input = { server, resource, user: SYSTEM, namespace: undefined, name };
    const options = { dryRun: false, manager: 'kube-apiserver' };
    try {
      await updateObject({ ...input, options, subresource: 'status' }, (current) => {
        const before = conditionOf(current);
        if (before?.status === status && before.reason === reason && before.message === message) return current;
        const since = before?.status === status ? before.lastTransitionTime : undefined;
        const lastTransitionTime = since ?? timestamp(server.clock.wall());
        const conditions = [{ type: 'Available', status, reason, message, lastTransitionTime }];
        return { ...structuredClone(current), status: { conditions } } as AnyObject;
      });
    } catch (error) {
      // It may have gone, or been written at the same moment: the next look tells.
      server.log.debug({ name, error: String(error) }, 'The status of an APIService could not be written');
    }
  }
}

type Condition = Readonly<Record<'status' | 'reason' | 'message' | 'lastTransitionTime', string | undefined>>;

function conditionOf(object: AnyObject): Condition | undefined {
  const { conditions = [] } = (object.status ?? {}) as { conditions?: (Condition & { readonly type?: string })[] };
  return conditions.find(({ type }) => type === 'Available');
}

/** Who asks, as the server behind is told; its own such headers a client cannot bring along. */
function remoteHeaders({ name, groups, uid, extra = {} }: User): Record<string, string | string[]> {
  const more = Object.entries(extra).map(([key, values]) => [
    `x-remote-extra-${encodeURIComponent(key).toLowerCase()}`,
    [...values],
  ]);
  return {
    'x-remote-user': name,
    'x-remote-group': [...groups],
    ...(uid === undefined ? {} : { 'x-remote-uid': uid }),
    ...Object.fromEntries(more),
  };
}

/** Stand-ins by which discovery lists groups whose resources it does not know. */
export function standIns(versions: readonly Pick<ForeignVersion, 'group' | 'version'>[]): ResourceDefinition[] {
  return versions.map(({ group, version }) => ({
    group,
    version,
    resource: '',
    singular: '',
    kind: '',
    namespaced: false,
    shortNames: [],
    categories: [],
    verbs: [],
    subresources: [],
  }));
}
