// Who is told something when one object of many changes: those whose status is another now, and nobody else.
// Objects stand in a map; the translation is the real one.
import { expect, it } from 'vitest';
import { type KubeObject, objectKey } from '#kube/api/object.ts';
import { objectsOf, readAuthorities, readCertificate } from './testing.ts';
import { GatewayTranslator } from './translator.ts';

const ROUTES = 1000;
const SETS = 100;

const listener = { name: 'http', protocol: 'HTTP', port: 80, allowedRoutes: { namespaces: { from: 'All' } } };

function route(at: number, path = '/'): KubeObject {
  const parent = at % 2 === 0 ? { name: 'front' } : { kind: 'ListenerSet', name: `set-${at % SETS}` };
  const rules = [
    { matches: [{ path: { type: 'PathPrefix', value: path } }], backendRefs: [{ name: 'web', port: 80 }] },
  ];
  const hostnames = at % 2 === 0 ? [`h${at}.example`] : [`a.set-${at % SETS}.test`];
  const metadata = { name: `route-${at}`, namespace: 'default', generation: path.length };
  return { kind: 'HTTPRoute', metadata, spec: { parentRefs: [parent], hostnames, rules } } as KubeObject;
}

function set(at: number, hostname = `*.set-${at}.test`): KubeObject {
  const metadata = { name: `set-${at}`, namespace: 'default', generation: hostname.length };
  const spec = { parentRef: { name: 'front' }, listeners: [{ ...listener, hostname }] };
  return { kind: 'ListenerSet', metadata, spec } as KubeObject;
}

const world = [
  { kind: 'GatewayClass', metadata: { name: 'evenkeel' }, spec: { controllerName: 'evenkeel.dev/gateway-controller' } },
  { kind: 'Service', metadata: { name: 'web' }, spec: { ports: [{ port: 80 }] } },
  {
    kind: 'Gateway',
    metadata: { name: 'front' },
    spec: {
      gatewayClassName: 'evenkeel',
      allowedListeners: { namespaces: { from: 'All' } },
      listeners: [listener],
    },
  },
  ...Array.from({ length: SETS }, (_, at) => set(at)),
  ...Array.from({ length: ROUTES }, (_, at) => route(at)),
] as readonly unknown[] as readonly KubeObject[];

it('one change among a thousand routes and a hundred sets is told to whom it concerns', () => {
  const objects = new Map(world.map((object) => [`${object.kind} ${object.metadata?.name}`, object]));
  const translator = new GatewayTranslator({ readCertificate, readAuthorities });
  translator.update(objectsOf([...objects.values()]));
  const told = (object: KubeObject, isGone = false): readonly string[] => {
    const id = `${object.kind} ${object.metadata?.name}`;
    if (isGone) objects.delete(id);
    else objects.set(id, object);
    const key = `default/${objectKey(object).split('/').at(-1)}`;
    const { tellings } = translator.update(objectsOf([...objects.values()]), [{ kind: object.kind ?? '', key }]);
    return [...tellings.keys()].sort();
  };
  expect(told(route(10, '/edited'))).toEqual(['HTTPRoute default/route-10']);
  expect(told(route(2000))).toEqual(['Gateway default/front', 'HTTPRoute default/route-2000']);
  expect(told(route(2001))).toEqual(['HTTPRoute default/route-2001', 'ListenerSet default/set-1']);
  expect(told(route(2000), true)).toEqual(['Gateway default/front', 'HTTPRoute default/route-2000']);
  expect(told(set(500))).toEqual(['Gateway default/front', 'ListenerSet default/set-500']);
  // Ten routes are on this one.
  const again = told(set(7, '*.other.test'));
  expect(again.filter((id) => !id.startsWith('HTTPRoute '))).toEqual([
    'Gateway default/front',
    'ListenerSet default/set-7',
  ]);
  expect(again.filter((id) => id.startsWith('HTTPRoute '))).toHaveLength(ROUTES / SETS);
});
