// The shop as its customers meet it, over HTTP and HTTPS, while the cluster changes under a constant load.
import { readFileSync } from 'node:fs';
import { connect } from 'node:tls';
import type { EndpointSlice } from 'kubernetes-types/discovery/v1.js';
import type { Ingress } from 'kubernetes-types/networking/v1.js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { LoadReport } from '#app/load/report.ts';
import type { KubeObject } from '#kube/api/object.ts';
import { builtin } from '#kube/api/resources.ts';
import type { TestCluster } from '#test/support/cluster.ts';
import { eventually } from '#test/support/eventually.ts';
import { ask } from '#test/support/http.ts';
import { underLoad } from '#test/support/load.ts';
import { killPod, nameOf, podsOf, restart, rolledOut, scale, settled } from '#test/support/pods.ts';
import { evenkeel } from '#test/support/run.ts';
import { createAuthority } from '#traffic/identity/authority.ts';
import { services, startShop, turnKnobs } from './shop.ts';

let shop: TestCluster;
beforeAll(async () => {
  shop = await startShop();
}, 120_000);
afterAll(async () => {
  await shop?.remove();
}, 30_000);

const host = 'shop.local';

test('the page comes over HTTP and HTTPS, made of what all its services answer', async () => {
  const ca = readFileSync(shop.caFile, 'utf8');
  for (const url of [`${shop.http}/`, `${shop.https}/`]) {
    const { status, text, headers } = await ask(url, { host, ca });
    expect(status).toBe(200);
    expect(headers['x-evenkeel-endpoint']).toMatch(/^shop\/storefront-/);
    for (const service of ['storefront', 'catalog', 'cart'])
      expect(text).toMatch(new RegExp(`<code>${service}-[a-z0-9-]+</code>`));
    expect(text).toContain('Brass compass');
  }
});

test('host and path decide who answers', async () => {
  const catalog = await ask(`${shop.http}/api/catalog/products/mug`, { host });
  expect(catalog).toMatchObject({ status: 200, headers: { 'x-served-by': expect.stringMatching(/^catalog-/) } });
  expect((await ask(`${shop.http}/api/cart`, { host })).headers['x-served-by']).toMatch(/^cart-/);
  expect((await ask(`${shop.http}/`, { host: 'shop.localhost' })).status).toBe(200);
  expect((await ask(`${shop.http}/`, { host: 'elsewhere.example' })).status).toBe(404);
  expect((await ask(`${shop.http}/charges`, { host, method: 'POST', body: {} })).headers['x-served-by']).toMatch(
    /^storefront-/,
  );
});

test('a customer fills a cart and pays for it', async () => {
  const added = await ask(`${shop.http}/api/cart/items`, { host, method: 'POST', body: { sku: 'mug', quantity: 2 } });
  expect(JSON.parse(added.text)).toMatchObject({ totalCents: 2500 });
  const cookie = String(added.headers['set-cookie']?.[0]?.split(';')[0]);
  const order = await ask(`${shop.http}/api/checkout`, { host, method: 'POST', headers: { Cookie: cookie } });
  expect(order.status).toBe(201);
  expect(JSON.parse(order.text)).toMatchObject({ totalCents: 2500, charge: { cents: 2500 } });
  const unknown = await ask(`${shop.http}/api/cart/items`, { host, method: 'POST', body: { sku: 'kraken' } });
  expect(unknown).toMatchObject({ status: 404, text: expect.stringContaining('No product \\"kraken\\"') });
});

test('every Service spreads its requests over its pods', async () => {
  await Promise.all(services.map((service) => settled(shop, service, 2)));
  const seen = new Set<unknown>();
  for (let index = 0; index < 40; index++)
    seen.add((await ask(`${shop.http}/`, { host })).headers['x-evenkeel-endpoint']);
  expect(seen.size).toBe(2);
});

describe('under a constant load nothing fails', () => {
  // As many as this machine carries while nothing happens: what fails then is for want of CPU, and would hide the rest.
  let rate = 500;
  beforeAll(async () => {
    const carried = async (): Promise<boolean> => {
      const args = ['--host', host, '--rate', `${rate}`, '--duration', '4s', '--json'];
      const { stdout } = await evenkeel(['load', `${shop.http}/`, ...args]);
      const { failures, latencyMs } = JSON.parse(stdout) as LoadReport;
      return failures.length === 0 && latencyMs.p90 < 100;
    };
    while (rate > 50 && !(await carried())) rate = Math.round(rate / 2);
  }, 120_000);

  const load = (action: () => Promise<void>, args: readonly string[] = []): ReturnType<typeof underLoad> =>
    underLoad({ url: `${shop.http}/`, host, rate, args }, action);

  test('while a rolling restart runs', async () => {
    const before = (await podsOf(shop, 'storefront')).map(nameOf);
    const report = await load(async () => {
      await Promise.all([restart(shop, 'storefront'), restart(shop, 'cart')]);
      await Promise.all([rolledOut(shop, 'storefront'), rolledOut(shop, 'cart')]);
    });
    expect(report.failures).toEqual([]);
    expect(report.ok).toBe(report.requests);
    const after = (await podsOf(shop, 'storefront')).map(nameOf);
    expect(after.filter((name) => before.includes(name))).toEqual([]);
    for (const name of [...before, ...after]) expect(report.perPod[`shop/${name}`]).toBeGreaterThan(0);
  }, 180_000);

  test('while the Deployment scales from 2 to 6 and back', async () => {
    const report = await load(async () => {
      await scale(shop, 'storefront', 6);
      const pods = await settled(shop, 'storefront', 6);
      // Ready in the API is not yet known to the gateway: who goes before that has nothing to lose.
      await eventually('each of them has answered', async () => {
        const { text } = await ask(`${shop.admin}/metrics`);
        for (const pod of pods) {
          expect(text).toMatch(
            new RegExp(`^evenkeel_upstream_requests_total\\{.*endpoint="shop/${nameOf(pod)}",outcome="2xx"\\}`, 'm'),
          );
        }
      });
      await scale(shop, 'storefront', 2);
      await settled(shop, 'storefront', 2);
    });
    expect(report.failures).toEqual([]);
    expect(Object.keys(report.perPod)).toHaveLength(6);
  }, 180_000);

  test('while pods are killed one after another', async () => {
    const report = await load(async () => {
      for (const service of ['storefront', 'catalog', 'cart']) {
        const [victim] = await settled(shop, service, 2);
        if (victim === undefined) throw new Error(`No pod of ${service}`);
        const restarts = victim.status?.containerStatuses?.[0]?.restartCount ?? 0;
        killPod(victim);
        await eventually(`${nameOf(victim)} is started again`, async () => {
          const [pod] = (await podsOf(shop, service)).filter((candidate) => nameOf(candidate) === nameOf(victim));
          expect(pod?.status?.containerStatuses?.[0]?.restartCount).toBeGreaterThan(restarts);
        });
        await settled(shop, service, 2);
      }
    });
    expect(report.failures).toEqual([]);
  }, 180_000);

  test('while readiness of a pod goes false and true', async () => {
    const report = await load(async () => {
      const [pod] = await settled(shop, 'storefront', 2);
      if (pod === undefined) throw new Error('No pod of storefront');
      for (const ready of [false, true]) {
        await turnKnobs(pod, { ready });
        await eventually(`the endpoint is ready: ${ready}`, async () => {
          const slices = await shop.list<EndpointSlice & KubeObject>(
            'EndpointSlice',
            'shop',
            'kubernetes.io/service-name=storefront',
          );
          const endpoint = slices
            .flatMap(({ endpoints }) => endpoints)
            .find(({ targetRef }) => targetRef?.name === nameOf(pod));
          expect(endpoint?.conditions?.ready).toBe(ready);
        });
      }
    });
    expect(report.failures).toEqual([]);
  }, 180_000);

  test('while the Ingress is edited back and forth', async () => {
    const original = await shop.get<Ingress & KubeObject>('Ingress', 'shop', 'shop');
    const [first, ...others] = original.spec?.rules ?? [];
    if (first === undefined) throw new Error('The Ingress has no rules');
    const backend = { service: { name: 'catalog', port: { name: 'http' } } };
    const added = { path: '/new', pathType: 'Prefix', backend };
    const edited = { ...first, http: { paths: [added, ...(first.http?.paths ?? [])].reverse() } };
    const report = await load(async () => {
      for (let round = 0; round < 5; round++) {
        for (const [rule, service] of [
          [edited, 'catalog'],
          [first, 'storefront'],
        ] as const) {
          await shop.client.patch(builtin('Ingress'), 'shop', 'shop', 'merge', { spec: { rules: [rule, ...others] } });
          await eventually(`${service} answers below /new`, async () => {
            const { headers } = await ask(`${shop.http}/new`, { host });
            expect(headers['x-served-by']).toMatch(new RegExp(`^${service}-`));
          });
        }
      }
    });
    expect(report.failures).toEqual([]);
    expect((await shop.get<Ingress & KubeObject>('Ingress', 'shop', 'shop')).spec?.rules).toEqual(original.spec?.rules);
  }, 180_000);

  test('while the certificate is replaced, and the new one is what clients get', async () => {
    const authority = await createAuthority({ commonName: 'Another authority' });
    const { certPem, keyPem } = await authority.issue({ commonName: host, dnsNames: [host] });
    const data = {
      'tls.crt': Buffer.from(certPem).toString('base64'),
      'tls.key': Buffer.from(keyPem).toString('base64'),
    };
    const report = await underLoad({ url: `${shop.https}/`, host, rate: 200, args: ['--insecure'] }, async () => {
      await shop.client.patch(builtin('Secret'), 'shop-tls', 'shop', 'merge', { data });
      await eventually('the new certificate is served', async () => {
        expect(await servedIssuer(shop.https)).toBe('Another authority');
      });
    });
    expect(report.failures).toEqual([]);
    expect((await ask(`${shop.https}/`, { host, ca: authority.certPem })).status).toBe(200);
  }, 180_000);
});

/** Who signed the certificate that a new connection is shown. */
function servedIssuer(url: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({
      port: Number(new URL(url).port),
      host: '127.0.0.1',
      servername: host,
      rejectUnauthorized: false,
    });
    socket.once('secureConnect', () => {
      resolve(String(socket.getPeerCertificate().issuer.CN));
      socket.destroy();
    });
    socket.once('error', reject);
  });
}
