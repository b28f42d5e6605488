// Puts together the rules of ClusterRoles that are made of others: at the start, and as any of them changes.
// Knows ClusterRoles and labels. Upstream source: pkg/controller/clusterroleaggregation.
import type { LabelSelector } from 'kubernetes-types/meta/v1.js';
import { labelSelectorMatches } from '#kube/api/selector.ts';
import { StatusError } from '#kube/api/status.ts';
import { jsonEqual } from '#lib/json.ts';
import { rerun } from '#lib/rerun.ts';
import type { ServerContext } from '../context.ts';
import { type AnyObject, digArray } from '../registry/any-object.ts';
import type { Resource } from '../registry/registry.ts';
import { updateObject } from '../write/update.ts';
import { MASTERS } from './authorizer.ts';
import { RBAC_GROUP } from './rbac.ts';

const WRITER = {
  user: { name: 'system:serviceaccount:kube-system:clusterrole-aggregation-controller', groups: [MASTERS] },
  options: { dryRun: false, manager: 'clusterrole-aggregation-controller' },
};

/** One may be made of others that are: until nothing changes. */
export async function aggregateRoles(server: ServerContext): Promise<void> {
  const roles = server.registry.builtin(RBAC_GROUP, 'v1', 'clusterroles');
  for (let changed = true; changed; ) {
    changed = false;
    for (const { object } of roles.collection.list()) {
      if (await aggregate(server, roles, object)) changed = true;
    }
  }
}

/** Until the returned function is called. */
export function followRoles(server: ServerContext): () => void {
  const { registry, closing, log } = server;
  const run = rerun(
    async () => {
      if (!closing.aborted) await aggregateRoles(server);
    },
    (error) => {
      if (!closing.aborted) log.warn({ error: String(error) }, 'Cannot put the rules of ClusterRoles together');
    },
  );
  return registry.builtin(RBAC_GROUP, 'v1', 'clusterroles').collection.subscribe(run);
}

async function aggregate(server: ServerContext, roles: Resource, role: AnyObject): Promise<boolean> {
  const { name = '' } = role.metadata ?? {};
  const rules = rulesFor(roles, role);
  if (rules === undefined || jsonEqual(rules, digArray(role, 'rules'))) return false;
  try {
    await updateObject({ server, resource: roles, namespace: undefined, name, ...WRITER }, (current) => ({
      ...structuredClone(current),
      rules: rulesFor(roles, current) ?? current.rules,
    }));
  } catch (error) {
    // Somebody has deleted it in between.
    if (!(error instanceof StatusError) || error.code !== 404) throw error;
  }
  return true;
}

/** By the names of the roles they come from, each rule once; undefined for a role that is not made of others. */
function rulesFor(roles: Resource, { metadata, aggregationRule }: AnyObject): unknown[] | undefined {
  if (aggregationRule === undefined || aggregationRule === null) return undefined;
  const selectors = digArray(aggregationRule, 'clusterRoleSelectors') as LabelSelector[];
  const rules: unknown[] = [];
  for (const { object } of roles.collection.list()) {
    if (object.metadata?.name === metadata?.name) continue;
    if (!selectors.some((selector) => labelSelectorMatches(selector, object.metadata?.labels))) continue;
    for (const rule of digArray(object, 'rules')) {
      if (!rules.some((known) => jsonEqual(known, rule))) rules.push(rule);
    }
  }
  return rules;
}
