// A translation that remembers says at every moment what one says that does not: routes, Services and policies come,
// change and go at random. And it reads again only what has changed.
import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { KubeObject } from '#kube/api/object.ts';
import { objectsOf, readAuthorities, readCertificate } from '../gateway/testing.ts';
import { MeshMemory } from './memory.ts';
import type { MeshObjects } from './objects.ts';
import { type MeshPart, type Translated, translateMesh } from './translate-mesh.ts';

const options = { readCertificate, readAuthorities };
const name = fc.constantFrom('one', 'two', 'three');
const parent = name.map((service) => ({ group: '', kind: 'Service', name: service, port: 80 }));
const backendRefs = fc.array(
  fc.tuple(name, fc.constantFrom(80, 81)).map(([service, port]) => ({ name: service, port })),
  { maxLength: 2 },
);
const route = fc
  .tuple(fc.array(parent, { maxLength: 2 }), backendRefs)
  .map(([parentRefs, refs]) => ({ parentRefs, rules: [{ backendRefs: refs }] }));
const specs: Readonly<Record<string, fc.Arbitrary<object>>> = {
  HTTPRoute: route,
  GRPCRoute: route,
  Service: fc.constantFrom(80, 81).map((port) => ({ clusterIP: '10.96.0.1', ports: [{ port, appProtocol: 'http' }] })),
  BackendTLSPolicy: name.map((service) => ({
    targetRefs: [{ group: '', kind: 'Service', name: service }],
    validation: { hostname: 'inner.example', caCertificateRefs: [{ group: '', kind: 'ConfigMap', name: 'one' }] },
  })),
  ConfigMap: fc.constantFrom('authority 1', 'authority 2').map((text) => ({ 'ca.crt': text })),
};
const step = fc.constantFrom(...Object.keys(specs), 'HTTPRoute', 'Service').chain((kind) =>
  fc.record({
    kind: fc.constant(kind),
    name,
    spec: fc.option(specs[kind] as fc.Arbitrary<object>, { nil: undefined, freq: 4 }),
  }),
);

/** Objects that stay the same ones until they change, as those of an informer. */
class Scene {
  readonly #stored = new Map<string, KubeObject>();

  set(kind: string, name: string, spec: object | undefined): void {
    const id = `${kind} ${name}`;
    const body = kind === 'ConfigMap' ? { data: spec } : { spec };
    if (spec === undefined) this.#stored.delete(id);
    else this.#stored.set(id, { kind, metadata: { name, namespace: 'default' }, ...body } as KubeObject);
  }

  get objects(): MeshObjects {
    const all = <T>(kind: string): readonly T[] =>
      [...this.#stored.values()].filter((one) => one.kind === kind) as unknown as readonly T[];
    const find = <T>(kind: string, key: string) => this.#stored.get(`${kind} ${key.split('/')[1]}`) as T | undefined;
    return {
      ...objectsOf([]),
      policies: undefined as never,
      httpRoutes: all('HTTPRoute'),
      grpcRoutes: all('GRPCRoute'),
      tlsPolicies: all('BackendTLSPolicy'),
      meshes: [],
      service: (key) => find('Service', key),
      configMap: (key) => find('ConfigMap', key),
    };
  }
}

const plain = ({ statuses, ...part }: MeshPart): unknown => ({
  ...part,
  statuses: statuses.map((one) => ({ ...one })),
});

it('what is remembered is what would come out anew', () => {
  fc.assert(
    fc.property(fc.array(fc.array(step, { minLength: 1, maxLength: 2 }), { maxLength: 20 }), (rounds) => {
      const scene = new Scene();
      const memory = new MeshMemory<Translated | undefined>();
      for (const service of ['one', 'two', 'three'])
        scene.set('Service', service, { clusterIP: '10.96.0.1', ports: [{ port: 80, appProtocol: 'http' }] });
      for (const round of rounds) {
        for (const { kind, name: own, spec } of round) scene.set(kind, own, spec);
        expect(plain(translateMesh(scene.objects, options, memory))).toEqual(
          plain(translateMesh(scene.objects, options)),
        );
      }
    }),
    { numRuns: 300 },
  );
});

it('a route that changes has no other one translated again', () => {
  const scene = new Scene();
  scene.set('Service', 'one', { clusterIP: '10.96.0.1', ports: [{ port: 80, appProtocol: 'http' }] });
  const spec = (path: string) => ({
    parentRefs: [{ group: '', kind: 'Service', name: 'one', port: 80 }],
    rules: [{ matches: [{ path: { type: 'PathPrefix', value: path } }], backendRefs: [{ name: 'one', port: 80 }] }],
  });
  for (const own of ['one', 'two', 'three']) scene.set('HTTPRoute', own, spec(`/${own}`));
  const memory = new MeshMemory<Translated | undefined>();
  const entries = (part: MeshPart) => [...part.virtualHosts.values()].flatMap(({ routes }) => routes);
  const before = entries(translateMesh(scene.objects, options, memory));
  scene.set('HTTPRoute', 'two', spec('/edited'));
  const after = entries(translateMesh(scene.objects, options, memory));
  expect(after.filter((entry) => !before.includes(entry)).map(({ path }) => path.value)).toEqual(['/edited']);
});
