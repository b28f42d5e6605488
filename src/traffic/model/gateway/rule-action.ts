// What a rule does with a request: forwards it by weight, sends the client elsewhere, or answers because it cannot.
// Knows nothing of matches; HTTPRoute and GRPCRoute share it.
import type { BackendRef, FilteredBackendRef, RouteFilterSpec } from '#kube/api/gateway/types.ts';
import type { LocalAnswer, RouteAction, RouteFilter, WeightedCluster } from '../ir.ts';
import { type BackendLookups, type BackendUse, resolveBackendRef } from './backends.ts';
import { type Fault, faultAt } from './conditions.ts';
import { type FilterRefs, translateFilters } from './filters.ts';

export interface RuleAction {
  readonly action: RouteAction;
  readonly filters: readonly RouteFilter[];
  readonly refFaults: readonly Fault[];
  readonly faults: readonly Fault[];
}

interface RuleSpec {
  readonly filters?: readonly RouteFilterSpec[];
  readonly backendRefs?: readonly FilteredBackendRef[];
}

/** What strangers may read. */
const REASONS = {
  invalidBackend: 'The backend of this route cannot be used',
  noBackend: 'This route has no backend',
  filter: 'A filter of this route cannot be served',
} as const;

/** `field` is where the rule stands in its route. */
export function ruleAction(
  rule: RuleSpec,
  field: string,
  use: BackendUse,
  lookups: BackendLookups,
  cannot: (reason: string) => LocalAnswer,
): RuleAction {
  const resolve = (ref: FilteredBackendRef) => resolveBackendRef(ref, use, lookups);
  const { kind, namespace } = use;
  const refs: FilterRefs = {
    mirror: resolve,
    // What is said of the backends of a rule is not said of who guards them.
    authoriser: (ref: BackendRef, speaks) =>
      resolveBackendRef(ref, { kind, namespace, ...(speaks === undefined ? {} : { speaks }) }, lookups),
  };
  const own = translateFilters(rule.filters ?? [], `${field}.filters`, refs);
  const refFaults = [...own.refFaults];
  const faults = [...own.faults];
  const clusters: WeightedCluster[] = [];
  for (const [place, ref] of (rule.backendRefs ?? []).entries()) {
    const { weight = 1 } = ref;
    const found = resolve(ref);
    const at = `${field}.backendRefs[${place}]`;
    const inner = translateFilters(ref.filters ?? [], `${at}.filters`, refs);
    refFaults.push(...inner.refFaults);
    const wrong = [...inner.faults];
    if (inner.redirect !== undefined) {
      const message = `${at}.filters: RequestRedirect is served in the filters of a rule only: move it there`;
      wrong.push({ reason: 'UnsupportedValue', message });
    }
    faults.push(...wrong);
    if ('fault' in found) {
      refFaults.push(faultAt(at, found.fault));
      clusters.push({ cluster: '', weight, answer: cannot(REASONS.invalidBackend) });
    } else if (wrong.length > 0 || inner.closed) {
      clusters.push({ cluster: found.cluster, weight, answer: cannot(REASONS.filter) });
    } else {
      clusters.push({
        cluster: found.cluster,
        weight,
        ...(inner.filters.length === 0 ? {} : { filters: inner.filters }),
      });
    }
  }
  const action =
    own.faults.length > 0 || own.closed ? respond(cannot(REASONS.filter)) : actionOf(own.redirect, clusters, cannot);
  return { action, filters: own.filters, refFaults, faults };
}

function actionOf(
  redirect: ReturnType<typeof translateFilters>['redirect'],
  clusters: readonly WeightedCluster[],
  cannot: (reason: string) => LocalAnswer,
): RouteAction {
  if (redirect !== undefined) return { type: 'redirect', redirect };
  // Nobody is left to take a request: as if all backends were invalid.
  if (clusters.every(({ weight }) => weight === 0)) return respond(cannot(REASONS.noBackend));
  const [first] = clusters;
  if (first?.answer !== undefined && clusters.every(({ answer }) => answer !== undefined)) return respond(first.answer);
  return { type: 'forward', clusters };
}

function respond(answer: LocalAnswer): RouteAction {
  return { type: 'respond', ...answer };
}
