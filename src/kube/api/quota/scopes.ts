// Which pods a quota with scopes counts.
// Knows pods and scopes. Upstream source: pkg/quota/v1/evaluator/core/pods.go.
import type { Pod, ResourceQuotaSpec } from 'kubernetes-types/core/v1.js';
import type { ResourceName } from '../status.ts';
import { podResources } from './pod-resources.ts';

interface Requirement {
  readonly scopeName: string;
  readonly operator: string;
  readonly values?: readonly string[];
}

/** A quota with scopes counts nothing but pods. */
export function inScope(spec: ResourceQuotaSpec | undefined, of: ResourceName, object: object): boolean {
  const requirements: Requirement[] = [
    ...(spec?.scopes ?? []).map((scopeName) => ({ scopeName, operator: 'Exists' })),
    ...((spec?.scopeSelector?.matchExpressions ?? []) as Requirement[]),
  ];
  if (requirements.length === 0) return true;
  if (of.group !== '' || of.resource !== 'pods') return false;
  return requirements.every((requirement) => matches(requirement, object as Pod));
}

function matches({ scopeName, operator, values = [] }: Requirement, pod: Pod): boolean {
  const { spec } = pod;
  switch (scopeName) {
    case 'Terminating':
      return spec?.activeDeadlineSeconds !== undefined;
    case 'NotTerminating':
      return spec?.activeDeadlineSeconds === undefined;
    case 'BestEffort':
      return isBestEffort(pod);
    case 'NotBestEffort':
      return !isBestEffort(pod);
    case 'PriorityClass': {
      const name = spec?.priorityClassName ?? '';
      if (operator === 'Exists') return name !== '';
      if (operator === 'DoesNotExist') return name === '';
      return operator === 'In' ? values.includes(name) : !values.includes(name);
    }
    case 'CrossNamespacePodAffinity':
      return crossesNamespaces(pod);
    default:
      return false;
  }
}

function isBestEffort(pod: Pod): boolean {
  const amounts = [...podResources(pod, 'requests'), ...podResources(pod, 'limits')];
  return !amounts.some(([name, { nanos }]) => ['cpu', 'memory'].includes(name) && nanos > 0n);
}

function crossesNamespaces({ spec }: Pod): boolean {
  const { podAffinity, podAntiAffinity } = spec?.affinity ?? {};
  return [podAffinity, podAntiAffinity].some((affinity) => {
    const terms = [
      ...(affinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []),
      ...(affinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map(
        ({ podAffinityTerm }) => podAffinityTerm,
      ),
    ];
    return terms.some((term) => (term.namespaces ?? []).length > 0 || term.namespaceSelector !== undefined);
  });
}
