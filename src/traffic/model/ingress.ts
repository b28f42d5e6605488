// From one Ingress to the routes it asks for, host by host.
// Knows no other Ingress: who wins where two ask for the same is decided in virtual-hosts.ts.
import type { Ingress, IngressBackend, IngressRule } from 'kubernetes-types/networking/v1.js';
import { objectKey } from '#kube/api/object.ts';
import { canonicalPath } from './canonical-path.ts';
import type { ClusterVariant } from './gateway/backends.ts';
import { type FindService, resolveBackend } from './ingress-backend.ts';
import type { PathMatch, Route, RouteAction } from './ir.ts';
import { annotated } from './policy/annotations.ts';
import type { ClusterChanges } from './policy/changes.ts';
import type { Problem, ProblemReason } from './problem.ts';

export interface HostRoute {
  /** `*` for a rule without host. */
  readonly hostname: string;
  readonly route: Route;
  /** Where it stands in the Ingress. */
  readonly field: string;
}

export interface IngressRoutes {
  readonly key: string;
  readonly routes: readonly HostRoute[];
  /** Hosts of the rules, also of those without a path of their own. */
  readonly hostnames: readonly string[];
  /** Takes what no rule takes; its path matches everything. */
  readonly fallback: Route | undefined;
  readonly problems: readonly Problem[];
}

/** Name of a cluster that is spoken to differently; its own where nothing is different. */
export type NameVariant = (variant: ClusterVariant) => string;

export function translateIngress(ingress: Ingress, findService: FindService, variant: NameVariant): IngressRoutes {
  return new Translation(ingress, findService, variant).run();
}

class Translation {
  readonly #ingress: Ingress;
  readonly #findService: FindService;
  readonly #variant: NameVariant;
  /** What its annotations say of the backends that it leads to. */
  readonly #changes: ClusterChanges | undefined;
  readonly #key: string;
  readonly #routes: HostRoute[] = [];
  readonly #problems: Problem[] = [];

  constructor(ingress: Ingress, findService: FindService, variant: NameVariant) {
    this.#ingress = ingress;
    this.#findService = findService;
    this.#variant = variant;
    const { changes, problems } = annotated('Ingress', ingress);
    this.#changes = changes;
    this.#problems.push(...problems);
    this.#key = objectKey(ingress);
  }

  run(): IngressRoutes {
    const { rules = [], defaultBackend } = this.#ingress.spec ?? {};
    for (const [index, rule] of rules.entries()) this.#rule(rule, index);
    const fallback =
      defaultBackend === undefined
        ? undefined
        : this.#route('default', { type: 'prefix', value: '/' }, this.#action(defaultBackend, 'spec.defaultBackend'));
    const hostnames = [...new Set(rules.map(hostnameOf))];
    return { key: this.#key, routes: this.#routes, hostnames, fallback, problems: this.#problems };
  }

  #rule(rule: IngressRule, ruleIndex: number): void {
    for (const [index, { path = '', pathType, backend }] of (rule.http?.paths ?? []).entries()) {
      const field = `spec.rules[${ruleIndex}].http.paths[${index}]`;
      const value = path === '' ? '/' : path;
      if (!value.startsWith('/')) {
        this.#problem('InvalidPath', `${field}.path`, `Path "${path}" is not absolute: begin it with "/"`);
        continue;
      }
      // ImplementationSpecific is left to us; upstream allows to treat it as Prefix.
      const match: PathMatch = { type: pathType === 'Exact' ? 'exact' : 'prefix', value: canonicalPath(value) };
      const action = this.#action(backend, `${field}.backend`);
      const route = this.#route(`${ruleIndex}/${index}`, match, action);
      this.#routes.push({ hostname: hostnameOf(rule), route, field });
    }
  }

  #route(place: string, path: PathMatch, action: RouteAction): Route {
    return { name: `ingress/${this.#key}/${place}`, metricName: `${this.#key}:${path.value}`, path, action };
  }

  #action(backend: IngressBackend, field: string): RouteAction {
    const namespace = this.#ingress.metadata?.namespace ?? '';
    const { action, problem } = resolveBackend(backend, namespace, field, this.#findService);
    if (problem !== undefined) this.#problem(problem.reason, problem.field, problem.message);
    const changes = this.#changes;
    if (changes === undefined || action.type !== 'forward') return action;
    const serviceKey = `${namespace}/${backend.service?.name ?? ''}`;
    const clusters = action.clusters.map((one) => ({
      ...one,
      cluster: this.#variant({ base: one.cluster, serviceKey, changes }),
    }));
    return { ...action, clusters };
  }

  #problem(reason: ProblemReason, field: string, message: string): void {
    this.#problems.push({ kind: 'Ingress', key: this.#key, reason, field, message });
  }
}

function hostnameOf({ host = '' }: IngressRule): string {
  return host === '' ? '*' : host.toLowerCase();
}
