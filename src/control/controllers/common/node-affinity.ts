// Node selectors and node affinity: which nodes a pod or a volume asks for.
// Pure. Upstream: component-helpers/scheduling/corev1/nodeaffinity.
import type { Node, NodeSelectorRequirement, NodeSelectorTerm, Pod } from 'kubernetes-types/core/v1.js';
import type { Labels } from '#kube/api/selector.ts';

/** Whether the pod's nodeSelector and required node affinity admit the node. */
export function wantsNode(pod: Pick<Pod, 'spec'>, node: Node): boolean {
  const labels = node.metadata?.labels ?? {};
  for (const [key, value] of Object.entries(pod.spec?.nodeSelector ?? {})) if (labels[key] !== value) return false;
  const required = pod.spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  return required === undefined || anyTermMatches(required.nodeSelectorTerms, node);
}

/** Terms are alternatives; none at all matches nothing. */
export function anyTermMatches(terms: readonly NodeSelectorTerm[] | undefined, node: Node): boolean {
  return (terms ?? []).some((term) => termMatches(term, node));
}

/** A term without any requirement matches nothing, as upstream. */
export function termMatches(term: NodeSelectorTerm, node: Node): boolean {
  const { matchExpressions = [], matchFields = [] } = term;
  if (matchExpressions.length + matchFields.length === 0) return false;
  const fields: Record<string, string> = { 'metadata.name': node.metadata?.name ?? '' };
  return (
    matchExpressions.every((requirement) => holds(requirement, node.metadata?.labels ?? {})) &&
    matchFields.every((requirement) => holds(requirement, fields))
  );
}

function holds({ key, operator, values = [] }: NodeSelectorRequirement, labels: Labels): boolean {
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
    case 'Lt':
      return value !== undefined && compares(value, operator, values[0] ?? '');
    default:
      return false;
  }
}

/** Whole numbers only: a label that is none is neither above nor below. */
function compares(value: string, operator: 'Gt' | 'Lt', limit: string): boolean {
  if (!/^[+-]?\d+$/.test(value) || !/^[+-]?\d+$/.test(limit)) return false;
  return operator === 'Gt' ? BigInt(value) > BigInt(limit) : BigInt(value) < BigInt(limit);
}
