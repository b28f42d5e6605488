// One broken object changes nothing for others: Ingresses, Gateways with ListenerSets, routes of both and of Services,
// policies. It comes into a world that works, beside what it could harm, and goes again. The translation is the real one.
import fc from 'fast-check';
import type { EndpointSlice } from 'kubernetes-types/discovery/v1.js';
import type { Ingress } from 'kubernetes-types/networking/v1.js';
import { expect, it } from 'vitest';
import type { BackendPolicy } from '#kube/api/backend-policy/types.ts';
import { type KubeObject, objectKey } from '#kube/api/object.ts';
import type { GatewayObjects } from '#traffic/model/gateway/objects.ts';
import { objectsOf, readAuthorities, readCertificate } from '#traffic/model/gateway/testing.ts';
import type { VirtualHost } from '#traffic/model/ir.ts';
import { serviceKeyOf } from '#traffic/model/translate.ts';
import { TrafficWorld } from './world.ts';

type Plain = { readonly kind: string; readonly metadata: object } & Readonly<Record<string, unknown>>;

const metadata = { name: 'sound', namespace: 'default', creationTimestamp: '2026-01-01T00:00:00Z' };
const http = { name: 'http', protocol: 'HTTP', port: 80, allowedRoutes: { namespaces: { from: 'All' } } };
const tls = { name: 'tls', protocol: 'HTTPS', port: 443, tls: { certificateRefs: [{ name: 'sound' }] } };
const backendRefs = [{ name: 'sound', port: 80 }];
const routeOf = (parent: object, host: string, name: string): Plain => ({
  kind: 'HTTPRoute',
  metadata: { ...metadata, name },
  spec: { parentRefs: [parent], hostnames: [host], rules: [{ backendRefs }] },
});
const ingressBackend = { service: { name: 'sound', port: { number: 80 } } };

const SOUND: readonly Plain[] = [
  {
    kind: 'GatewayClass',
    metadata: { ...metadata, name: 'evenkeel', namespace: undefined },
    spec: { controllerName: 'evenkeel.dev/gateway-controller' },
  },
  { kind: 'Service', metadata, spec: { clusterIP: '10.96.0.7', ports: [{ port: 80, appProtocol: 'http' }] } },
  {
    kind: 'EndpointSlice',
    metadata: { ...metadata, labels: { 'kubernetes.io/service-name': 'sound' } },
    addressType: 'IPv4',
    ports: [{ port: 8080 }],
    endpoints: [{ addresses: ['10.244.0.7'] }],
  },
  {
    kind: 'Secret',
    metadata,
    type: 'kubernetes.io/tls',
    stringData: { 'tls.crt': 'names: sound.example', 'tls.key': 'key' },
  },
  {
    kind: 'Gateway',
    metadata,
    spec: { gatewayClassName: 'evenkeel', allowedListeners: { namespaces: { from: 'All' } }, listeners: [http, tls] },
  },
  {
    kind: 'ListenerSet',
    metadata,
    spec: { parentRef: { name: 'sound' }, listeners: [{ ...http, hostname: '*.set.example' }] },
  },
  routeOf({ name: 'sound' }, 'sound.example', 'on-gateway'),
  routeOf({ name: 'sound', kind: 'ListenerSet' }, 'a.set.example', 'on-set'),
  routeOf({ group: '', kind: 'Service', name: 'sound', port: 80 }, 'unheard.example', 'on-service'),
  {
    kind: 'Ingress',
    metadata,
    spec: {
      ingressClassName: 'evenkeel',
      rules: [{ host: 'sound.example', http: { paths: [{ path: '/', pathType: 'Prefix', backend: ingressBackend }] } }],
      tls: [{ hosts: ['sound.example'], secretName: 'sound' }],
    },
  },
  {
    kind: 'BackendPolicy',
    metadata,
    spec: { targetRefs: [{ group: '', kind: 'Service', name: 'sound' }], timeouts: { request: '7s' } },
  },
];

const junk = fc.oneof(
  fc.constantFrom(null, undefined, {}, [], [null], [{}], '', 'x'.repeat(600), '(', '*', -1, 1e9),
  fc.string(),
);
const host = fc.constantFrom(
  'sound.example',
  'a.set.example',
  '*.set.example',
  '*',
  'broken.example',
  'x.'.repeat(200),
);
const orJunk = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<unknown> =>
  fc.oneof({ weight: 4, arbitrary }, { weight: 1, arbitrary: junk });
const some = (model: Record<string, fc.Arbitrary<unknown>>): fc.Arbitrary<object> =>
  fc.record(model, { requiredKeys: [] });
const list = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<unknown> => orJunk(fc.array(arbitrary, { maxLength: 2 }));

// Sound ones may take hosts from less specific ones, or share their socket: these are in the way of others, or nowhere.
const listener = some({
  name: orJunk(fc.constantFrom('http', 'tls', 'other')),
  protocol: orJunk(fc.constantFrom('HTTP', 'HTTPS', 'TCP', 'UDP')),
  port: orJunk(fc.constantFrom(80, 443, 81)),
  hostname: orJunk(fc.constantFrom('*.set.example', 'broken.example', 'x.'.repeat(200))),
  tls: orJunk(
    some({ mode: junk, certificateRefs: list(some({ name: fc.constantFrom('gone', 'sound') })), options: junk }),
  ),
  allowedRoutes: orJunk(some({ namespaces: orJunk(some({ from: junk, selector: junk })), kinds: junk })),
});
const match = some({
  path: orJunk(some({ type: orJunk(fc.constantFrom('RegularExpression', 'Exact', 'PathPrefix')), value: junk })),
  headers: list(some({ type: fc.constant('RegularExpression'), name: junk, value: junk })),
});
const routeTo = (...services: readonly object[]): fc.Arbitrary<object> =>
  some({
    parentRefs: list(
      orJunk(
        fc.constantFrom(
          { name: 'sound' },
          { name: 'sound', kind: 'ListenerSet' },
          ...services,
          { name: 'broken' },
          { name: 'gone' },
        ),
      ),
    ),
    hostnames: list(host),
    rules: list(
      some({
        matches: list(match),
        filters: list(
          some({ type: orJunk(fc.constantFrom('URLRewrite', 'RequestMirror', 'ExtensionRef')), urlRewrite: junk }),
        ),
        backendRefs: list(
          some({ name: orJunk(fc.constantFrom('sound', 'gone')), namespace: junk, port: junk, weight: junk }),
        ),
        timeouts: junk,
        retry: junk,
      }),
    ),
  });
// At a Service a GRPCRoute goes before an HTTPRoute, however young, as upstream wants it.
const httpRoute = routeTo({ group: '', kind: 'Service', name: 'sound', port: 80 });
const otherRoute = routeTo();
const specs: Readonly<Record<string, fc.Arbitrary<unknown>>> = {
  Ingress: some({
    ingressClassName: fc.constant('evenkeel'),
    rules: list(
      some({
        host: orJunk(host),
        http: orJunk(
          some({
            paths: list(some({ path: junk, pathType: junk, backend: orJunk(some({ service: junk, resource: junk })) })),
          }),
        ),
      }),
    ),
    tls: list(some({ hosts: list(host), secretName: orJunk(fc.constantFrom('gone', 'broken')) })),
    defaultBackend: junk,
  }),
  Gateway: some({
    gatewayClassName: orJunk(fc.constant('evenkeel')),
    listeners: list(listener),
    addresses: junk,
    tls: junk,
  }),
  ListenerSet: some({
    parentRef: orJunk(fc.constantFrom({ name: 'sound' }, { name: 'gone' })),
    listeners: list(listener),
  }),
  HTTPRoute: httpRoute,
  GRPCRoute: otherRoute,
  TLSRoute: otherRoute,
  TCPRoute: otherRoute,
  BackendPolicy: some({
    targetRefs: list(
      some({ group: junk, kind: orJunk(fc.constant('Service')), name: fc.constantFrom('broken', 'gone') }),
    ),
    timeouts: junk,
    balancing: junk,
    healthCheck: junk,
    circuitBreaker: junk,
  }),
  BackendTLSPolicy: some({
    targetRefs: list(some({ group: junk, kind: junk, name: fc.constant('broken') })),
    validation: junk,
  }),
  ReferenceGrant: some({ from: junk, to: junk }),
  Service: some({ type: junk, clusterIP: junk, ports: list(some({ port: junk, name: junk, appProtocol: junk })) }),
};

const broken: fc.Arbitrary<Plain> = fc.constantFrom(...Object.keys(specs)).chain((kind) =>
  fc.record({
    kind: fc.constant(kind),
    // What is older may take what others want, which is no fault.
    metadata: fc.constant({ name: 'broken', namespace: 'default', creationTimestamp: '2030-01-01T00:00:00Z' }),
    spec: orJunk(specs[kind] as fc.Arbitrary<unknown>),
  }),
);

class Scene {
  #all = new Map<string, Plain>();
  #objects: GatewayObjects = objectsOf([]);
  readonly tables = new Map<string, Map<string, unknown>>();
  readonly told = new Map<string, unknown>();
  readonly world = new TrafficWorld(
    {
      service: (key) => this.#objects.service(key),
      slicesOf: (key) => this.#ofKind<EndpointSlice>('EndpointSlice').filter((slice) => serviceKeyOf(slice) === key),
      ingresses: () => this.#ofKind<Ingress>('Ingress'),
      ingress: (key) => this.#ofKind<Ingress>('Ingress').find((one) => objectKey(one) === key),
      ingressClasses: () => [],
      secret: (key) => this.#objects.secret(key),
      gateways: () => this.#objects,
      policies: () => this.#ofKind<BackendPolicy>('BackendPolicy'),
      mesh: () => ({ ...this.#objects, meshes: [] }),
      podAddresses: () => [],
    },
    { ingressClass: 'evenkeel', readCertificate, readAuthorities },
  );

  set(object: Plain, isThere: boolean): void {
    const key = objectKey(object as KubeObject);
    const id = `${object.kind} ${key}`;
    if (isThere) this.#all.set(id, object);
    else this.#all.delete(id);
    this.#objects = objectsOf([...this.#all.values()] as unknown as KubeObject[]);
    if (object.kind === 'Service' || object.kind === 'EndpointSlice') this.world.touchService(key);
    if (object.kind === 'Service' || object.kind === 'Secret') this.world.touchIngress(object.kind, key);
    if (object.kind === 'Ingress') this.world.touchIngress('Ingress', key);
    if (object.kind === 'BackendPolicy') this.world.touchPolicies();
    this.world.touchGateways(object.kind, key);
    this.world.mesh.touch();
  }

  refresh(): void {
    for (const [table, entries] of Object.entries(this.world.refresh() ?? {})) {
      const into = this.tables.get(table) ?? new Map<string, unknown>();
      this.tables.set(table, into);
      for (const [name, value] of entries) {
        if (value === undefined) into.delete(name);
        else into.set(name, value);
      }
    }
    for (const [id, telling] of this.world.takeTellings()) {
      if (telling === undefined) this.told.delete(id);
      else this.told.set(id, telling(new Map()));
    }
    // Hosts of the mesh stay a while for who is connected.
    this.world.mesh.sweep();
  }

  /** Everything that is about `names`, without what the broken one adds to it. */
  about(names: ReadonlySet<string>): unknown {
    const tables = [...this.tables].map(([table, entries]) => [
      table,
      [...entries]
        .filter(([name]) => names.has(`${table} ${name}`))
        .map(([name, value]) => [name, table === 'virtualHosts' ? withoutBroken(value as VirtualHost) : value])
        .sort(),
    ]);
    const told = [...this.told].filter(([id]) => names.has(id)).map(([id, status]) => [id, withoutCounts(status)]);
    const problems = this.world.problems().filter(({ key }) => key !== 'default/broken');
    const mesh = this.world.mesh.part.statuses.filter(({ key }) => key !== 'default/broken');
    return {
      tables: tables.filter(([, entries]) => (entries as unknown[]).length > 0).sort(),
      told: told.sort(),
      problems,
      mesh,
    };
  }

  names(): ReadonlySet<string> {
    const tables = [...this.tables].flatMap(([table, entries]) =>
      [...entries.keys()].map((name) => `${table} ${name}`),
    );
    return new Set([...tables, ...this.told.keys()]);
  }

  #ofKind<T>(kind: string): readonly T[] {
    return [...this.#all.values()].filter((one) => one.kind === kind) as unknown as readonly T[];
  }
}

function withoutBroken(host: VirtualHost): VirtualHost {
  return { ...host, routes: host.routes.filter(({ name }) => !name.includes('default/broken/')) };
}

function withoutCounts(status: unknown): string {
  return JSON.stringify(status).replace(/"attached(Routes|ListenerSets)":\d+/g, '');
}

function soundScene(): Scene {
  const scene = new Scene();
  for (const object of SOUND) scene.set(object, true);
  scene.refresh();
  return scene;
}

it('a world that works serves its Ingress, both listeners, the set and the Service', () => {
  const scene = soundScene();
  const hosts = [...(scene.tables.get('virtualHosts') ?? [])] as [string, VirtualHost][];
  expect(hosts.filter(([, { routes }]) => routes.length > 0).map(([name]) => name)).toHaveLength(5);
  expect(scene.world.problems()).toEqual([]);
});

it('a broken object changes nothing for others while it is there, and leaves nothing behind', () => {
  const names = soundScene().names();
  const before = soundScene().about(names);
  fc.assert(
    fc.property(fc.uniqueArray(broken, { minLength: 1, maxLength: 3, selector: ({ kind }) => kind }), (objects) => {
      const scene = soundScene();
      for (const object of objects) scene.set(object, true);
      scene.refresh();
      expect(scene.about(names)).toEqual(before);
      for (const object of objects) scene.set(object, false);
      scene.refresh();
      scene.refresh();
      expect(scene.names()).toEqual(names);
      expect(scene.about(names)).toEqual(before);
    }),
    { numRuns: 150 },
  );
});
