// Which names containers can look up, from Services and their endpoints.
import type { Service } from 'kubernetes-types/core/v1.js';
import type { Endpoint, EndpointSlice } from 'kubernetes-types/discovery/v1.js';
import { expect, test } from 'vitest';
import { clusterNames } from './names-file.ts';

const service = (name: string, spec: Service['spec']): Service => ({
  metadata: { name, namespace: 'shop' },
  spec: spec ?? {},
});

const slices =
  (...endpoints: Endpoint[]) =>
  (): EndpointSlice[] => [{ addressType: 'IPv4', endpoints, ports: [] }];

test('a Service has its virtual address; one without an address yet has no name', () => {
  const services = [service('web', { clusterIP: '127.96.0.5' }), service('new', {})];
  expect(clusterNames(services, slices())).toEqual({ 'web.shop': ['127.96.0.5'] });
});

test('a headless Service has its ready endpoints, and those with a host name have their own', () => {
  const headless = service('db', { clusterIP: 'None' });
  const endpoints: Endpoint[] = [
    { addresses: ['127.244.0.2'], hostname: 'db-0', conditions: { ready: true } },
    { addresses: ['127.244.0.3'], conditions: {} },
    { addresses: ['127.244.0.4'], hostname: 'db-2', conditions: { ready: false } },
  ];
  expect(clusterNames([headless], slices(...endpoints))).toEqual({
    'db.shop': ['127.244.0.2', '127.244.0.3'],
    'db-0.db.shop': ['127.244.0.2'],
  });
  const all = service('db', { clusterIP: 'None', publishNotReadyAddresses: true });
  expect(clusterNames([all], slices(...endpoints))['db-2.db.shop']).toEqual(['127.244.0.4']);
});
