// The incremental model against the whole translation: whatever happens in whatever order, both say the same.
// The objects stand in plain maps; the translation is the real one.
import fc from 'fast-check';
import type { Secret, Service } from 'kubernetes-types/core/v1.js';
import type { EndpointSlice } from 'kubernetes-types/discovery/v1.js';
import type { Ingress, IngressClass } from 'kubernetes-types/networking/v1.js';
import { describe, expect, it } from 'vitest';
import type { IngressOptions } from '#traffic/model/ingress-translator.ts';
import type { TrafficModel } from '#traffic/model/ir.ts';
import type { Problem } from '#traffic/model/problem.ts';
import { serviceKeyOf, translate } from '#traffic/model/translate.ts';
import { type Changes, TrafficWorld } from './world.ts';

const options: IngressOptions = {
  ingressClass: 'evenkeel',
  readCertificate: (chain) => ({ hostnames: [`${chain}.local`], fingerprint: chain }),
};

/** How an Ingress asks. */
interface Manner {
  readonly path: string;
  /** Seconds after which it was made. */
  readonly age: number;
  readonly kind: 'rules' | 'both' | 'fallback';
  /** For its backends; none when empty. One of `random` names no class. */
  readonly policy: string;
}

/** All objects there are, and a world that is told of every change. */
class Scene {
  readonly services = new Map<string, Service>();
  readonly slices = new Map<string, EndpointSlice>();
  readonly ingresses = new Map<string, Ingress>();
  readonly classes = new Map<string, IngressClass>();
  readonly secrets = new Map<string, Secret>();
  readonly world = new TrafficWorld(
    {
      service: (key) => this.services.get(key),
      slicesOf: (key) => [...this.slices.values()].filter((slice) => serviceKeyOf(slice) === key),
      ingresses: () => [...this.ingresses.values()],
      ingress: (key) => this.ingresses.get(key),
      ingressClasses: () => [...this.classes.values()],
      secret: (key) => this.secrets.get(key),
    },
    options,
  );
  readonly #tables = new Map<string, Map<string, unknown>>();

  /** Takes changes in as an engine does. */
  refresh(): Changes | undefined {
    const changes = this.world.refresh();
    for (const [table, entries] of Object.entries(changes ?? {})) {
      const into = this.#tables.get(table) ?? new Map<string, unknown>();
      this.#tables.set(table, into);
      for (const [name, value] of entries) {
        if (value === undefined) into.delete(name);
        else into.set(name, value);
      }
    }
    return changes;
  }

  received(table: keyof TrafficModel): ReadonlyMap<string, unknown> {
    return this.#tables.get(table) ?? new Map();
  }

  whole(): ReturnType<typeof translate> {
    return translate(
      {
        services: [...this.services.values()],
        endpointSlices: [...this.slices.values()],
        ingresses: [...this.ingresses.values()],
        ingressClasses: [...this.classes.values()],
        secrets: [...this.secrets.values()],
      },
      [],
      options,
    );
  }

  setService(name: string, port: number): void {
    this.services.set(`shop/${name}`, {
      metadata: { namespace: 'shop', name },
      spec: { clusterIP: '127.96.0.1', ports: [{ port }] },
    });
    this.world.touchService(`shop/${name}`);
    this.world.touchIngress('Service', `shop/${name}`);
  }

  dropService(name: string): void {
    this.services.delete(`shop/${name}`);
    this.world.touchService(`shop/${name}`);
    this.world.touchIngress('Service', `shop/${name}`);
  }

  setSlice(name: string, service: string, hosts: readonly number[]): void {
    const before = this.slices.get(name);
    if (before !== undefined) this.world.touchService(serviceKeyOf(before));
    this.slices.set(name, {
      metadata: { namespace: 'shop', name, labels: { 'kubernetes.io/service-name': service } },
      addressType: 'IPv4',
      ports: [{ port: 8080 }],
      endpoints: hosts.map((host) => ({ addresses: [`127.244.0.${host}`] })),
    });
    this.world.touchService(`shop/${service}`);
  }

  setIngress(
    name: string,
    host: string,
    service: string,
    secretName: string,
    { path = '/', age = 0, kind = 'rules', policy = '' }: Partial<Manner> = {},
  ): void {
    const backend = { service: { name: service, port: { number: 80 } } };
    const rules = [{ host, http: { paths: [{ path, pathType: 'Prefix', backend }] } }];
    this.ingresses.set(`shop/${name}`, {
      metadata: {
        namespace: 'shop',
        name,
        creationTimestamp: `2026-01-01T00:00:0${age}Z`,
        ...(policy === '' ? {} : { annotations: { 'evenkeel.dev/balancing-policy': policy } }),
      },
      spec: {
        ...(policy === 'random' ? {} : { ingressClassName: 'evenkeel' }),
        ...(kind === 'fallback' ? {} : { rules }),
        ...(kind === 'rules' ? {} : { defaultBackend: backend }),
        tls: [{ hosts: [host], secretName }],
      },
    });
    this.world.touchIngress('Ingress', `shop/${name}`);
  }

  setClass(name: string, controller: string, byDefault: boolean): void {
    const annotations = { 'ingressclass.kubernetes.io/is-default-class': String(byDefault) };
    this.classes.set(name, { metadata: { name, annotations }, spec: { controller } });
    this.world.touchIngresses();
  }

  dropIngress(name: string): void {
    this.ingresses.delete(`shop/${name}`);
    this.world.touchIngress('Ingress', `shop/${name}`);
  }

  setSecret(name: string, content: string): void {
    const data = { 'tls.crt': btoa(content), 'tls.key': btoa('key') };
    this.secrets.set(`shop/${name}`, { type: 'kubernetes.io/tls', metadata: { namespace: 'shop', name }, data });
    if (this.world.needsSecret(`shop/${name}`)) this.world.touchIngress('Secret', `shop/${name}`);
  }
}

const name = fc.constantFrom('web', 'cart', 'pay');
const manner: fc.Arbitrary<Manner> = fc.record({
  path: fc.constantFrom('/', '/a', '/a/'),
  age: fc.integer({ min: 0, max: 3 }),
  kind: fc.constantFrom('rules', 'rules', 'both', 'fallback'),
  policy: fc.constantFrom('', '', 'round_robin', 'random'),
});
const ingress = fc
  .tuple(name, fc.constantFrom('a.local', 'b.local', ''), name, fc.constantFrom('one', 'two'), manner)
  .map(
    ([own, host, service, secret, how]) =>
      (scene: Scene) =>
        scene.setIngress(own, host, service, secret, how),
  );
const step: fc.Arbitrary<(scene: Scene) => void> = fc.oneof(
  fc.tuple(name, fc.constantFrom(80, 81)).map(
    ([service, port]) =>
      (scene: Scene) =>
        scene.setService(service, port),
  ),
  name.map((service) => (scene: Scene) => scene.dropService(service)),
  fc.tuple(fc.constantFrom('s1', 's2'), name, fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: 3 })).map(
    ([slice, service, hosts]) =>
      (scene: Scene) =>
        scene.setSlice(slice, service, hosts),
  ),
  { weight: 3, arbitrary: ingress },
  fc
    .tuple(fc.constantFrom('evenkeel', 'other'), fc.constantFrom('evenkeel.dev/ingress-controller', 'x'), fc.boolean())
    .map(
      ([class_, controller, byDefault]) =>
        (scene: Scene) =>
          scene.setClass(class_, controller, byDefault),
    ),
  name.map((ingress) => (scene: Scene) => scene.dropIngress(ingress)),
  fc.tuple(fc.constantFrom('one', 'two'), fc.constantFrom('a', 'b')).map(
    ([secret, content]) =>
      (scene: Scene) =>
        scene.setSecret(secret, content),
  ),
);

const inOrder = (problems: readonly Problem[]): readonly string[] => problems.map((one) => JSON.stringify(one)).sort();

describe('traffic world', () => {
  it('says at every moment what the whole translation says', () => {
    fc.assert(
      fc.property(fc.array(fc.array(step, { maxLength: 3 }), { maxLength: 12 }), (rounds) => {
        const scene = new Scene();
        for (const round of rounds) {
          for (const act of round) act(scene);
          scene.refresh();
          const { model, problems } = scene.whole();
          for (const table of ['virtualHosts', 'certificates', 'clusters', 'endpoints', 'services'] as const) {
            expect(scene.received(table)).toEqual(model[table]);
          }
          expect(inOrder(scene.world.problems())).toEqual(inOrder(problems));
          for (const key of scene.world.takeNewlyOwned()) expect(scene.world.ownsIngress(key)).toBe(true);
        }
      }),
      { numRuns: 400 },
    );
  });

  it('changes nothing when objects come again as they were', () => {
    const scene = new Scene();
    const arrive = (): void => {
      scene.setService('web', 80);
      scene.setSlice('s1', 'web', [1, 2]);
      scene.setIngress('web', 'a.local', 'web', 'one');
    };
    arrive();
    expect(scene.refresh()).toBeDefined();
    arrive();
    expect(scene.refresh()).toBeUndefined();
  });

  it('reads again only the Ingress that changed, and the hosts that it names', () => {
    const scene = new Scene();
    scene.setService('web', 80);
    for (const ingress of ['web', 'cart', 'pay']) scene.setIngress(ingress, `${ingress}.local`, 'web', 'one');
    scene.refresh();
    const read: string[] = [];
    const find = scene.ingresses.get.bind(scene.ingresses);
    scene.ingresses.get = (key) => {
      read.push(key);
      return find(key);
    };
    scene.setIngress('cart', 'cart.local', 'web', 'one', { path: '/a' });
    const changes = scene.refresh();
    expect(read).toEqual(['shop/cart']);
    expect([...(changes?.virtualHosts?.keys() ?? [])]).toEqual(['cart.local']);
  });

  it('names only the cluster whose endpoints changed', () => {
    const scene = new Scene();
    scene.setService('web', 80);
    scene.setService('cart', 80);
    scene.setSlice('s1', 'web', [1, 2]);
    scene.setIngress('web', 'a.local', 'web', 'one');
    scene.refresh();
    scene.setSlice('s1', 'web', [2]);
    const changes = scene.refresh();
    expect(Object.keys(changes ?? {})).toEqual(['endpoints']);
    expect([...(changes?.endpoints?.keys() ?? [])]).toEqual(['shop/web/80']);
  });
});
