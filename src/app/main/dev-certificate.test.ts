// Development certificates against a real API server: made where one is missing, never in place of somebody's own.
import { X509Certificate } from 'node:crypto';
import type { Secret } from 'kubernetes-types/core/v1.js';
import type { Ingress } from 'kubernetes-types/networking/v1.js';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { KubeObject } from '#kube/api/object.ts';
import { builtin } from '#kube/api/resources.ts';
import { startTestServer, type TestServer } from '#kube/apiserver/testing.ts';
import type { Client } from '#kube/client/client.ts';
import { createInformers, type Informers } from '#kube/client/informer.ts';
import { createClient } from '#kube/client/rest-client.ts';
import { systemClock } from '#lib/clock.ts';
import { silentLogger } from '#lib/log.ts';
import { type Authority, createAuthority } from '#traffic/identity/authority.ts';
import { startDevCertificates } from './dev-certificate.ts';

let server: TestServer;
let client: Client;
let informers: Informers;
let authority: Authority;
let controller: { stop(): Promise<void> };

beforeEach(async () => {
  [server, authority] = await Promise.all([startTestServer(), createAuthority({ commonName: 'Local' })]);
  client = createClient({ server: server.url, caPem: server.caPem, token: server.adminToken });
  informers = createInformers(client, { log: silentLogger, clock: systemClock });
  controller = startDevCertificates({
    client,
    informers,
    authority,
    ingressClass: 'evenkeel',
    clock: systemClock,
    log: silentLogger,
  });
  informers.start();
});
afterEach(async () => {
  await controller.stop();
  await informers.stop();
  await client.close();
  await server.close();
});

function ingress(name: string, hosts: string[], ingressClassName = 'evenkeel'): Ingress & KubeObject {
  const backend = { service: { name, port: { number: 80 } } };
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    metadata: { name, namespace: 'default' },
    spec: {
      ingressClassName,
      tls: [{ hosts, secretName: name }],
      rules: hosts.map((host) => ({ host, http: { paths: [{ path: '/', pathType: 'Prefix', backend }] } })),
    },
  };
}

/** Resolves with the Secret as soon as it satisfies `accept`. */
function secret(name: string, accept: (found: Secret) => boolean = () => true): Promise<Secret> {
  const { promise, resolve } = Promise.withResolvers<Secret>();
  const stop = informers.of<Secret & KubeObject>(builtin('Secret')).onChange((key, now) => {
    if (key === `default/${name}` && now !== undefined && accept(now)) resolve(now);
  });
  return promise.finally(() => stop());
}

function certificateOf({ data }: Secret): X509Certificate {
  return new X509Certificate(Buffer.from(data?.['tls.crt'] ?? '', 'base64'));
}

test('a missing certificate is made for the hosts of the Ingress, and made anew when they change or it is deleted', async () => {
  await client.create(builtin('Ingress'), ingress('web', ['a.test']));
  const first = await secret('web');
  expect(first.type).toBe('kubernetes.io/tls');
  expect(certificateOf(first).checkHost('a.test')).toBe('a.test');
  expect(certificateOf(first).verify(new X509Certificate(authority.certPem).publicKey)).toBe(true);

  const tls = [{ hosts: ['a.test', 'b.test'], secretName: 'web' }];
  await client.patch(builtin('Ingress'), 'web', 'default', 'merge', { spec: { tls } });
  const second = await secret('web', (found) => certificateOf(found).checkHost('b.test') !== undefined);

  await client.delete(builtin('Secret'), 'web', 'default');
  const third = await secret('web', ({ metadata }) => metadata?.uid !== second.metadata?.uid);
  expect(certificateOf(third).checkHost('b.test')).toBe('b.test');
});

test('a Secret of somebody else stays as it is, also where it was ours before', async () => {
  const other = await createAuthority({ commonName: 'Somebody else' });
  const { certPem, keyPem } = await other.issue({ commonName: 'theirs', dnsNames: ['theirs.test'] });
  const data = {
    'tls.crt': Buffer.from(certPem).toString('base64'),
    'tls.key': Buffer.from(keyPem).toString('base64'),
  };
  await client.create(builtin('Ingress'), ingress('web', ['a.test']));
  await secret('web');
  await client.patch(builtin('Secret'), 'web', 'default', 'merge', { data });
  await client.patch(builtin('Ingress'), 'web', 'default', 'merge', { metadata: { labels: { touched: 'yes' } } });
  // Reconciled one after another: once the later one has its Secret, the one before has been looked at.
  await client.create(builtin('Ingress'), ingress('later', ['later.test']));
  await secret('later');
  expect((await client.get<Secret>(builtin('Secret'), 'web', 'default')).data?.['tls.crt']).toBe(data['tls.crt']);
});

test('Ingresses of another class get nothing', async () => {
  await client.create(builtin('Ingress'), ingress('foreign', ['a.test'], 'nginx'));
  await client.create(builtin('Ingress'), ingress('later', ['later.test']));
  await secret('later');
  await expect(client.get(builtin('Secret'), 'foreign', 'default')).rejects.toMatchObject({ code: 404 });
});
