// At every moment the translation that follows changes says what a translation of everything says.
// Objects come, change and go at random, several at once; also those that others refer to.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type KubeObject, objectKey } from '#kube/api/object.ts';
import type { TableChanges } from './tables.ts';
import type { Telling } from './tellings.ts';
import { objectsOf, readAuthorities, readCertificate } from './testing.ts';
import { translateGateways } from './translate-gateways.ts';
import { GatewayTranslator } from './translator.ts';

const options = { readCertificate, readAuthorities };
const faults = new Map<string, string>();

type Step = {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly spec: object | undefined;
};

const namespace = fc.constantFrom('a', 'b');
const host = fc.constantFrom('x.example', 'y.example', '*.example', '*.x.example', 'deep.x.example');
const hosts = fc.uniqueArray(host, { maxLength: 2 });
const service = fc.record({ name: fc.constantFrom('one', 'two'), namespace }, { requiredKeys: ['name'] });
const backends = fc.array(
  fc.tuple(service, fc.constantFrom(80, 81)).map(([ref, port]) => ({ ...ref, port })),
  { maxLength: 2 },
);
const parents = fc.uniqueArray(
  fc.oneof(
    fc.record(
      { name: fc.constantFrom('g', 'h'), namespace, sectionName: fc.constantFrom('http', 'tls') },
      { requiredKeys: ['name'] },
    ),
    fc.record(
      { kind: fc.constant('ListenerSet'), name: fc.constantFrom('s', 't'), namespace },
      { requiredKeys: ['kind', 'name'] },
    ),
  ),
  { minLength: 1, maxLength: 2, selector: (ref) => JSON.stringify(ref) },
);
const listener = fc.oneof(
  fc
    .record(
      {
        name: fc.constantFrom('http', 'more'),
        hostname: host,
        allowedRoutes: fc.constantFrom(
          { namespaces: { from: 'All' } },
          { namespaces: { from: 'Selector', selector: { matchLabels: { team: 'red' } } } },
          {},
        ),
      },
      { requiredKeys: ['name', 'allowedRoutes'] },
    )
    .map((more) => ({ protocol: 'HTTP', port: 80, ...more })),
  fc.record({ hostname: host }, { requiredKeys: [] }).chain((more) =>
    fc.tuple(fc.constantFrom('cert', 'none'), namespace).map(([name, where]) => ({
      name: 'tls',
      protocol: 'HTTPS',
      port: 443,
      ...more,
      allowedRoutes: { namespaces: { from: 'All' } },
      tls: { certificateRefs: [{ name, namespace: where }] },
    })),
  ),
  fc.constant({ name: 'raw', protocol: 'TCP', port: 9000, allowedRoutes: { namespaces: { from: 'All' } } }),
);
const listeners = fc.uniqueArray(listener, { minLength: 1, maxLength: 3, selector: ({ name }) => name });

const path = fc.constantFrom('/', '/a', '/b');
const rules = fc.array(
  fc
    .tuple(path, backends)
    .map(([value, backendRefs]) => ({ matches: [{ path: { type: 'PathPrefix', value } }], backendRefs })),
  { minLength: 1, maxLength: 2 },
);
const specs: Readonly<Record<string, fc.Arbitrary<object>>> = {
  GatewayClass: fc
    .constantFrom('evenkeel.dev/gateway-controller', 'example.com/other')
    .map((controllerName) => ({ controllerName })),
  Gateway: fc.tuple(listeners, fc.constantFrom('All', 'None'), fc.boolean()).map(([list, from, shows]) => ({
    gatewayClassName: 'evenkeel',
    listeners: list,
    allowedListeners: { namespaces: { from } },
    ...(shows ? { tls: { backend: { clientCertificateRef: { name: 'cert' } } } } : {}),
  })),
  // On ports of the Gateway they are in the way of its listeners, or take hosts from them.
  ListenerSet: fc
    .tuple(fc.constantFrom('g', 'h'), namespace, listeners, fc.constantFrom(0, 0, 1))
    .map(([name, where, list, further]) => ({
      parentRef: { name, namespace: where },
      listeners: list.map((one) => ({ ...one, port: one.port + further })),
    })),
  HTTPRoute: fc
    .tuple(parents, hosts, rules)
    .map(([parentRefs, hostnames, list]) => ({ parentRefs, hostnames, rules: list })),
  GRPCRoute: fc.tuple(parents, hosts, backends).map(([parentRefs, hostnames, backendRefs]) => ({
    parentRefs,
    hostnames,
    rules: [{ backendRefs }],
  })),
  TCPRoute: fc.tuple(parents, backends).map(([parentRefs, backendRefs]) => ({ parentRefs, rules: [{ backendRefs }] })),
  Service: fc
    .uniqueArray(fc.constantFrom(80, 81), { maxLength: 2 })
    .map((ports) => ({ ports: ports.map((port) => ({ port, name: `p${port}` })) })),
  ReferenceGrant: fc.tuple(namespace, fc.constantFrom('Service', 'Secret')).map(([where, kind]) => ({
    from: ['HTTPRoute', 'GRPCRoute', 'TCPRoute', 'Gateway', 'ListenerSet'].map((from) => ({
      group: 'gateway.networking.k8s.io',
      kind: from,
      namespace: where,
    })),
    to: [{ group: '', kind }],
  })),
  BackendTLSPolicy: fc.tuple(fc.constantFrom('one', 'two'), fc.boolean()).map(([name, known]) => ({
    targetRefs: [{ group: '', kind: 'Service', name }],
    validation: {
      hostname: 'inner.example',
      ...(known
        ? { wellKnownCACertificates: 'System' }
        : { caCertificateRefs: [{ group: '', kind: 'ConfigMap', name: 'ca' }] }),
    },
  })),
  ConfigMap: fc.constantFrom('authority 1', 'authority 2', 'junk').map((text) => ({ data: { 'ca.crt': text } })),
  Secret: fc.constantFrom('names: x.example', 'names: *.example', 'junk').map((text) => ({
    type: 'kubernetes.io/tls',
    stringData: { 'tls.crt': text, 'tls.key': 'key' },
  })),
  Namespace: fc.constantFrom('red', 'blue').map((team) => ({ labels: { team } })),
};
const NAMES: Readonly<Record<string, readonly string[]>> = {
  GatewayClass: ['evenkeel'],
  Gateway: ['g', 'h'],
  ListenerSet: ['s', 't'],
  Service: ['one', 'two'],
  ReferenceGrant: ['r'],
  BackendTLSPolicy: ['p', 'q'],
  ConfigMap: ['ca'],
  Secret: ['cert'],
  Namespace: ['a', 'b'],
};

/** Routes are most of what changes. */
const kinds = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom('HTTPRoute', 'GRPCRoute', 'TCPRoute') },
  { weight: 2, arbitrary: fc.constantFrom('Gateway', 'ListenerSet', 'Service', 'ReferenceGrant') },
  { weight: 1, arbitrary: fc.constantFrom('GatewayClass', 'BackendTLSPolicy', 'ConfigMap', 'Secret', 'Namespace') },
);
const stepOf = (some: fc.Arbitrary<string>, of = specs): fc.Arbitrary<Step> =>
  some.chain((kind) =>
    fc.record({
      kind: fc.constant(kind),
      namespace: ['GatewayClass', 'Namespace'].includes(kind) ? fc.constant('') : namespace,
      name: fc.constantFrom(...(NAMES[kind] ?? ['m', 'n', 'o'])),
      spec: fc.oneof(
        { weight: 4, arbitrary: of[kind] as fc.Arbitrary<object> },
        { weight: 1, arbitrary: fc.constant(undefined) },
      ),
    }),
  );
/** Gateways that are seen anew look at all of their routes: with these alone they stay. */
const quiet = fc.constantFrom('HTTPRoute', 'GRPCRoute', 'HTTPRoute', 'GRPCRoute', 'Namespace', 'BackendTLSPolicy');

/** Listeners on one port of one Gateway, which come, go and take hosts from each other, with routes on all of them. */
const crowded = fc.constantFrom('Gateway', 'ListenerSet', 'ListenerSet', 'HTTPRoute', 'HTTPRoute');
const onPort80 = (name: string, hostname: string | undefined) => ({
  name,
  protocol: 'HTTP',
  port: 80,
  ...(hostname === undefined ? {} : { hostname }),
  allowedRoutes: { namespaces: { from: 'All' } },
});
const inCrowd: typeof specs = {
  Gateway: fc.option(host, { nil: undefined }).map((hostname) => ({
    gatewayClassName: 'evenkeel',
    allowedListeners: { namespaces: { from: 'All' } },
    listeners: [onPort80('http', undefined), ...(hostname === undefined ? [] : [onPort80('more', hostname)])],
  })),
  ListenerSet: fc.uniqueArray(host, { minLength: 1, maxLength: 2 }).map((list) => ({
    parentRef: { name: 'g', namespace: 'a' },
    listeners: list.map((hostname, at) => onPort80(`l${at}`, hostname)),
  })),
  HTTPRoute: fc
    .tuple(fc.constantFrom({ name: 'g' }, { name: 's', kind: 'ListenerSet' }), namespace, hosts, rules)
    .map(([parent, where, hostnames, list]) => {
      const own = parent.name === 'g' ? 'a' : where;
      return { parentRefs: [{ ...parent, namespace: own }], hostnames, rules: list };
    }),
};

/** What there is to begin with, so that references mostly find something. */
const BEGIN: readonly Step[] = [
  {
    kind: 'GatewayClass',
    namespace: '',
    name: 'evenkeel',
    spec: { controllerName: 'evenkeel.dev/gateway-controller' },
  },
  ...['a', 'b'].flatMap((where): Step[] => [
    { kind: 'Namespace', namespace: '', name: where, spec: { labels: { team: 'red' } } },
    { kind: 'Service', namespace: where, name: 'one', spec: { ports: [{ port: 80, name: 'p80' }] } },
    {
      kind: 'Secret',
      namespace: where,
      name: 'cert',
      spec: { type: 'kubernetes.io/tls', stringData: { 'tls.crt': 'names: x.example', 'tls.key': 'key' } },
    },
    {
      kind: 'Gateway',
      namespace: where,
      name: 'g',
      spec: {
        gatewayClassName: 'evenkeel',
        listeners: [
          {
            name: 'http',
            protocol: 'HTTP',
            port: 80,
            allowedRoutes: { namespaces: { from: 'Selector', selector: { matchLabels: { team: 'red' } } } },
          },
        ],
      },
    },
  ]),
];

class Scene {
  readonly objects = new Map<string, KubeObject>();
  readonly translator = new GatewayTranslator(options);
  readonly tables: { [Table in keyof TableChanges]: Map<string, unknown> } = {
    listeners: new Map(),
    virtualHosts: new Map(),
    certificates: new Map(),
  };
  readonly told = new Map<string, Telling>();
  readonly variants = new Map<string, ReadonlyMap<string, unknown>>();
  #changed: { kind: string; key: string }[] = [];
  #born = 0;

  act({ kind, namespace: where, name, spec }: Step): void {
    const metadata = { name, ...(where === '' ? {} : { namespace: where }) };
    const key = objectKey({ metadata });
    const id = `${kind} ${key}`;
    const before = this.objects.get(id);
    this.#changed.push({ kind, key });
    if (spec === undefined) {
      this.objects.delete(id);
      return;
    }
    const creationTimestamp =
      before?.metadata?.creationTimestamp ?? `2026-01-01T00:00:${String(this.#born++ % 60).padStart(2, '0')}Z`;
    const generation = ((before?.metadata?.generation as number | undefined) ?? 0) + 1;
    const { labels, ...plain } = spec as { readonly labels?: Record<string, string> };
    const body = ['Secret', 'ConfigMap', 'Namespace'].includes(kind) ? plain : { spec: plain };
    this.objects.set(id, {
      kind,
      metadata: { ...metadata, creationTimestamp, generation, ...(labels && { labels }) },
      ...body,
    } as KubeObject);
  }

  follow(all: boolean): void {
    const { tellings, variants, ...tables } = this.translator.update(
      objectsOf([...this.objects.values()]),
      all ? undefined : this.#changed,
    );
    this.#changed = [];
    for (const [table, changes] of Object.entries(tables)) {
      for (const [name, value] of changes) {
        if (value === undefined) this.tables[table as keyof TableChanges].delete(name);
        else this.tables[table as keyof TableChanges].set(name, value);
      }
    }
    for (const [id, telling] of tellings) {
      if (telling === undefined) this.told.delete(id);
      else this.told.set(id, telling);
    }
    for (const service of variants) this.variants.set(service, new Map(this.translator.variants.ofService(service)));
  }

  /** An entry that takes back what was said before says the same as none. */
  get statuses(): ReadonlyMap<string, unknown> {
    const said = [...this.told].map(([id, telling]) => [id, telling(faults)] as const);
    return new Map(
      said.filter(([, status]) => !(status !== undefined && 'parents' in status && status.parents.length === 0)),
    );
  }
}

describe('a translation that follows changes', () => {
  it.each([
    ['whatever changes', stepOf(kinds), 200],
    ['while Gateways stay', stepOf(quiet), 300],
    ['while listeners share a port', stepOf(crowded, inCrowd), 300],
  ])('says at every moment what a translation of everything says, %s', (_, some, numRuns) => {
    const steps = fc.array(fc.array(some, { minLength: 1, maxLength: 3 }), { maxLength: 20 });
    fc.assert(
      fc.property(steps, (rounds) => {
        const scene = new Scene();
        for (const one of BEGIN) scene.act(one);
        scene.follow(true);
        for (const round of rounds) {
          for (const one of round) scene.act(one);
          scene.follow(false);
          const whole = translateGateways(objectsOf([...scene.objects.values()]), options);
          for (const table of ['listeners', 'virtualHosts', 'certificates'] as const) {
            expect(scene.tables[table]).toEqual(whole[table]);
            expect(scene.translator.tables[table]).toEqual(whole[table]);
          }
          const variants = new Map([...scene.variants.values()].flatMap((all) => [...all]));
          expect(variants).toEqual(whole.variants);
          expect(scene.translator.variants.all).toEqual(whole.variants);
          const statuses = new Map(whole.statusesOf(faults).map((status) => [`${status.kind} ${status.key}`, status]));
          expect(scene.statuses).toEqual(statuses);
        }
      }),
      { numRuns },
    );
  });
});
