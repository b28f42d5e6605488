// What a question costs the authorizer at a thousand bindings. `npx vitest bench --run src/kube/apiserver/authz`.
// Prints figures and judges none.
import { test } from 'vitest';
import { createMemoryStore } from '#kube/store/memory/index.ts';
import { silentLogger } from '#lib/log.ts';
import type { AnyObject } from '../registry/any-object.ts';
import { Registry } from '../registry/registry.ts';
import type { ResourceAttributes } from './attributes.ts';
import { RBAC_GROUP, RbacAuthorizer } from './rbac.ts';

const registry = new Registry(createMemoryStore(), silentLogger);

async function put(resource: string, name: string, namespace: string | undefined, more: object): Promise<void> {
  const { collection } = registry.builtin(RBAC_GROUP, 'v1', resource);
  const metadata = { name, ...(namespace === undefined ? {} : { namespace }) };
  await collection.put(collection.keyOf(namespace, name), { metadata, ...more } as AnyObject, 0);
}

/** A thousand bindings: each to a role of its own, of its own user, and all of one group. */
for (let at = 0; at < 1000; at++) {
  const rules = [
    { apiGroups: [''], resources: ['pods', 'pods/log', 'services'], verbs: ['get', 'list', 'watch'] },
    { apiGroups: [`group-${at}.example.com`], resources: ['widgets'], verbs: ['*'] },
  ];
  await put('clusterroles', `role-${at}`, undefined, { rules });
  const roleRef = { apiGroup: RBAC_GROUP, kind: 'ClusterRole', name: `role-${at}` };
  const subjects = [
    { kind: 'User', name: `user-${at}`, apiGroup: RBAC_GROUP },
    { kind: 'Group', name: 'everybody', apiGroup: RBAC_GROUP },
  ];
  if (at % 2 === 0) await put('clusterrolebindings', `binding-${at}`, undefined, { roleRef, subjects });
  else await put('rolebindings', `binding-${at}`, `team-${at % 10}`, { roleRef, subjects });
}

const authorizer = new RbacAuthorizer(registry);
const list: ResourceAttributes = {
  kind: 'resource',
  verb: 'list',
  group: '',
  version: 'v1',
  resource: 'pods',
  subresource: '',
  namespace: 'team-1',
  name: '',
};
const one = { name: 'user-501', groups: ['system:authenticated'] };
const member = { name: 'somebody', groups: ['a', 'b', 'everybody', 'system:authenticated'] };

const questions: readonly [string, () => void][] = [
  ['allowed, by a binding of the user', () => void authorizer.authorize(one, list)],
  ['allowed, to a member of the group that all of them name', () => void authorizer.authorize(member, list)],
  ['refused, to a member of it', () => void authorizer.authorize(member, { ...list, verb: 'delete' })],
  [
    'refused, where 600 roles speak of such a resource in groups of their own',
    () => void authorizer.authorize(member, { ...list, group: 'none.example.com', resource: 'widgets' }),
  ],
];

test('a question at 1,000 bindings', { timeout: 120_000 }, async ({ bench }) => {
  for (const [name, ask] of questions) await bench(name, ask).run();
});
