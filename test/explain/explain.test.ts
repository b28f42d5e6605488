// `evenkeel explain` against what really runs: the answer of the running gateway agrees with what requests then meet.
import { type AddressInfo, createServer } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { Gateways } from '#test/support/gateway.ts';
import { evenkeel } from '#test/support/run.ts';
import type { Explanation } from '#traffic/proxy/explain/explanation.ts';

const gateways = new Gateways();
afterEach(() => gateways.close());

async function ask(...args: string[]): Promise<Explanation> {
  const { code, stdout, stderr } = await evenkeel(['explain', ...args, '-o', 'json']);
  expect([code, stderr]).toEqual([0, '']);
  return JSON.parse(stdout) as Explanation;
}

test('the chances of a running gateway are those that requests have, and its load counts', async () => {
  const held: Array<() => void> = [];
  const backend = (name: string) =>
    gateways.backend((request, response) => {
      if (request.url === '/hold') held.push(() => response.end(name));
      else response.end(name);
    });
  const [heavy, light, canary] = [await backend('heavy'), await backend('light'), await backend('canary')];
  const place = (endpoint: string, weight: number): string => {
    const [address, port] = endpoint.split(':');
    return `{ address: ${address}, port: ${port}, weight: ${weight} }`;
  };
  const gateway = await gateways.start(
    `listeners:
  web: { address: 127.0.0.1, port: 0 }
virtualHosts:
  all:
    hostname: '*'
    routes:
      - { name: canary, path: /, headers: { x-canary: 'yes' }, action: canary }
      - { name: app, path: /, action: app }
clusters:
  app: { policy: weighted_round_robin, endpoints: [${place(heavy, 3)}, ${place(light, 1)}] }
  canary: { endpoints: ['${canary}'] }
`,
    ['--workers', '1'],
  );
  const [url, admin] = [gateway.url('web'), ['--admin', gateway.url('admin')]];
  const app = await ask(`${url}/x`, ...admin);
  expect(app).toMatchObject({ verdict: 'forwarded', listener: { name: 'web' }, route: { name: 'app' } });
  const chances = Object.fromEntries(app.backends[0]?.endpoints.map(({ key, chance }) => [key, chance]) ?? []);
  expect(chances).toEqual({ [heavy]: 0.75, [light]: 0.25 });
  const answers: string[] = [];
  for (let sent = 0; sent < 40; sent++) answers.push(await (await fetch(url)).text());
  expect(answers.filter((answer) => answer === 'heavy')).toHaveLength(30);

  const special = await ask(`${url}/x`, '-H', 'x-canary=yes', ...admin);
  expect(special.route?.name).toBe('canary');
  expect(await (await fetch(url, { headers: { 'x-canary': 'yes' } })).text()).toBe('canary');

  const waiting = fetch(`${url}/hold`, { headers: { 'x-canary': 'yes' } });
  try {
    await expect
      .poll(async () => (await ask(`${url}/`, '-H', 'x-canary: yes', ...admin)).backends[0]?.endpoints[0]?.inFlight, {
        timeout: 15_000,
      })
      .toBe(1);
  } finally {
    for (const release of held) release();
    await waiting;
  }
});

test('a request that goes nowhere is explained, and is no failure', async () => {
  const config = ['--config', 'examples/gateway/gateway.yaml'];
  const { code, stdout } = await evenkeel(['explain', 'http://127.0.0.1:9999/', ...config]);
  expect(code).toBe(0);
  expect(stdout).toContain('Nothing listens on port 9999.\nThere are: web (http, port 8080)');
});

test('without a gateway it ends with 1 and says what helps, and with 2 when it is asked nonsense', async () => {
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  const admin = `http://127.0.0.1:${(other.address() as AddressInfo).port}`;
  await new Promise((resolve) => other.close(resolve));
  const { code, stderr } = await evenkeel(['explain', 'http://127.0.0.1:8080/', '--admin', admin]);
  expect(code).toBe(1);
  expect(stderr).toContain(`No gateway answers at ${admin}: ECONNREFUSED\nStart one with "evenkeel gateway"`);
  expect(await evenkeel(['explain', 'nonsense://'])).toMatchObject({ code: 2 });
  expect(await evenkeel(['explain', 'http://a/', '-H', 'x'])).toMatchObject({ code: 2 });
  expect(await evenkeel(['explain', 'http://a/', '--config', '/nowhere'])).toMatchObject({ code: 2 });
});

test('the admin page answers the same question, and refuses one that it does not understand', async () => {
  const backend = await gateways.backend((_request, response) => response.end());
  const gateway = await gateways.start(`listeners: { web: { address: 127.0.0.1, port: 0 } }
virtualHosts: { all: { hostname: '*', routes: [{ action: app }] } }
clusters: { app: { endpoints: ['${backend}'] } }
`);
  const admin = `${gateway.url('admin')}/explain`;
  const good = await fetch(`${admin}?url=${encodeURIComponent(`${gateway.url('web')}/a?b=c&d=e`)}&header=x:y`);
  expect(await good.json()).toMatchObject({ verdict: 'forwarded', request: { path: '/a?b=c&d=e' } });
  const bad = await fetch(`${admin}?url=x:y:z`);
  expect([bad.status, await bad.text()]).toEqual([400, expect.stringContaining('is no http or https URL')]);
});

test('an endpoint that fails its checks has no chance, and the reason stands beside it', async () => {
  const good = await gateways.backend((_request, response) => response.end());
  const gateway = await gateways.start(`listeners: { web: { address: 127.0.0.1, port: 0 } }
virtualHosts: { all: { hostname: '*', routes: [{ action: app }] } }
clusters:
  app:
    policy: round_robin
    healthCheck: { type: tcp, interval: 100ms, timeout: 100ms, unhealthyThreshold: 1 }
    endpoints: ['${good}', '127.0.0.1:1']
`);
  const endpoints = async () => {
    const { backends } = await ask(gateway.url('web'), '--admin', gateway.url('admin'));
    return backends[0]?.endpoints.map(({ state, chance, reason }) => [state, chance, reason]);
  };
  await expect.poll(endpoints, { timeout: 15_000 }).toEqual([
    ['healthy', 1, ''],
    ['unhealthy', 0, 'Connection refused'],
  ]);
});

test('manifests are explained without a cluster, with the pods that they ask for', async () => {
  const args = ['explain', 'http://shop.local:8080/api/cart/items', '-f', 'examples/shop/k8s'];
  const { code, stdout, stderr } = await evenkeel(args);
  expect([code, stderr]).toEqual([0, '']);
  expect(stdout).toContain('Goes to cluster "shop/cart/http".');
  expect(stdout).toMatch(/\?:8080 +shop\/cart-1 +expected +1 +50.0%/);
});
