// A BackendPolicy is heard by its targets alone: whatever it says, every other cluster stays what it was.
// Drives the real translation, through the world that controllers have.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TrafficWorld } from '#control/controllers/traffic/world.ts';
import type { BackendPolicy } from '#kube/api/backend-policy/types.ts';
import type { KubeObject } from '#kube/api/object.ts';
import { objectsOf, readAuthorities, readCertificate } from '../gateway/testing.ts';
import type { Cluster, Route, VirtualHost } from '../ir.ts';

const NAMES = ['a', 'b', 'c'];
const gateways = [
  { kind: 'GatewayClass', metadata: { name: 'evenkeel' }, spec: { controllerName: 'evenkeel.dev/gateway-controller' } },
  {
    kind: 'Gateway',
    metadata: { name: 'edge' },
    spec: { gatewayClassName: 'evenkeel', listeners: [{ name: 'http', protocol: 'HTTP', port: 80 }] },
  },
];
const services = NAMES.map((name) => ({
  kind: 'Service',
  metadata: { name },
  spec: {
    ports: [
      { name: 'http', port: 80 },
      { name: 'admin', port: 81 },
    ],
  },
}));
const routes = NAMES.map((name) => ({
  kind: 'HTTPRoute',
  metadata: { name },
  spec: {
    parentRefs: [{ name: 'edge' }],
    hostnames: [`${name}.example`],
    rules: [
      {
        name: 'one',
        matches: [{ path: { value: '/one' } }],
        backendRefs: NAMES.map((backend) => ({ name: backend, port: 80 })),
      },
      { name: 'two', backendRefs: [{ name, port: 81 }] },
    ],
  },
}));
const sound = [...gateways, ...services, ...routes] as readonly unknown[] as readonly KubeObject[];

const junk = fc.oneof(fc.constant(null), fc.integer(), fc.string(), fc.constant({}), fc.constant([]));
const target = fc.oneof(
  fc.record({
    group: fc.constant(''),
    kind: fc.constant('Service'),
    name: fc.constantFrom('a', 'b'),
    sectionName: fc.constantFrom('http', 'admin', undefined),
  }),
  fc.record({
    group: fc.constant('gateway.networking.k8s.io'),
    kind: fc.constant('HTTPRoute'),
    name: fc.constantFrom('a', 'b'),
    sectionName: fc.constantFrom('one', 'two', undefined),
  }),
);
const settings = fc.record(
  {
    balancing: fc.oneof(
      fc.constant({ policy: 'maglev', hashBy: { type: 'header', name: 'x' } }),
      fc.constant({ policy: 'random' }),
      junk,
    ),
    timeouts: fc.oneof(fc.constant({ request: '1s' }), fc.constant({ connect: '3s' }), junk),
    circuitBreaker: fc.oneof(fc.constant({ maxRequests: 3 }), junk),
    upstreamProtocol: fc.oneof(fc.constant('http2'), junk),
    retry: fc.oneof(fc.constant({ attempts: 3 }), junk),
  },
  { requiredKeys: [] },
);
const policies = fc.array(
  fc.record({ targets: fc.oneof(fc.array(target, { minLength: 1, maxLength: 2 }), junk), settings, age: fc.nat(9) }),
  { maxLength: 4 },
);

interface World {
  readonly clusters: ReadonlyMap<string, Cluster>;
  readonly hosts: readonly VirtualHost[];
}

function worldOf(all: readonly BackendPolicy[]): World {
  const objects = objectsOf(sound);
  const world = new TrafficWorld(
    {
      service: (key) => objects.service(key),
      slicesOf: () => [],
      ingresses: () => [],
      ingress: () => undefined,
      ingressClasses: () => [],
      secret: () => undefined,
      gateways: () => objects,
      policies: () => all,
    },
    { ingressClass: 'evenkeel', readCertificate, readAuthorities },
  );
  for (const { metadata } of services) world.touchService(`default/${metadata.name}`);
  const changes = world.refresh();
  return {
    clusters: changes?.clusters as ReadonlyMap<string, Cluster>,
    hosts: [...(changes?.virtualHosts?.values() ?? [])] as VirtualHost[],
  };
}

/** What each rule leads to, with the clusters themselves in place of their names. */
function ways({ clusters, hosts }: World): Map<string, unknown> {
  const of = ({ action }: Route): unknown =>
    action.type === 'forward'
      ? action.clusters.map(({ cluster, ...rest }) => ({ ...rest, cluster: { ...clusters.get(cluster), name: '' } }))
      : action;
  return new Map(hosts.flatMap(({ routes: list }) => list.map((route) => [route.metricName, of(route)] as const)));
}

describe('a BackendPolicy', () => {
  const before = worldOf([]);

  it('is heard by what it names, and by nothing else', () => {
    fc.assert(
      fc.property(policies, (given) => {
        const all = given.map(
          ({ targets, settings: said, age }, at) =>
            ({
              kind: 'BackendPolicy',
              metadata: { namespace: 'default', name: `p${at}`, creationTimestamp: `2026-01-0${age + 1}T00:00:00Z` },
              spec: { targetRefs: targets, ...said },
            }) as unknown as BackendPolicy,
        );
        const after = worldOf(all);
        const named = new Set(
          given.flatMap(({ targets }) =>
            Array.isArray(targets)
              ? (targets as { kind: string; name: string; sectionName?: string }[]).map(
                  ({ kind, name, sectionName = '' }) => `${kind} ${name} ${sectionName}`,
                )
              : [],
          ),
        );
        const isNamed = (kind: string, name: string, section: string): boolean =>
          named.has(`${kind} ${name} `) || named.has(`${kind} ${name} ${section}`);
        for (const name of NAMES) {
          for (const port of ['http', 'admin']) {
            const cluster = `default/${name}/${port}`;
            if (!isNamed('Service', name, port))
              expect(after.clusters.get(cluster)).toEqual(before.clusters.get(cluster));
          }
          const [now, then] = [ways(after), ways(before)];
          if (!isNamed('HTTPRoute', name, 'two') && !isNamed('Service', name, 'admin'))
            expect(now.get(`default/${name}/two`)).toEqual(then.get(`default/${name}/two`));
          const backends = NAMES.some((backend) => isNamed('Service', backend, 'http'));
          if (!isNamed('HTTPRoute', name, 'one') && !backends)
            expect(now.get(`default/${name}/one`)).toEqual(then.get(`default/${name}/one`));
        }
      }),
      { numRuns: 300 },
    );
  });

  it('comes and goes with what it said, and its age decides', () => {
    const one = (name: string, year: number, said: object): BackendPolicy =>
      ({
        metadata: { namespace: 'default', name, creationTimestamp: `${year}-01-01T00:00:00Z` },
        spec: { targetRefs: [{ group: '', kind: 'Service', name: 'a' }], ...said },
      }) as BackendPolicy;
    const young = one('young', 2026, { panicThreshold: 1 });
    const old = one('old', 2025, { timeouts: { connect: '1s' } });
    const cluster = (all: readonly BackendPolicy[]) => worldOf(all).clusters.get('default/a/http');
    expect(cluster([young])).toMatchObject({ panicThreshold: 1 });
    expect(cluster([young, old])?.panicThreshold).toBeUndefined();
    expect(cluster([young, old])?.timeouts).toEqual({ connect: 1_000, response: 60_000, idle: 60_000 });
  });
});
