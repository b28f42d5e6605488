// ServiceCIDRs and IPAddresses in both versions of their API: the same objects, each under the version asked for.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { at, startTestApi, type TestApi } from '../testing/api.ts';

const OLDER = '/apis/networking.k8s.io/v1beta1';
const NEWER = '/apis/networking.k8s.io/v1';

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(async () => {
  await api.close();
});

test('what is created as v1beta1 is there as v1, and the other way about', async () => {
  const body = { apiVersion: 'networking.k8s.io/v1beta1', kind: 'ServiceCIDR', metadata: { name: 'more' } };
  const spec = { cidrs: ['10.97.0.0/24'] };
  const { code, body: json } = await api.call('POST', `${OLDER}/servicecidrs`, { body: { ...body, spec } });
  expect(code).toBe(201);
  expect(at(json, 'apiVersion')).toBe('networking.k8s.io/v1beta1');
  const newer = await api.call('GET', `${NEWER}/servicecidrs/more`);
  expect([at(newer.body, 'apiVersion'), at(newer.body, 'spec', 'cidrs')]).toEqual(['networking.k8s.io/v1', spec.cidrs]);
  const older = await api.call('GET', `${OLDER}/servicecidrs/kubernetes`);
  expect([older.code, at(older.body, 'apiVersion')]).toEqual([200, 'networking.k8s.io/v1beta1']);
});

test('what is wrong is told alike', async () => {
  const body = { apiVersion: 'networking.k8s.io/v1beta1', kind: 'ServiceCIDR', metadata: { name: 'bad' } };
  const { code, body: json } = await api.call('POST', `${OLDER}/servicecidrs`, {
    body: { ...body, spec: { cidrs: [] } },
  });
  expect(code).toBe(422);
  expect(at(json, 'message')).toContain('spec.cidrs: Required value: at least one CIDR required');
});

test('clients learn of v1 first', async () => {
  const { body: json } = await api.call('GET', '/apis/networking.k8s.io');
  expect(at(json, 'preferredVersion', 'version')).toBe('v1');
  expect(at(json, 'versions', 1, 'version')).toBe('v1beta1');
});
