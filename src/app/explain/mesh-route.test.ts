// Which route of the mesh is named for a connection: the client's own, else the Service's, else none.
// Knows objects only.
import type { Pod, Service } from 'kubernetes-types/core/v1.js';
import { expect, it } from 'vitest';
import type { HttpRoute } from '#kube/api/gateway/types.ts';
import { meshRouteOf } from './mesh-route.ts';

const service: Service = {
  metadata: { name: 'web', namespace: 'shop' },
  spec: {
    clusterIP: '10.96.0.5',
    ports: [
      { name: 'http', port: 80 },
      { name: 'tcp', port: 81 },
    ],
  },
};
const pod: Pod = { metadata: { name: 'a', namespace: 'app' }, status: { podIPs: [{ ip: '10.244.1.5' }] } };
const route = (name: string, namespace: string): HttpRoute => ({
  metadata: { name, namespace },
  spec: {
    parentRefs: [{ group: '', kind: 'Service', name: 'web', namespace: 'shop' }],
    rules: [{ backendRefs: [{ name: 'web', namespace: 'shop', port: 80 }] }],
  },
});
const ask = (port: string, from: string, httpRoutes: readonly HttpRoute[]): string | undefined =>
  meshRouteOf(port, from, { httpRoutes, grpcRoutes: [] }, (key) => (key === 'shop/web' ? service : undefined), [pod]);

it('names the route of the Service for clients without one of their own', () => {
  const routes = [route('theirs', 'shop'), route('ours', 'app')];
  expect(ask('shop/web:http', '10.244.1.5', routes)).toMatch(/httproute\/app\/ours, as routes of namespace "app"/);
  expect(ask('shop/web:http', '10.244.1.6', routes)).toMatch(/routed by httproute\/shop\/theirs$/);
});

it('names none where bytes are carried', () => {
  expect(ask('shop/web:http', '10.244.1.6', [route('ours', 'app')])).toBeUndefined();
  expect(ask('shop/web:tcp', '10.244.1.6', [route('theirs', 'shop')])).toBeUndefined();
  expect(ask('shop/web:http', '10.244.1.6', [])).toBeUndefined();
});
