// An APIService for each group and version that this server serves itself, as `kubectl get apiservices` shows them.
// Knows which there are; what becomes of one is aggregator.ts. (Upstream: kube-aggregator's autoregister controller.)
import { builtinResources } from '#kube/api/resources.ts';
import type { ServerContext } from '../context.ts';
import { isTrue } from '../crd/names.ts';
import { type AnyObject, digArray, digString } from '../registry/any-object.ts';
import { createObject } from '../write/create.ts';
import { deleteObject } from '../write/delete.ts';
import { GROUP, RESOURCE } from './api-service.ts';

const MANAGED = 'kube-aggregator.kubernetes.io/automanaged';
/** Made at a start, and left alone by whoever deletes it until the next one; or kept as long as a definition is served. */
type Keeping = 'onstart' | 'true';

/** Upstream's order of groups in discovery; those of newer groups are of our own making. */
const GROUP_PRIORITIES: Readonly<Record<string, number>> = {
  '': 18_000,
  apps: 17_800,
  'events.k8s.io': 17_750,
  'authentication.k8s.io': 17_700,
  'authorization.k8s.io': 17_600,
  autoscaling: 17_500,
  batch: 17_400,
  'certificates.k8s.io': 17_300,
  'networking.k8s.io': 17_200,
  policy: 17_100,
  'rbac.authorization.k8s.io': 17_000,
  'storage.k8s.io': 16_800,
  'apiextensions.k8s.io': 16_700,
  'admissionregistration.k8s.io': 16_700,
  'scheduling.k8s.io': 16_600,
  'coordination.k8s.io': 16_500,
  'discovery.k8s.io': 16_200,
  'flowcontrol.apiserver.k8s.io': 16_100,
};
const OF_CUSTOM = { group: 1000, version: 100 };

const SYSTEM = { name: 'system:apiserver', groups: ['system:masters'] } as const;
const options = { dryRun: false, manager: 'kube-apiserver' } as const;

interface Wanted {
  readonly group: string;
  readonly version: string;
  readonly keeping: Keeping;
}

/** Makes those that are missing, and follows definitions until the returned function is called. */
export function followLocalServices(server: ServerContext): () => void {
  const services = server.registry.find(GROUP, 'v1', RESOURCE);
  if (services === undefined) throw new Error('APIServices are not served');
  const definitions = server.registry.builtin('apiextensions.k8s.io', 'v1', 'customresourcedefinitions').collection;
  const report = (name: string, error: unknown): void => {
    if (server.closing.aborted) return;
    server.log.debug({ name, error: String(error) }, 'An APIService of this server could not be written');
  };
  const make = (wanted: Wanted): void => {
    const object = serviceOf(wanted);
    const name = object.metadata?.name ?? '';
    // Also one of somebody else's, who serves the group in place of this server.
    if (services.collection.get(undefined, name) !== undefined) return;
    createObject({ server, resource: services, user: SYSTEM, options }, object).catch((error: unknown) =>
      report(name, error),
    );
  };
  const settle = (): void => {
    const custom = definitions.list().flatMap(({ object }) => versionsOf(object));
    const names = new Set([...builtin(), ...custom].map(nameOf));
    for (const wanted of custom) make(wanted);
    for (const { object } of services.collection.list()) {
      const { name = '', labels } = object.metadata ?? {};
      if (labels?.[MANAGED] === undefined || names.has(name)) continue;
      deleteObject({ server, resource: services, namespace: undefined, name }, {}).catch((error: unknown) =>
        report(name, error),
      );
    }
  };
  for (const wanted of builtin()) make(wanted);
  settle();
  return definitions.subscribe(({ now, before }) => {
    const changed = JSON.stringify(versionsOf(now.object)) !== JSON.stringify(before && versionsOf(before.object));
    // After the change that is being told now: it is not to wait for these writes.
    if (changed || definitions.get(undefined, now.object.metadata?.name ?? '') === undefined) queueMicrotask(settle);
  });
}

const nameOf = ({ group, version }: Pick<Wanted, 'group' | 'version'>): string => `${version}.${group}`;

/** As upstream, metrics are registered by whoever measures, and nothing is in the way of a chart that does. */
function builtin(): Wanted[] {
  const found = new Map<string, Wanted>();
  for (const { group, version } of builtinResources) {
    found.set(nameOf({ group, version }), { group, version, keeping: 'onstart' });
  }
  return [...found.values()];
}

function versionsOf(definition: AnyObject): Wanted[] {
  if (!isTrue(definition, 'Established')) return [];
  const group = digString(definition, 'spec', 'group');
  return digArray(definition, 'spec', 'versions')
    .filter((version) => (version as { served?: unknown }).served === true)
    .map((version) => ({ group, version: digString(version, 'name'), keeping: 'true' }));
}

function serviceOf({ group, version, keeping }: Wanted): AnyObject {
  const isCustom = keeping === 'true';
  const own = /alpha/.test(version) ? 1 : /beta/.test(version) ? 9 : 15 * Number(version.slice(1));
  return {
    apiVersion: `${GROUP}/v1`,
    kind: 'APIService',
    metadata: { name: nameOf({ group, version }), labels: { [MANAGED]: keeping } },
    spec: {
      ...(group === '' ? {} : { group }),
      version,
      groupPriorityMinimum: isCustom ? OF_CUSTOM.group : (GROUP_PRIORITIES[group] ?? 16_000),
      versionPriority: isCustom ? OF_CUSTOM.version : own,
    },
  };
}
