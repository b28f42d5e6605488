// What is told where nobody else would speak, and that nothing is told of what another controller may serve.
// Pure; knows no API server.
import type { Service } from 'kubernetes-types/core/v1.js';
import { expect, test } from 'vitest';
import type { AnyRoute, BackendTlsPolicy, Gateway, GatewayClass, ListenerSet } from '#kube/api/gateway/types.ts';
import { type KubeObject, objectKey } from '#kube/api/object.ts';
import type { GatewayObjects } from './objects.ts';
import { UnservedObjects } from './unserved.ts';

type Lists = Partial<Pick<GatewayObjects, 'gateways' | 'httpRoutes' | 'listenerSets' | 'tlsPolicies'>>;

const theirs: GatewayClass = { metadata: { name: 'theirs' }, spec: { controllerName: 'example.com/other' } };
const web: Service = { spec: { ports: [{ name: 'http', port: 80 }] } };

function told(lists: Lists): readonly string[] {
  const unserved = new UnservedObjects();
  unserved.update(objectsOf(lists));
  return linesOf(unserved);
}

function linesOf(unserved: UnservedObjects): readonly string[] {
  return unserved.problems.map(({ kind, key, reason, field }) => `${kind} ${key} ${reason} ${field}`);
}

function objectsOf(lists: Lists): GatewayObjects {
  const byKind: Readonly<Record<string, readonly KubeObject[] | undefined>> = {
    Gateway: lists.gateways,
    ListenerSet: lists.listenerSets,
    HTTPRoute: lists.httpRoutes,
    BackendTLSPolicy: lists.tlsPolicies,
  };
  return {
    classes: [theirs],
    gateways: [],
    listenerSets: [],
    httpRoutes: [],
    grpcRoutes: [],
    tlsRoutes: [],
    tcpRoutes: [],
    udpRoutes: [],
    grants: [],
    tlsPolicies: [],
    ...lists,
    find: (kind, key) => byKind[kind]?.find((one) => objectKey(one) === key),
    service: (key) => (key === 'a/web' ? web : undefined),
    secret: () => undefined,
    configMap: () => undefined,
    namespaceLabels: () => undefined,
    addresses: () => ({ addresses: [] }),
  };
}

const metadata = { namespace: 'a', name: 'one' };
const gateway = (gatewayClassName: string): Gateway => ({ metadata, spec: { gatewayClassName, listeners: [] } });
const route = (...parentRefs: NonNullable<NonNullable<AnyRoute['spec']>['parentRefs']>): AnyRoute => ({
  metadata,
  spec: { parentRefs },
});
const set = (name: string): ListenerSet => ({ metadata, spec: { parentRef: { name }, listeners: [] } });
const policy = (target: object): BackendTlsPolicy =>
  ({ metadata, spec: { targetRefs: [target], validation: { hostname: 'web' } } }) as unknown as BackendTlsPolicy;

test('a Gateway of a class that does not exist is told, and one of a class of others is theirs', () => {
  expect(told({ gateways: [gateway('gone')] })).toEqual(['Gateway a/one GatewayClassNotFound spec.gatewayClassName']);
  expect(told({ gateways: [gateway('theirs')] })).toEqual([]);
});

test('a route is told of each parent that does not exist, and of none that does or that is of others', () => {
  const gateways = [gateway('theirs')];
  expect(told({ gateways, httpRoutes: [route({ name: 'one' }, { name: 'one', namespace: 'b' })] as never })).toEqual([
    'HTTPRoute a/one ParentNotFound spec.parentRefs[1].name',
  ]);
  const others = route(
    { group: '', kind: 'Service', name: 'web' },
    { group: 'example.com', kind: 'Router', name: 'x' },
  );
  expect(told({ httpRoutes: [others] as never })).toEqual([]);
  expect(told({ httpRoutes: [route()] as never })).toEqual(['HTTPRoute a/one ParentNotFound spec.parentRefs']);
  expect(told({ httpRoutes: [{ metadata, spec: { useDefaultGateways: 'All' } }] as never })).toEqual([]);
});

test('a ListenerSet is told that its Gateway does not exist', () => {
  expect(told({ listenerSets: [set('gone')] })).toEqual(['ListenerSet a/one ParentNotFound spec.parentRef.name']);
  expect(told({ gateways: [gateway('theirs')], listenerSets: [set('one')] })).toEqual([]);
});

test('a BackendTLSPolicy is told of what it is for and is not there', () => {
  const service = { group: '', kind: 'Service', name: 'web' };
  expect(told({ tlsPolicies: [policy(service), policy({ ...service, sectionName: 'http' })] })).toEqual([]);
  expect(told({ tlsPolicies: [policy({ ...service, name: 'gone' })] })).toEqual([
    'BackendTLSPolicy a/one TargetNotFound spec.targetRefs[0].name',
  ]);
  expect(told({ tlsPolicies: [policy({ ...service, sectionName: 'https' })] })).toEqual([
    'BackendTLSPolicy a/one TargetNotFound spec.targetRefs[0].sectionName',
  ]);
});

test('changes are followed: a parent that comes, goes and comes back, and the object itself', () => {
  const unserved = new UnservedObjects();
  const there: Lists = { gateways: [gateway('theirs')], httpRoutes: [route({ name: 'one' })] as never };
  unserved.update(objectsOf(there));
  const follow = (lists: Lists, kind: string): readonly string[] => {
    unserved.update(objectsOf(lists), [{ kind, key: 'a/one' }]);
    return linesOf(unserved);
  };
  const missing = ['HTTPRoute a/one ParentNotFound spec.parentRefs[0].name'];
  expect(linesOf(unserved)).toEqual([]);
  expect(follow({ httpRoutes: there.httpRoutes as never }, 'Gateway')).toEqual(missing);
  expect(follow(there, 'Gateway')).toEqual([]);
  expect(follow({ httpRoutes: there.httpRoutes as never }, 'Gateway')).toEqual(missing);
  expect(follow({}, 'HTTPRoute')).toEqual([]);
});

test('a Gateway that changes costs no look at its routes', () => {
  const unserved = new UnservedObjects();
  const lists: Lists = { gateways: [gateway('theirs')], httpRoutes: [route({ name: 'one' })] as never };
  unserved.update(objectsOf(lists));
  const looked: string[] = [];
  const objects = objectsOf(lists);
  const noting: GatewayObjects = {
    ...objects,
    find(kind, key) {
      looked.push(kind);
      return objects.find(kind, key);
    },
  };
  unserved.update(noting, [{ kind: 'Gateway', key: 'a/one' }]);
  expect(looked).not.toContain('HTTPRoute');
});
