// Whether a pod may run on a node, with upstream's words when it may not. One filter a function, all in one list.
// Pure; upstream: pkg/scheduler/framework/plugins.
import type {
  Node,
  NodeSelectorRequirement,
  NodeSelectorTerm,
  Pod,
  Taint,
  Toleration,
} from 'kubernetes-types/core/v1.js';
import { type Amounts, add, amounts, podRequests } from './requests.ts';

/** A node with what stands on it. */
export interface NodeState {
  readonly node: Node;
  /** Pods bound to the node that are not finished. */
  readonly pods: readonly Pod[];
}

type Filter = (pod: Pod, state: NodeState) => readonly string[];

/** Reasons why the pod does not fit; none when it does. The first filter that objects speaks, as upstream. */
export function whyNot(pod: Pod, state: NodeState): readonly string[] {
  for (const filter of filters) {
    const reasons = filter(pod, state);
    if (reasons.length > 0) return reasons;
  }
  return [];
}

/** In upstream's order, cheap and absolute ones first. */
const filters: readonly Filter[] = [
  unschedulable,
  wrongName,
  untoleratedTaint,
  wrongLabels,
  portsTaken,
  lacksResources,
];

function unschedulable(pod: Pod, { node }: NodeState): readonly string[] {
  if (node.spec?.unschedulable !== true) return [];
  const taint = { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' };
  return tolerates(pod.spec?.tolerations, taint) ? [] : ['node(s) were unschedulable'];
}

function wrongName(pod: Pod, { node }: NodeState): readonly string[] {
  const wanted = pod.spec?.nodeName;
  if (wanted === undefined || wanted === '' || wanted === node.metadata?.name) return [];
  return ["node(s) didn't match the requested node name"];
}

function untoleratedTaint(pod: Pod, { node }: NodeState): readonly string[] {
  const taints = [...(node.spec?.taints ?? []), ...readinessTaints(node)];
  const bad = taints.find((taint) => taint.effect !== 'PreferNoSchedule' && !tolerates(pod.spec?.tolerations, taint));
  return bad === undefined ? [] : [`node(s) had untolerated taint {${bad.key}: ${bad.value ?? ''}}`];
}

/** The taint that upstream's node lifecycle controller puts on a node that is not ready, read from its condition. */
function readinessTaints(node: Node): Taint[] {
  const ready = node.status?.conditions?.find((condition) => condition.type === 'Ready')?.status;
  if (ready === 'True') return [];
  const key = ready === 'Unknown' ? 'node.kubernetes.io/unreachable' : 'node.kubernetes.io/not-ready';
  return [{ key, effect: 'NoSchedule' }];
}

export function tolerates(tolerations: readonly Toleration[] | undefined, taint: Taint): boolean {
  return (tolerations ?? []).some((toleration) => {
    if (toleration.effect !== undefined && toleration.effect !== '' && toleration.effect !== taint.effect) return false;
    if (toleration.key !== undefined && toleration.key !== '' && toleration.key !== taint.key) return false;
    if (toleration.operator === 'Exists') return true;
    return toleration.key !== undefined && (toleration.value ?? '') === (taint.value ?? '');
  });
}

function wrongLabels(pod: Pod, { node }: NodeState): readonly string[] {
  const labels = node.metadata?.labels ?? {};
  const plain = Object.entries(pod.spec?.nodeSelector ?? {}).every(([key, value]) => labels[key] === value);
  const required = pod.spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  const matches =
    plain && (required === undefined || required.nodeSelectorTerms.some((term) => termMatches(term, node)));
  return matches ? [] : ["node(s) didn't match Pod's node affinity/selector"];
}

/** A term without any requirement matches nothing, as upstream. */
function termMatches(term: NodeSelectorTerm, node: Node): boolean {
  const { matchExpressions = [], matchFields = [] } = term;
  if (matchExpressions.length + matchFields.length === 0) return false;
  const fields: Record<string, string> = { 'metadata.name': node.metadata?.name ?? '' };
  return (
    matchExpressions.every((requirement) => holds(requirement, node.metadata?.labels ?? {})) &&
    matchFields.every((requirement) => holds(requirement, fields))
  );
}

function holds(
  { key, operator, values = [] }: NodeSelectorRequirement,
  labels: Readonly<Record<string, string>>,
): boolean {
  const value = labels[key];
  switch (operator) {
    case 'In':
      return value !== undefined && values.includes(value);
    case 'NotIn':
      return value === undefined || !values.includes(value);
    case 'Exists':
      return value !== undefined;
    case 'DoesNotExist':
      return value === undefined;
    case 'Gt':
      return value !== undefined && Number(value) > Number(values[0]);
    case 'Lt':
      return value !== undefined && Number(value) < Number(values[0]);
    default:
      return false;
  }
}

function portsTaken(pod: Pod, { pods }: NodeState): readonly string[] {
  const wanted = hostPorts(pod);
  if (wanted.length === 0) return [];
  const taken = pods.flatMap(hostPorts);
  const clash = wanted.some((a) =>
    taken.some((b) => a.port === b.port && a.protocol === b.protocol && (a.ip === b.ip || a.ip === '' || b.ip === '')),
  );
  return clash ? ["node(s) didn't have free ports for the requested pod ports"] : [];
}

function hostPorts(pod: Pod): { port: number; protocol: string; ip: string }[] {
  return (pod.spec?.containers ?? []).flatMap((container) =>
    (container.ports ?? []).flatMap(({ hostPort, protocol = 'TCP', hostIP = '' }) =>
      hostPort === undefined || hostPort === 0
        ? []
        : [{ port: hostPort, protocol, ip: hostIP === '0.0.0.0' ? '' : hostIP }],
    ),
  );
}

/** Every resource that is short is named, so that one event tells the whole story. */
function lacksResources(pod: Pod, state: NodeState): readonly string[] {
  const allocatable = amounts(state.node.status?.allocatable);
  const used = requestedOn(state.pods);
  const reasons = state.pods.length + 1 > (allocatable.pods ?? Number.POSITIVE_INFINITY) ? ['Too many pods'] : [];
  for (const [name, wanted] of Object.entries(podRequests(pod))) {
    if (wanted > 0 && wanted > (allocatable[name] ?? 0) - (used[name] ?? 0)) reasons.push(`Insufficient ${name}`);
  }
  return reasons;
}

export function requestedOn(pods: readonly Pod[]): Amounts {
  return pods.map(podRequests).reduce(add, {});
}

/** `0/3 nodes are available: 1 Insufficient cpu, 2 node(s) were unschedulable.` */
export function unfitMessage(nodes: number, reasons: readonly (readonly string[])[]): string {
  if (nodes === 0) return 'no nodes available to schedule pods';
  const counts = new Map<string, number>();
  for (const reason of reasons.flat()) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  const parts = [...counts].map(([reason, count]) => `${count} ${reason}`).sort();
  return `0/${nodes} nodes are available: ${parts.join(', ')}.`;
}
