// The incremental model against the whole translation: whatever happens in whatever order, both say the same.
// The objects stand in plain maps; the translation is the real one.
import fc from 'fast-check';
import type { Secret, Service } from 'kubernetes-types/core/v1.js';
import type { EndpointSlice } from 'kubernetes-types/discovery/v1.js';
import type { Ingress, IngressClass } from 'kubernetes-types/networking/v1.js';
import { describe, expect, it } from 'vitest';
import type { TrafficModel } from '#traffic/model/ir.ts';
import { serviceKeyOf, type TranslateOptions, translate } from '#traffic/model/translate.ts';
import { type Changes, TrafficWorld } from './world.ts';

const options: TranslateOptions = {
  ingressClass: 'evenkeel',
  readCertificate: (chain) => ({ hostnames: [`${chain}.local`], fingerprint: chain }),
};

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

  whole(): TrafficModel {
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
    ).model;
  }

  setService(name: string, port: number): void {
    this.services.set(`shop/${name}`, {
      metadata: { namespace: 'shop', name },
      spec: { clusterIP: '127.96.0.1', ports: [{ port }] },
    });
    this.world.touchService(`shop/${name}`);
    this.world.touchIngresses();
  }

  dropService(name: string): void {
    this.services.delete(`shop/${name}`);
    this.world.touchService(`shop/${name}`);
    this.world.touchIngresses();
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

  setIngress(name: string, host: string, service: string, secretName: string): void {
    const backend = { service: { name: service, port: { number: 80 } } };
    this.ingresses.set(`shop/${name}`, {
      metadata: { namespace: 'shop', name },
      spec: {
        ingressClassName: 'evenkeel',
        rules: [{ host, http: { paths: [{ path: '/', pathType: 'Prefix', backend }] } }],
        tls: [{ hosts: [host], secretName }],
      },
    });
    this.world.touchIngresses();
  }

  dropIngress(name: string): void {
    this.ingresses.delete(`shop/${name}`);
    this.world.touchIngresses();
  }

  setSecret(name: string, content: string): void {
    const data = { 'tls.crt': btoa(content), 'tls.key': btoa('key') };
    this.secrets.set(`shop/${name}`, { type: 'kubernetes.io/tls', metadata: { namespace: 'shop', name }, data });
    if (this.world.needsSecret(`shop/${name}`)) this.world.touchIngresses();
  }
}

const name = fc.constantFrom('web', 'cart', 'pay');
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
  fc.tuple(name, fc.constantFrom('a.local', 'b.local'), name, fc.constantFrom('one', 'two')).map(
    ([ingress, host, service, secret]) =>
      (scene: Scene) =>
        scene.setIngress(ingress, host, service, secret),
  ),
  name.map((ingress) => (scene: Scene) => scene.dropIngress(ingress)),
  fc.tuple(fc.constantFrom('one', 'two'), fc.constantFrom('a', 'b')).map(
    ([secret, content]) =>
      (scene: Scene) =>
        scene.setSecret(secret, content),
  ),
);

describe('traffic world', () => {
  it('says at every moment what the whole translation says', () => {
    fc.assert(
      fc.property(fc.array(fc.array(step, { maxLength: 3 }), { maxLength: 12 }), (rounds) => {
        const scene = new Scene();
        for (const round of rounds) {
          for (const act of round) act(scene);
          scene.refresh();
          const whole = scene.whole();
          for (const table of ['virtualHosts', 'certificates', 'clusters', 'endpoints', 'services'] as const) {
            expect(scene.received(table)).toEqual(whole[table]);
          }
        }
      }),
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
