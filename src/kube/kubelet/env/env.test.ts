// Variables of containers: expansion, the downward API, ConfigMaps, Secrets and Services.
import fc from 'fast-check';
import type { Container, Pod, Service } from 'kubernetes-types/core/v1.js';
import { describe, expect, test } from 'vitest';
import { ContainerConfigError, containerEnv, type ObjectSource } from './container-env.ts';
import { expand } from './expansion.ts';
import { fieldValue, resourceValue } from './field-ref.ts';
import { serviceVariables } from './service-env.ts';

describe('expand()', () => {
  const values: Record<string, string> = { A: '1', B: '$(A)', EMPTY: '' };
  test.each([
    ['$(A)', '1'],
    ['x$(A)y$(A)', 'x1y1'],
    ['$(B)', '$(A)'],
    ['$(EMPTY)|', '|'],
    ['$(NONE)', '$(NONE)'],
    ['$$(A)', '$(A)'],
    ['$$$(A)', '$1'],
    ['$$$$(A)', '$$(A)'],
    ['$(A', '$(A'],
    ['$A $', '$A $'],
    ['$($(A))', '$($(A))'],
    ['$()', '$()'],
  ])('%s -> %s', (input, output) => {
    expect(expand(input, (name) => values[name])).toBe(output);
  });

  test('text without a dollar stays, and doubling every dollar keeps any text as it is', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(expand(text.replaceAll('$', '$$$$'), () => 'never')).toBe(text);
      }),
    );
  });
});

const service = (name: string, namespace: string, spec: Service['spec']): Service => ({
  metadata: { name, namespace },
  spec: spec ?? {},
});

describe('serviceVariables()', () => {
  const services = [
    service('my-db', 'shop', {
      clusterIP: '127.96.0.7',
      ports: [
        { name: 'sql-main', port: 5432 },
        { name: 'dns', port: 53, protocol: 'UDP' },
      ],
    }),
    service('headless', 'shop', { clusterIP: 'None', ports: [{ port: 1 }] }),
    service('other', 'elsewhere', { clusterIP: '127.96.0.8', ports: [{ port: 1 }] }),
    service('kubernetes', 'default', { clusterIP: '127.96.0.1', ports: [{ name: 'https', port: 443 }] }),
  ];

  test('names host, ports and links of Services in the namespace and of the API server', () => {
    expect(serviceVariables(services, 'shop', true)).toEqual({
      MY_DB_SERVICE_HOST: '127.96.0.7',
      MY_DB_SERVICE_PORT: '5432',
      MY_DB_SERVICE_PORT_SQL_MAIN: '5432',
      MY_DB_SERVICE_PORT_DNS: '53',
      MY_DB_PORT: 'tcp://127.96.0.7:5432',
      MY_DB_PORT_5432_TCP: 'tcp://127.96.0.7:5432',
      MY_DB_PORT_5432_TCP_PROTO: 'tcp',
      MY_DB_PORT_5432_TCP_PORT: '5432',
      MY_DB_PORT_5432_TCP_ADDR: '127.96.0.7',
      MY_DB_PORT_53_UDP: 'udp://127.96.0.7:53',
      MY_DB_PORT_53_UDP_PROTO: 'udp',
      MY_DB_PORT_53_UDP_PORT: '53',
      MY_DB_PORT_53_UDP_ADDR: '127.96.0.7',
      KUBERNETES_SERVICE_HOST: '127.96.0.1',
      KUBERNETES_SERVICE_PORT: '443',
      KUBERNETES_SERVICE_PORT_HTTPS: '443',
      KUBERNETES_PORT: 'tcp://127.96.0.1:443',
      KUBERNETES_PORT_443_TCP: 'tcp://127.96.0.1:443',
      KUBERNETES_PORT_443_TCP_PROTO: 'tcp',
      KUBERNETES_PORT_443_TCP_PORT: '443',
      KUBERNETES_PORT_443_TCP_ADDR: '127.96.0.1',
    });
  });

  test('without links only the API server is named', () => {
    const names = Object.keys(serviceVariables(services, 'shop', false));
    expect(names.every((name) => name.startsWith('KUBERNETES_'))).toBe(true);
  });
});

const facts = { podIps: ['127.244.0.2'], hostIps: ['127.0.0.1'], allocatable: { cpu: '4', memory: '1Gi' } };
const container: Container = {
  name: 'main',
  resources: { requests: { cpu: '250m', memory: '64Mi' }, limits: { memory: '100M' } },
};
const pod: Pod = {
  metadata: { name: 'p', namespace: 'shop', uid: 'u', labels: { 'a/b': 'x', c: 'y "z"' } },
  spec: { nodeName: 'n', containers: [container] },
};

describe('downward API', () => {
  test.each([
    ['metadata.name', 'p'],
    ["metadata.labels['a/b']", 'x'],
    ["metadata.annotations['none']", ''],
    ['metadata.labels', 'a/b="x"\nc="y \\"z\\""'],
    ['spec.nodeName', 'n'],
    ['spec.serviceAccountName', 'default'],
    ['status.podIP', '127.244.0.2'],
    ['status.hostIP', '127.0.0.1'],
  ])('%s is %s', (path, value) => {
    expect(fieldValue(pod, path, facts)).toBe(value);
  });

  test('an unknown field is refused by name', () => {
    expect(() => fieldValue(pod, 'status.phase', facts)).toThrow('unsupported fieldPath: status.phase');
  });

  test.each([
    ['requests.cpu', undefined, '1'],
    ['requests.cpu', '1m', '250'],
    ['limits.cpu', undefined, '4'],
    ['requests.memory', '1Mi', '64'],
    ['limits.memory', '1Mi', '96'],
    ['limits.memory', undefined, '100000000'],
    ['requests.ephemeral-storage', undefined, '0'],
  ])('%s by %s is %s', (resource, divisor, value) => {
    expect(resourceValue(container, { resource, ...(divisor === undefined ? {} : { divisor }) }, facts)).toBe(value);
  });
});

describe('containerEnv()', () => {
  const objects: ObjectSource = {
    configMap: async (_namespace, name) => (name === 'cm' ? { data: { color: 'red', shade: 'dark' } } : undefined),
    secret: async (_namespace, name) =>
      name === 'sec' ? { data: { token: Buffer.from('s3cret').toString('base64') } } : undefined,
  };
  const env = (extra: Partial<Container>) =>
    containerEnv({
      pod,
      container: { ...container, ...extra },
      facts,
      services: { DB_SERVICE_HOST: '127.96.0.7' },
      objects,
    });

  test('later sources win, earlier ones serve in expansion', async () => {
    const variables = await env({
      envFrom: [
        { prefix: 'CM_', configMapRef: { name: 'cm' } },
        { secretRef: { name: 'sec' } },
        { configMapRef: { name: 'no', optional: true } },
      ],
      env: [
        { name: 'CM_shade', value: 'light' },
        { name: 'URL', value: '$(CM_color)/$(CM_shade)/$(DB_SERVICE_HOST)/$(LATER)' },
        { name: 'LATER', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
        { name: 'GONE', valueFrom: { configMapKeyRef: { name: 'cm', key: 'none', optional: true } } },
        { name: 'CPU', valueFrom: { resourceFieldRef: { resource: 'requests.cpu', divisor: '1m' } } },
      ],
    });
    expect(variables).toEqual({
      DB_SERVICE_HOST: '127.96.0.7',
      CM_color: 'red',
      CM_shade: 'light',
      token: 's3cret',
      URL: 'red/light/127.96.0.7/$(LATER)',
      LATER: 'p',
      CPU: '250',
    });
  });

  test.each<[string, Partial<Container>]>([
    ['configmap "no" not found', { envFrom: [{ configMapRef: { name: 'no' } }] }],
    ['secret "no" not found', { env: [{ name: 'X', valueFrom: { secretKeyRef: { name: 'no', key: 'k' } } }] }],
    [
      "couldn't find key k in ConfigMap shop/cm",
      { env: [{ name: 'X', valueFrom: { configMapKeyRef: { name: 'cm', key: 'k' } } }] },
    ],
    [
      "couldn't find key k in Secret shop/sec",
      { env: [{ name: 'X', valueFrom: { secretKeyRef: { name: 'sec', key: 'k' } } }] },
    ],
  ])('fails with: %s', async (message, extra) => {
    await expect(env(extra)).rejects.toThrow(new ContainerConfigError(message));
  });
});
