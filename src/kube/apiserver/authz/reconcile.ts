// Brings the roles and bindings that every cluster has to what they must be, at each start.
// Knows how to mend them; what is in them is policy/. Upstream source: component-helpers/auth/rbac/reconciliation.
import type { PolicyRule, RoleRef, Subject } from 'kubernetes-types/rbac/v1.js';
import { apiVersionOf } from '#kube/api/resources.ts';
import { jsonEqual } from '#lib/json.ts';
import type { ServerContext } from '../context.ts';
import { type AnyObject, digArray } from '../registry/any-object.ts';
import type { Resource } from '../registry/registry.ts';
import { createObject } from '../write/create.ts';
import { deleteObject } from '../write/delete.ts';
import { updateObject } from '../write/update.ts';
import { MASTERS } from './authorizer.ts';
import { uncovered } from './covers.ts';
import { componentBindings, componentRoles } from './policy/components.ts';
import { controllerBindings, controllerRoles } from './policy/controllers.ts';
import { namespacePolicies } from './policy/namespaced.ts';
import type { BindingData, RoleData } from './policy/rule.ts';
import { userBindings, userRoles } from './policy/users.ts';
import { RBAC_GROUP } from './rbac.ts';

/** An object that says `false` is left as it is. */
const AUTO_UPDATE = 'rbac.authorization.kubernetes.io/autoupdate';
const LABEL = 'kubernetes.io/bootstrapping';
const WRITER = {
  user: { name: 'system:apiserver', groups: [MASTERS] },
  options: { dryRun: false, manager: 'kube-apiserver' },
};

/** Idempotent; what has been added by others stays. */
export async function reconcilePolicy(server: ServerContext): Promise<void> {
  const roles = [...userRoles, ...componentRoles, ...controllerRoles];
  const bindings = [...userBindings, ...componentBindings, ...controllerBindings];
  const work: Promise<void>[] = [
    ...roles.map((role) => reconcileRole(server, role, undefined)),
    ...bindings.map((binding) => reconcileBinding(server, binding, undefined)),
  ];
  for (const policy of namespacePolicies) {
    work.push(...policy.roles.map((role) => reconcileRole(server, role, policy.namespace)));
    work.push(...policy.bindings.map((binding) => reconcileBinding(server, binding, policy.namespace)));
  }
  await Promise.all(work);
}

async function reconcileRole(server: ServerContext, data: RoleData, namespace: string | undefined): Promise<void> {
  const resource = server.registry.builtin(RBAC_GROUP, 'v1', namespace === undefined ? 'clusterroles' : 'roles');
  const wanted = roleObject(resource, data, namespace);
  await put(server, resource, wanted, (current) => {
    const held = digArray(current, 'rules') as PolicyRule[];
    const missing = uncovered(held, digArray(wanted, 'rules') as PolicyRule[]);
    const selectors = digArray(current, 'aggregationRule', 'clusterRoleSelectors');
    const lost = digArray(wanted, 'aggregationRule', 'clusterRoleSelectors').filter(
      (each) => !selectors.some((known) => jsonEqual(known, each)),
    );
    return {
      ...(missing.length === 0 ? {} : { rules: [...held, ...missing] }),
      ...(lost.length === 0 ? {} : { aggregationRule: { clusterRoleSelectors: [...selectors, ...lost] } }),
    };
  });
}

async function reconcileBinding(
  server: ServerContext,
  data: BindingData,
  namespace: string | undefined,
): Promise<void> {
  const { registry } = server;
  const resource = registry.builtin(RBAC_GROUP, 'v1', namespace === undefined ? 'clusterrolebindings' : 'rolebindings');
  const wanted = bindingObject(resource, data, namespace);
  const { name = '' } = wanted.metadata ?? {};
  const known = resource.collection.get(namespace, name)?.object;
  if (known !== undefined && isOurs(known) && !jsonEqual(known.roleRef, wanted.roleRef)) {
    // What a binding refers to never changes: it is made anew, as upstream does.
    await deleteObject({ server, resource, namespace, name }, {});
  }
  await put(server, resource, wanted, (current) => {
    const held = digArray(current, 'subjects') as Subject[];
    const missing = (wanted.subjects as Subject[]).filter((each) => !held.some((other) => sameSubject(other, each)));
    return missing.length === 0 ? {} : { subjects: [...held, ...missing] };
  });
}

/** Creates the object, or adds what `missing` finds lacking of it. */
async function put(
  server: ServerContext,
  resource: Resource,
  wanted: AnyObject,
  missing: (current: AnyObject) => Partial<AnyObject>,
): Promise<void> {
  const { name = '', namespace } = wanted.metadata ?? {};
  const known = resource.collection.get(namespace, name)?.object;
  if (known === undefined) {
    await createObject({ server, resource, ...WRITER }, structuredClone(wanted));
    return;
  }
  if (!isOurs(known)) return;
  const labels = { ...wanted.metadata?.labels, ...known.metadata?.labels };
  const annotations = { ...wanted.metadata?.annotations, ...known.metadata?.annotations };
  const sameMetadata =
    jsonEqual(labels, known.metadata?.labels ?? {}) && jsonEqual(annotations, known.metadata?.annotations ?? {});
  if (sameMetadata && Object.keys(missing(known)).length === 0) return;
  await updateObject({ server, resource, namespace, name, ...WRITER }, (current) => ({
    ...structuredClone(current),
    ...missing(current),
    metadata: { ...structuredClone(current.metadata), labels, annotations },
  }));
}

function isOurs(object: AnyObject): boolean {
  return object.metadata?.annotations?.[AUTO_UPDATE] !== 'false';
}

function sameSubject(a: Subject, b: Subject): boolean {
  return a.kind === b.kind && a.name === b.name && (a.namespace ?? '') === (b.namespace ?? '');
}

function metadataOf(name: string, namespace: string | undefined, labels: RoleData['labels'] = {}) {
  return {
    name,
    ...(namespace === undefined ? {} : { namespace }),
    labels: { [LABEL]: 'rbac-defaults', ...labels },
    annotations: { [AUTO_UPDATE]: 'true' },
  };
}

function roleObject(
  { definition }: Resource,
  { name, labels, rules, aggregates }: RoleData,
  namespace: string | undefined,
): AnyObject {
  return {
    apiVersion: apiVersionOf(definition),
    kind: definition.kind,
    metadata: metadataOf(name, namespace, labels),
    rules: rules ?? null,
    ...(aggregates === undefined
      ? {}
      : { aggregationRule: { clusterRoleSelectors: [{ matchLabels: { [aggregates]: 'true' } }] } }),
  };
}

function bindingObject(
  { definition }: Resource,
  { name, role, subjects }: BindingData,
  namespace: string | undefined,
): AnyObject {
  const kind = namespace === undefined ? 'ClusterRole' : 'Role';
  const roleRef: RoleRef = { apiGroup: RBAC_GROUP, kind, name: role ?? name };
  return {
    apiVersion: apiVersionOf(definition),
    kind: definition.kind,
    metadata: metadataOf(name, namespace),
    roleRef,
    subjects,
  };
}
