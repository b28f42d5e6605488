// On which nodes a DaemonSet wants its pod, and on which it lets one stay.
// Pure. Upstream: NodeShouldRunDaemonPod and pkg/controller/daemon/util.
import type { DaemonSet } from 'kubernetes-types/apps/v1.js';
import type { Affinity, Node, Pod, PodSpec, Toleration } from 'kubernetes-types/core/v1.js';
import { wantsNode } from '../common/node-affinity.ts';
import { tolerates } from '../common/tolerations.ts';

const NAME_FIELD = 'metadata.name';

export interface Wanted {
  readonly run: boolean;
  /** A pod that is there may stay, though none would be started. */
  readonly stay: boolean;
}

export function wantedOn(set: DaemonSet, node: Node): Wanted {
  const spec = set.spec?.template?.spec;
  const name = spec?.nodeName ?? '';
  if ((name !== '' && name !== node.metadata?.name) || !wantsNode(spec === undefined ? {} : { spec }, node))
    return { run: false, stay: false };
  const tolerations = tolerationsOf(spec);
  const bad = (node.spec?.taints ?? []).filter(
    (taint) => taint.effect !== 'PreferNoSchedule' && !tolerates(tolerations, taint),
  );
  return { run: bad.length === 0, stay: !bad.some(({ effect }) => effect === 'NoExecute') };
}

/** What a daemon bears without being told to: it belongs to its node, in whatever state that is. */
export function tolerationsOf(spec: PodSpec | undefined): Toleration[] {
  const node = (name: string, effect: string): Toleration => {
    return { key: `node.kubernetes.io/${name}`, operator: 'Exists', effect };
  };
  const own = [
    node('not-ready', 'NoExecute'),
    node('unreachable', 'NoExecute'),
    node('disk-pressure', 'NoSchedule'),
    node('memory-pressure', 'NoSchedule'),
    node('pid-pressure', 'NoSchedule'),
    node('unschedulable', 'NoSchedule'),
    ...(spec?.hostNetwork === true ? [node('network-unavailable', 'NoSchedule')] : []),
  ];
  const given = spec?.tolerations ?? [];
  const same = (a: Toleration, b: Toleration): boolean =>
    a.key === b.key && a.effect === b.effect && a.operator === b.operator && (a.value ?? '') === (b.value ?? '');
  return [...given.filter((each) => !own.some((other) => same(each, other))), ...own];
}

/** The affinity of the template, held to one node by its name. Other required terms were weighed by `wantedOn`. */
export function affinityFor(affinity: Affinity | undefined, node: string): Affinity {
  const nodeSelectorTerms = [{ matchFields: [{ key: NAME_FIELD, operator: 'In', values: [node] }] }];
  return {
    ...affinity,
    nodeAffinity: {
      ...affinity?.nodeAffinity,
      requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms },
    },
  };
}

/** The node a pod of a DaemonSet is on, or is meant for until it is bound. */
export function nodeOf(pod: Pod): string | undefined {
  if ((pod.spec?.nodeName ?? '') !== '') return pod.spec?.nodeName;
  const required = pod.spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  for (const { matchFields = [] } of required?.nodeSelectorTerms ?? []) {
    const field = matchFields.find(({ key, operator }) => key === NAME_FIELD && operator === 'In');
    if (field?.values?.length === 1) return field.values[0];
  }
  return undefined;
}
