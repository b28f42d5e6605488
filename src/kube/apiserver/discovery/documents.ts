// Discovery: which groups, versions and resources are served, in upstream's plain and aggregated forms.
// Knows definitions only; the documents are made anew when custom resources come and go.
import type { ResourceDefinition, Verb } from '#kube/api/resources.ts';
import type { ForeignVersion } from '../aggregation/aggregator.ts';
import { subresourceVerbs } from '../http/routes.ts';
import { isMeasured, METRIC_LIST } from '../metrics/served-metrics.ts';

/** Metrics are no objects: clients that list everything must not try. */
const READ_ONE: readonly Verb[] = ['get'];

/** `version` text of newest first within a group, as they stand in the definitions. */
interface Group {
  readonly name: string;
  readonly versions: readonly string[];
}

function groupsOf(definitions: readonly ResourceDefinition[]): Group[] {
  const groups = new Map<string, Set<string>>();
  for (const { group, version } of definitions) {
    const versions = groups.get(group) ?? new Set();
    groups.set(group, versions.add(version));
  }
  return [...groups].map(([name, versions]) => ({ name, versions: [...versions] }));
}

const groupVersion = (group: string, version: string): string => (group === '' ? version : `${group}/${version}`);

/** `/api` */
export function coreVersions(address: string): unknown {
  return {
    kind: 'APIVersions',
    versions: ['v1'],
    serverAddressByClientCIDRs: [{ clientCIDR: '0.0.0.0/0', serverAddress: address }],
  };
}

/** `/apis` */
export function groupList(definitions: readonly ResourceDefinition[]): unknown {
  const groups = groupsOf(definitions).filter(({ name }) => name !== '');
  return { kind: 'APIGroupList', apiVersion: 'v1', groups: groups.map(groupBody) };
}

/** `/apis/{group}`; undefined when it is not served. */
export function group(definitions: readonly ResourceDefinition[], name: string): unknown {
  const found = groupsOf(definitions).find((each) => each.name === name);
  return found === undefined ? undefined : { kind: 'APIGroup', apiVersion: 'v1', ...groupBody(found) };
}

function groupBody({ name, versions }: Group): Record<string, unknown> {
  const all = versions.map((version) => ({ groupVersion: groupVersion(name, version), version }));
  return { name, versions: all, preferredVersion: all[0] };
}

/** `/api/v1`, `/apis/{group}/{version}`; undefined when it is not served. */
export function resourceList(definitions: readonly ResourceDefinition[], name: string, version: string): unknown {
  const own = definitions.filter((definition) => definition.group === name && definition.version === version);
  if (own.length === 0) return undefined;
  return {
    kind: 'APIResourceList',
    apiVersion: 'v1',
    groupVersion: groupVersion(name, version),
    resources: own.flatMap((definition) => [
      ...(definition.kind === METRIC_LIST ? [] : [plain(definition)]),
      ...definition.subresources.map(plainSub(definition)),
    ]),
  };
}

function plain(definition: ResourceDefinition): unknown {
  const { resource, singular, namespaced, kind, verbs, shortNames, categories } = definition;
  return {
    name: resource,
    singularName: singular,
    namespaced,
    kind,
    verbs: isMeasured(definition) ? READ_ONE : verbs,
    ...(shortNames.length === 0 ? {} : { shortNames }),
    ...(categories.length === 0 ? {} : { categories }),
    ...(verbs.includes('list') ? { storageVersionHash: storageHash(definition) } : {}),
  };
}

const plainSub = (definition: ResourceDefinition) => (name: string) => ({
  name: `${definition.resource}/${name}`,
  singularName: '',
  namespaced: definition.namespaced,
  ...foreignKind(name, definition.kind),
  kind: foreignKind(name, definition.kind)?.kind ?? definition.kind,
  verbs: isMeasured(definition) ? READ_ONE : subresourceVerbs(name),
});

interface Kind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
}

/** Subresources whose body is of another kind than their resource. */
function foreignKind(subresource: string, kind: string): Kind | undefined {
  const kinds: Readonly<Record<string, Kind>> = {
    scale: { group: 'autoscaling', version: 'v1', kind: 'Scale' },
    eviction: { group: 'policy', version: 'v1', kind: 'Eviction' },
    binding: { group: '', version: 'v1', kind: 'Binding' },
    token: { group: 'authentication.k8s.io', version: 'v1', kind: 'TokenRequest' },
    exec: { group: '', version: 'v1', kind: 'PodExecOptions' },
    attach: { group: '', version: 'v1', kind: 'PodAttachOptions' },
    portforward: { group: '', version: 'v1', kind: 'PodPortForwardOptions' },
    proxy: { group: '', version: 'v1', kind: `${kind}ProxyOptions` },
  };
  return kinds[subresource];
}

/** `APIGroupDiscoveryList`: everything below `/api` or `/apis` in one document. */
export function aggregated(
  definitions: readonly ResourceDefinition[],
  root: 'api' | 'apis',
  foreign: readonly ForeignVersion[] = [],
): unknown {
  const groups = groupsOf(definitions).filter(({ name }) => (name === '') === (root === 'api'));
  return {
    kind: 'APIGroupDiscoveryList',
    apiVersion: 'apidiscovery.k8s.io/v2',
    metadata: {},
    items: groups.map(({ name, versions }) => ({
      metadata: { ...(name === '' ? {} : { name }), creationTimestamp: null },
      versions: versions.map((version) => {
        const theirs = foreign.find((one) => one.group === name && one.version === version);
        if (theirs !== undefined) {
          return {
            version,
            resources: listedResources(theirs),
            freshness: theirs.fresh ? 'Current' : 'Stale',
          };
        }
        const ours = definitions.filter((definition) => definition.group === name && definition.version === version);
        return { version, resources: ours.map(aggregatedResource), freshness: 'Current' };
      }),
    })),
  };
}

function aggregatedResource(definition: ResourceDefinition): unknown {
  const { resource, singular, namespaced, kind, verbs, shortNames, categories, subresources } = definition;
  const own: Kind = { group: definition.group, version: definition.version, kind };
  return {
    resource,
    responseKind: own,
    scope: namespaced ? 'Namespaced' : 'Cluster',
    singularResource: singular,
    verbs,
    ...(shortNames.length === 0 ? {} : { shortNames }),
    ...(categories.length === 0 ? {} : { categories }),
    ...(subresources.length === 0
      ? {}
      : {
          subresources: subresources.map((name) => ({
            subresource: name,
            responseKind: foreignKind(name, kind) ?? own,
            verbs: isMeasured(definition) ? READ_ONE : subresourceVerbs(name),
          })),
        }),
  };
}

interface Listed {
  readonly name?: string;
  readonly namespaced?: boolean;
  readonly kind?: string;
  readonly singularName?: string;
  readonly verbs?: readonly string[];
  readonly shortNames?: readonly string[];
  readonly categories?: readonly string[];
}

/** From another server's plain list to the aggregated form: a subresource may stand there without its resource. */
function listedResources({ group, version, resources }: ForeignVersion): unknown[] {
  const all = new Map<string, { readonly subresources: unknown[]; readonly [field: string]: unknown }>();
  for (const { name = '', namespaced, kind = '', singularName, verbs, ...rest } of resources as Listed[]) {
    const [resource = '', ...sub] = name.split('/');
    const known = all.get(resource) ?? { subresources: [] };
    const responseKind = { group, version, kind };
    const scope = namespaced === true ? 'Namespaced' : 'Cluster';
    if (sub.length > 0) {
      known.subresources.push({ subresource: sub.join('/'), responseKind, verbs: verbs ?? [] });
      all.set(resource, { resource, scope, singularResource: '', verbs: [], ...known });
      continue;
    }
    const { shortNames = [], categories = [] } = rest;
    all.set(resource, {
      ...known,
      ...{ resource, responseKind, scope, singularResource: singularName ?? '', verbs: verbs ?? [] },
      ...(shortNames.length === 0 ? {} : { shortNames }),
      ...(categories.length === 0 ? {} : { categories }),
    });
  }
  return [...all.values()].map(({ subresources, ...rest }) =>
    subresources.length === 0 ? rest : { ...rest, subresources },
  );
}

/** Any text that stays the same while the storage of a resource does. */
function storageHash({ group: name, resource }: ResourceDefinition): string {
  return Buffer.from(`${name}/${resource}`).toString('base64').slice(0, 12);
}
