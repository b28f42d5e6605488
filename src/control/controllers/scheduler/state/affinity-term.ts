// Which pods an affinity term or a spread constraint speaks of, ready to be asked many times.
// Pure. Upstream: framework.AffinityTerm; label keys are merged into the selector as its API server does.
import type { Pod, PodAffinityTerm } from 'kubernetes-types/core/v1.js';
import type { LabelSelector } from 'kubernetes-types/meta/v1.js';
import { LabelQuery, type LabelRequirement, type Labels, labelSelectorQuery } from '#kube/api/selector.ts';

/** Labels of a namespace, by its name; undefined when it is not known. */
export type NamespaceLabels = (namespace: string) => Labels | undefined;

export interface AffinityTerm {
  readonly topologyKey: string;
  /** Two terms of the same text select the same pods. */
  readonly text: string;
  matches(namespace: string, labels: Labels, namespaces: NamespaceLabels): boolean;
}

export interface WeightedTerm {
  readonly term: AffinityTerm;
  /** Below zero for anti-affinity. */
  readonly weight: number;
}

export function affinityTerm(owner: Pod, term: PodAffinityTerm): AffinityTerm {
  const query = withLabelKeys(term.labelSelector, owner, term.matchLabelKeys, term.mismatchLabelKeys);
  const own = owner.metadata?.namespace ?? '';
  const named = term.namespaces ?? [];
  const selected = term.namespaceSelector === undefined ? undefined : labelSelectorQuery(term.namespaceSelector);
  // Neither names nor a selector: the namespace of the pod that has the term.
  const names = new Set(named.length === 0 && selected === undefined ? [own] : named);
  return {
    topologyKey: term.topologyKey,
    text: `${[...names].sort().join(',')}|${selected === undefined ? '' : `ns(${selected})`}|${query ?? 'none'}`,
    matches(namespace, labels, namespaces) {
      if (query === undefined || !query.matches(labels)) return false;
      if (names.has(namespace)) return true;
      if (selected === undefined) return false;
      return selected.empty || selected.matches(namespaces(namespace));
    },
  };
}

/** An absent selector selects nothing: undefined. */
export function withLabelKeys(
  selector: LabelSelector | undefined,
  { metadata }: Pod,
  match: readonly string[] = [],
  mismatch: readonly string[] = [],
): LabelQuery | undefined {
  if (selector === undefined) return undefined;
  const labels = metadata?.labels ?? {};
  const requirements: LabelRequirement[] = [...labelSelectorQuery(selector).requirements];
  for (const [keys, operator] of [
    [match, 'in'],
    [mismatch, 'notin'],
  ] as const) {
    for (const key of keys) {
      const value = labels[key];
      // A key that the pod does not have says nothing.
      if (value !== undefined) requirements.push({ key, operator, values: [value] });
    }
  }
  return new LabelQuery(requirements);
}
