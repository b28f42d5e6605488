// Names of ExternalName Services: resolved again, kept while they cannot be, and never led inside the machine.
import type { Service } from 'kubernetes-types/core/v1.js';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { FakeClock } from '#lib/clock.ts';
import { ExternalNames } from './external-names.ts';

const service: Service = {
  metadata: { namespace: 'shop', name: 'api' },
  spec: { type: 'ExternalName', externalName: 'api.example', ports: [{ name: 'http', port: 80, targetPort: 8080 }] },
};

let clock: FakeClock;
let answer: readonly string[] | Error;
let names: ExternalNames;
let news: string[];

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const addresses = (): string[] =>
  names.slicesOf(service, 'shop/api').flatMap(({ endpoints = [] }) => endpoints.flatMap((one) => one.addresses));

beforeEach(async () => {
  clock = new FakeClock();
  answer = ['192.0.2.7'];
  news = [];
  const resolve = async () => {
    if (answer instanceof Error) throw answer;
    return answer;
  };
  names = new ExternalNames(clock, resolve, (key) => news.push(key));
  names.see('shop/api', service);
  await settled();
});
afterEach(() => names.stop());

it('has the addresses of the name, at the port that is meant', () => {
  expect(names.slicesOf(service, 'shop/api')).toMatchObject([
    { addressType: 'IPv4', ports: [{ name: 'http', port: 8080 }], endpoints: [{ addresses: ['192.0.2.7'] }] },
  ]);
  expect(news).toEqual(['shop/api']);
});

it('follows the name when it moves, and says nothing while it does not', async () => {
  clock.advance(5_000);
  await settled();
  expect(news).toHaveLength(1);
  answer = ['192.0.2.9', '2001:db8::9'];
  clock.advance(5_000);
  await settled();
  expect(addresses()).toEqual(['192.0.2.9', '2001:db8::9']);
  expect(news).toHaveLength(2);
});

it('keeps its last addresses while the name cannot be resolved, and tells of it', async () => {
  answer = Object.assign(new Error('not found'), { code: 'ENOTFOUND' });
  clock.advance(5_000);
  await settled();
  expect(addresses()).toEqual(['192.0.2.7']);
  expect(names.problems()).toMatchObject([
    {
      kind: 'Service',
      key: 'shop/api',
      message:
        'Name "api.example" cannot be resolved (ENOTFOUND): correct it or its DNS records; until then its last addresses are used',
    },
  ]);
  answer = ['192.0.2.7'];
  clock.advance(5_000);
  await settled();
  expect(names.problems()).toEqual([]);
});

it.each(['127.0.0.1', '169.254.169.254', '::1', '::ffff:127.0.0.1', 'fe80::1', '0.0.0.0'])(
  'never leads to %s',
  async (inside) => {
    answer = [inside, '192.0.2.8'];
    clock.advance(5_000);
    await settled();
    expect(addresses()).toEqual(['192.0.2.8']);
    expect(names.problems()[0]?.message).toContain(`leads to ${inside}, which is of the machine`);
  },
);

it('is forgotten with its Service', async () => {
  names.see('shop/api', undefined);
  clock.advance(5_000);
  await settled();
  expect(addresses()).toEqual([]);
});
