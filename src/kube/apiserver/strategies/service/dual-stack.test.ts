// IP families of Services over HTTP: what a cluster of one and of two families gives, and what it refuses.
// Knows the server by its URL only.
import { afterEach, describe, expect, it } from 'vitest';
import { at, type Json, service, startTestApi, type TestApi } from '../../testing/api.ts';
import { IpPool } from './ip-pool.ts';
import { IpPools } from './ip-pools.ts';

const SERVICES = '/api/v1/namespaces/default/services';
const BOTH = '127.96.0.0/29,fd00:96::/125';

const open: TestApi[] = [];
afterEach(async () => {
  for (const api of open.splice(0)) await api.close();
});

async function cluster(serviceCidr: string) {
  const api = await startTestApi({ serviceCidr });
  open.push(api);
  const create = (name: string, spec?: Json) => api.call('POST', SERVICES, { body: service(name, spec) });
  const patch = (name: string, spec: Json) =>
    api.call('PATCH', `${SERVICES}/${name}`, { body: { spec }, type: 'application/merge-patch+json' });
  const put = (name: string, spec?: Json) => api.call('PUT', `${SERVICES}/${name}`, { body: service(name, spec) });
  return { create, patch, put };
}

const families = (body: Json): unknown[] => [at(body, 'spec', 'ipFamilyPolicy'), at(body, 'spec', 'ipFamilies')];
const ips = (body: Json): string[] => (at(body, 'spec', 'clusterIPs') as string[] | undefined) ?? [];
const V4 = expect.stringMatching(/^127\.96\.0\.\d$/);
const V6 = expect.stringMatching(/^fd00:96::\d$/);

describe('a cluster of both families', () => {
  it('gives one address unless more are asked for, and the second where they are', async () => {
    const { create } = await cluster(BOTH);
    const plain = await create('plain');
    expect(families(plain.body)).toEqual(['SingleStack', ['IPv4']]);
    expect(ips(plain.body)).toEqual([V4]);
    const six = await create('six', { ipFamilies: ['IPv6'] });
    expect(families(six.body)).toEqual(['SingleStack', ['IPv6']]);
    expect(ips(six.body)).toEqual([V6]);
    expect(at(six.body, 'spec', 'clusterIP')).toBe(ips(six.body)[0]);
    for (const policy of ['PreferDualStack', 'RequireDualStack']) {
      const both = await create(policy.toLowerCase(), { ipFamilyPolicy: policy });
      expect(families(both.body)).toEqual([policy, ['IPv4', 'IPv6']]);
      expect(ips(both.body)).toEqual([V4, V6]);
    }
    const turned = await create('turned', { ipFamilyPolicy: 'PreferDualStack', ipFamilies: ['IPv6'] });
    expect(families(turned.body)).toEqual(['PreferDualStack', ['IPv6', 'IPv4']]);
    expect(ips(turned.body)).toEqual([V6, V4]);
  });

  it('takes addresses that are named, and reads their families', async () => {
    const { create } = await cluster(BOTH);
    const one = await create('one', { clusterIP: 'fd00:96::5' });
    expect([...families(one.body), ...ips(one.body)]).toEqual(['SingleStack', ['IPv6'], 'fd00:96::5']);
    const both = await create('both', { clusterIPs: ['127.96.0.4', 'fd00:96::4'], ipFamilyPolicy: 'RequireDualStack' });
    expect(families(both.body)).toEqual(['RequireDualStack', ['IPv4', 'IPv6']]);
    const taken = await create('taken', { clusterIP: 'fd00:96:0::5' });
    expect(taken.body.message).toContain('failed to allocate IP fd00:96:0::5: provided IP is already allocated');
    const outside = await create('outside', { clusterIP: 'fd00:97::5' });
    expect(outside.body.message).toContain('the provided network does not match the current range (fd00:96::/125)');
  });

  it('refuses what contradicts itself, in upstream’s words', async () => {
    const { create } = await cluster(BOTH);
    const message = async (spec: Json): Promise<unknown> => (await create('x', spec)).body.message;
    expect(await message({ clusterIPs: ['127.96.0.4', 'fd00:96::4'] })).toBe(
      'Service "x" is invalid: spec.ipFamilyPolicy: Invalid value: "SingleStack": must be \'RequireDualStack\' or \'PreferDualStack\' when multiple cluster IPs are specified',
    );
    expect(await message({ ipFamilies: ['IPv4', 'IPv6'], ipFamilyPolicy: 'SingleStack' })).toContain(
      'when multiple IP families are specified',
    );
    expect(await message({ clusterIP: '127.96.0.4', ipFamilies: ['IPv6'] })).toContain(
      'expected an IPv6 value as indicated by `ipFamilies[0]`',
    );
    expect(await message({ clusterIPs: ['127.96.0.4', '127.96.0.5'], ipFamilyPolicy: 'RequireDualStack' })).toContain(
      'may specify no more than one IP for each IP family',
    );
  });

  it('gives a Service its second address when it asks for it later, and takes it back', async () => {
    const { create, patch, put } = await cluster(BOTH);
    const [first] = ips((await create('web')).body);
    const up = await patch('web', { ipFamilyPolicy: 'RequireDualStack' });
    expect(ips(up.body)).toEqual([first, V6]);
    const second = ips(up.body)[1];
    // What is left out of an update stays.
    expect(ips((await put('web')).body)).toEqual([first, second]);
    const reduced = await patch('web', { clusterIPs: [first] });
    expect(reduced.body.message).toContain("must be 'SingleStack' to release the secondary cluster IP");
    const other = second === 'fd00:96::6' ? 'fd00:96::5' : 'fd00:96::6';
    const moved = await patch('web', { clusterIPs: [first, other] });
    expect(moved.body.message).toContain('may not change once set');
    const turned = await patch('web', { ipFamilies: ['IPv6', 'IPv4'] });
    expect(turned.code).toBe(422);
    const down = await patch('web', { ipFamilyPolicy: 'SingleStack' });
    expect([...families(down.body), ...ips(down.body)]).toEqual(['SingleStack', ['IPv4'], first]);
    expect((await create('again', { clusterIP: second })).code).toBe(201);
  });

  it('loses none to a refusal', async () => {
    const { create } = await cluster(BOTH);
    for (let i = 0; i < 10; i++) {
      const refused = await create('x', {
        ipFamilyPolicy: 'RequireDualStack',
        type: 'NodePort',
        ports: [{ port: 1, nodePort: 1 }],
      });
      expect(refused.code).toBe(422);
    }
    for (let i = 0; i < 5; i++) expect((await create(`s${i}`, { ipFamilyPolicy: 'RequireDualStack' })).code).toBe(201);
    expect((await create('one-more', { ipFamilies: ['IPv6'] })).code).toBe(201);
    expect((await create('full', { ipFamilies: ['IPv6'] })).body.message).toContain('range is full (fd00:96::/125)');
  });
});

describe('a cluster of one family', () => {
  it('prefers what it can, requires nothing it cannot', async () => {
    const { create, patch } = await cluster('127.96.0.0/29');
    const prefers = await create('prefers', { ipFamilyPolicy: 'PreferDualStack' });
    expect(families(prefers.body)).toEqual(['PreferDualStack', ['IPv4']]);
    expect((await patch('prefers', { selector: { app: 'b' } })).code).toBe(200);
    expect((await create('requires', { ipFamilyPolicy: 'RequireDualStack' })).body.message).toBe(
      'Service "requires" is invalid: spec.ipFamilyPolicy: Invalid value: "RequireDualStack": this cluster is not configured for dual-stack services',
    );
    expect((await create('six', { ipFamilies: ['IPv6'] })).body.message).toBe(
      'Service "six" is invalid: spec.ipFamilies[0]: Invalid value: "IPv6": not configured on this cluster',
    );
    expect((await create('named', { clusterIP: 'fd00:96::5' })).body.message).toContain(
      'spec.clusterIPs[0]: Invalid value: ["fd00:96::5"]: IPv6 is not configured on this cluster',
    );
  });

  it('of IPv6 gives IPv6', async () => {
    const { create } = await cluster('fd00:96::/112');
    const plain = await create('plain');
    expect(families(plain.body)).toEqual(['SingleStack', ['IPv6']]);
    expect(ips(plain.body)[0]).toMatch(/^fd00:96::[0-9a-f]+$/);
  });

  it('lets a headless Service have both: without a selector by default, with one never', async () => {
    const { create } = await cluster('127.96.0.0/29');
    const bare = await create('bare', { clusterIP: 'None', selector: undefined });
    expect(families(bare.body)).toEqual(['RequireDualStack', ['IPv4', 'IPv6']]);
    expect(ips(bare.body)).toEqual(['None']);
    const selecting = await create('selecting', { clusterIP: 'None', selector: { app: 'a' } });
    expect(families(selecting.body)).toEqual(['SingleStack', ['IPv4']]);
  });
});

describe('a Service range', () => {
  it('is one, or one of each family', () => {
    for (const wrong of [
      '',
      '10.96.0.0',
      '10.96.0.0/31',
      'fd00::/127',
      'fd00::/48',
      '10.0.0.0/16,10.1.0.0/16',
      '10.0.0.0/16,fd00::/112,fd01::/112',
    ]) {
      expect(() => new IpPools(wrong, Math.random), wrong).toThrow(/Write/);
    }
    expect(new IpPools('fd00::/112, 10.96.0.0/16', Math.random).families).toEqual(['IPv6', 'IPv4']);
  });

  it('knows an address however it is spelled', () => {
    const pool = new IpPool('fd00:96::ff/112', () => 0);
    expect(pool.first()).toBe('fd00:96::1');
    expect(pool.reserve('fd00:0096:0000::A')).toBe('reserved');
    expect(pool.reserve('fd00:96::a')).toBe('taken');
    expect(pool.reserve('fd00:96::')).toBe('edge');
    expect(pool.reserve('fd00:96::ffff')).toBe('edge');
    expect(pool.next()).toBe('fd00:96::101');
  });
});
