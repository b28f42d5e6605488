// On which nodes a DaemonSet wants its pod, and on which it lets one stay.
// Pure. Upstream: NodeShouldRunDaemonPod and pkg/controller/daemon/util.
import type { DaemonSet } from 'kubernetes-types/apps/v1.js';
import type {
  Affinity,
  Node,
  NodeSelectorRequirement,
  NodeSelectorTerm,
  Pod,
  PodSpec,
  Taint,
  Toleration,
} from 'kubernetes-types/core/v1.js';

const NAME_FIELD = 'metadata.name';

export interface Wanted {
  readonly run: boolean;
  /** A pod that is there may stay, though none would be started. */
  readonly stay: boolean;
}

export function wantedOn(set: DaemonSet, node: Node): Wanted {
  const spec = set.spec?.template?.spec;
  const name = spec?.nodeName ?? '';
  if ((name !== '' && name !== node.metadata?.name) || !selects(spec, node)) return { run: false, stay: false };
  const tolerations = tolerationsOf(spec);
  const bad = (node.spec?.taints ?? []).filter(
    (taint) => taint.effect !== 'PreferNoSchedule' && !isTolerated(tolerations, taint),
  );
  return { run: bad.length === 0, stay: !bad.some(({ effect }) => effect === 'NoExecute') };
}

function selects(spec: PodSpec | undefined, node: Node): boolean {
  const labels = node.metadata?.labels ?? {};
  const plain = Object.entries(spec?.nodeSelector ?? {}).every(([key, value]) => labels[key] === value);
  const required = spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  return plain && (required === undefined || required.nodeSelectorTerms.some((term) => matches(term, node)));
}

/** A term without any requirement matches nothing, as upstream. */
function matches({ matchExpressions = [], matchFields = [] }: NodeSelectorTerm, node: Node): boolean {
  if (matchExpressions.length + matchFields.length === 0) return false;
  const fields = { [NAME_FIELD]: node.metadata?.name ?? '' };
  return (
    matchExpressions.every((each) => holds(each, node.metadata?.labels ?? {})) &&
    matchFields.every((each) => holds(each, fields))
  );
}

function holds({ key, operator, values = [] }: NodeSelectorRequirement, labels: Readonly<Record<string, string>>) {
  const value = labels[key];
  if (operator === 'NotIn') return value === undefined || !values.includes(value);
  if (operator === 'DoesNotExist') return value === undefined;
  if (value === undefined) return false;
  if (operator === 'In') return values.includes(value);
  if (operator === 'Exists') return true;
  return operator === 'Gt' ? Number(value) > Number(values[0]) : Number(value) < Number(values[0]);
}

function isTolerated(tolerations: readonly Toleration[], taint: Taint): boolean {
  return tolerations.some(({ key = '', operator = 'Equal', value = '', effect = '' }) => {
    if (effect !== '' && effect !== taint.effect) return false;
    if (key !== '' && key !== taint.key) return false;
    return operator === 'Exists' || (key !== '' && value === (taint.value ?? ''));
  });
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
