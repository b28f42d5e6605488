// Workloads as manifests have them, with the autoscalers, budgets and Services that are about their pods.
// Reads a list of objects once; what pods use is somebody else's to add.
import type { DaemonSet, Deployment, StatefulSet } from 'kubernetes-types/apps/v1.js';
import type { HorizontalPodAutoscaler } from 'kubernetes-types/autoscaling/v2.js';
import type { Pod, Service } from 'kubernetes-types/core/v1.js';
import type { PodDisruptionBudget } from 'kubernetes-types/policy/v1.js';
import type { KubeObject } from '#kube/api/object.ts';
import { parseQuantity } from '#kube/api/quantity.ts';
import { builtin } from '#kube/api/resources.ts';
import { labelSelectorMatches, mapSelectorMatches } from '#kube/api/selector.ts';
import type { Client } from '#kube/client/client.ts';
import { readDuration } from '#lib/duration.ts';
import type { Amounts, AutoscalerFacts, BackendFacts } from './facts.ts';

type Object = Deployment | StatefulSet | DaemonSet;

export interface Workload {
  readonly apiVersion: string;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly selector: Readonly<Record<string, string>>;
  readonly wanted: number;
  readonly containers: readonly { readonly name: string; readonly requests: Amounts; readonly limits: Amounts }[];
  readonly autoscaler?: AutoscalerFacts;
  readonly budget: boolean;
  /** `namespace/service` of each Service that selects its pods. */
  readonly services: readonly string[];
  /** What each of them says of its requests, by the same names. */
  readonly settings: ReadonlyMap<string, Pick<BackendFacts, 'policy' | 'requestTimeout'>>;
  owns(pod: Pod): boolean;
}

const KINDS = ['Deployment', 'StatefulSet', 'DaemonSet'] as const;

/** Undefined `namespace`: all but those of the cluster itself. */
export async function readWorkloads(client: Client, namespace: string | undefined): Promise<readonly Workload[]> {
  const where = namespace === undefined ? {} : { namespace };
  const list = async <T extends KubeObject>(kind: string): Promise<readonly T[]> =>
    (await client.list<T>(builtin(kind), where)).items;
  const [autoscalers, budgets, services, ...objects] = await Promise.all([
    list<HorizontalPodAutoscaler & KubeObject>('HorizontalPodAutoscaler'),
    list<PodDisruptionBudget & KubeObject>('PodDisruptionBudget'),
    list<Service & KubeObject>('Service'),
    ...KINDS.map((kind) => list<Object & KubeObject>(kind)),
  ]);
  return objects.flatMap((some, i) =>
    some
      .filter(({ metadata }) => namespace !== undefined || metadata?.namespace?.startsWith('kube-') !== true)
      .map((object) => workloadOf(KINDS[i] ?? '', object, { autoscalers, budgets, services })),
  );
}

interface Around {
  readonly autoscalers: readonly HorizontalPodAutoscaler[];
  readonly budgets: readonly PodDisruptionBudget[];
  readonly services: readonly Service[];
}

function workloadOf(kind: string, object: Object, { autoscalers, budgets, services }: Around): Workload {
  const { metadata, spec } = object;
  const { namespace = '', name = '' } = metadata ?? {};
  const labels = spec?.template.metadata?.labels ?? {};
  const inside = (other: { readonly metadata?: { readonly namespace?: string } }): boolean =>
    other.metadata?.namespace === namespace;
  const autoscaler = autoscalers.find(
    (one) => inside(one) && one.spec?.scaleTargetRef.kind === kind && one.spec.scaleTargetRef.name === name,
  );
  const own = services.filter((one) => inside(one) && mapSelectorMatches(one.spec?.selector, labels));
  const keyOf = (one: Service): string => `${namespace}/${one.metadata?.name ?? ''}`;
  return {
    apiVersion: 'apps/v1',
    kind,
    namespace,
    name,
    selector: spec?.selector.matchLabels ?? {},
    wanted: (spec as Deployment['spec'])?.replicas ?? 1,
    containers: (spec?.template.spec?.containers ?? []).map(({ name: own, resources }) => ({
      name: own,
      requests: amountsOf(resources?.requests),
      limits: amountsOf(resources?.limits),
    })),
    ...(autoscaler === undefined ? {} : { autoscaler: autoscalerFacts(autoscaler) }),
    budget: budgets.some((one) => inside(one) && labelSelectorMatches(one.spec?.selector, labels)),
    services: own.map(keyOf),
    settings: new Map(own.map((one) => [keyOf(one), settingsOf(one)])),
    owns: (pod) => pod.metadata?.namespace === namespace && labelSelectorMatches(spec?.selector, pod.metadata.labels),
  };
}

function settingsOf({ metadata }: Service): Pick<BackendFacts, 'policy' | 'requestTimeout'> {
  const { annotations = {} } = metadata ?? {};
  const policy = annotations['evenkeel.dev/balancing-policy'];
  const text = annotations['evenkeel.dev/request-timeout'];
  const ms = text === undefined ? undefined : readDuration(text);
  return {
    ...(policy === undefined ? {} : { policy }),
    ...(text === undefined || ms === undefined ? {} : { requestTimeout: { text, ms } }),
  };
}

function autoscalerFacts({ metadata, spec }: HorizontalPodAutoscaler): AutoscalerFacts {
  return {
    name: metadata?.name ?? '',
    minReplicas: spec?.minReplicas ?? 1,
    maxReplicas: spec?.maxReplicas ?? 1,
  };
}

/** Of a list of resources, or of what was measured. */
export function amountsOf(list: Readonly<Record<string, string>> | undefined): Amounts {
  const { cpu, memory } = list ?? {};
  return {
    ...(cpu === undefined ? {} : { cpu: parseQuantity(cpu).toNumber() * 1000 }),
    ...(memory === undefined ? {} : { memory: parseQuantity(memory).toNumber() }),
  };
}
