// Limits of the configuration file against real requests, and what `explain` says of them from the file alone.
import { afterEach, expect, test } from 'vitest';
import { Gateways } from '#test/support/gateway.ts';
import { evenkeel } from '#test/support/run.ts';

const gateways = new Gateways();
afterEach(() => gateways.close());

test('a head that is longer than the file allows is refused, and explained so', async () => {
  const gateway = await gateways.start(`listeners:
  web: { address: 127.0.0.1, port: 0 }
limits: { head: 2KiB, body: 10 }
virtualHosts:
  all: { hostname: '*', routes: [{ action: app }] }
clusters:
  app: { endpoints: ['${await gateways.backend((_, response) => response.end('ok'))}'] }
`);
  const url = gateway.url('web');
  const long = { 'x-long': 'a'.repeat(3_000) };
  expect((await fetch(url)).status).toBe(200);
  expect((await fetch(url, { headers: long })).status).toBe(431);
  expect((await fetch(url, { method: 'POST', body: 'more than ten' })).status).toBe(413);
  const { stdout } = await evenkeel([
    'explain',
    'http://a.test/',
    '--listener',
    'web',
    '-H',
    `x-long: ${long['x-long']}`,
    '--config',
    gateway.file,
  ]);
  expect(stdout).toContain('Refused with 431');
});
