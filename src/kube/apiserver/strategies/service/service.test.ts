// Service addresses and ports over HTTP: allocation, conflicts, release, changes of type, dry run, restart.
// Knows the server by its URL only.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createMemoryStore } from '#kube/store/memory/index.ts';
import { at, type Json, service, startTestApi, type TestApi } from '../../testing/api.ts';

const SERVICES = '/api/v1/namespaces/default/services';
const small = { serviceCidr: '127.96.0.0/29', nodePortRange: { from: 30000, to: 30003 } };

let api: TestApi;
beforeEach(async () => {
  api = await startTestApi(small);
});
afterEach(() => api.close());

const create = (name: string, spec?: Json) => api.call('POST', SERVICES, { body: service(name, spec) });
const nodePort = (body: Json, index = 0): unknown => at(body, 'spec', 'ports', index, 'nodePort');
const patch = (name: string, spec: Json) =>
  api.call('PATCH', `${SERVICES}/${name}`, { body: { spec }, type: 'application/merge-patch+json' });

describe('cluster IPs', () => {
  it('are given out, each once, until there are none, and again after release', async () => {
    const given = new Set<unknown>();
    for (let index = 0; index < 5; index++) {
      const { code, body } = await create(`s${index}`);
      expect(code).toBe(201);
      expect(at(body, 'spec', 'clusterIPs')).toEqual([at(body, 'spec', 'clusterIP')]);
      expect(body.spec).toMatchObject({ ipFamilies: ['IPv4'], ipFamilyPolicy: 'SingleStack' });
      given.add(at(body, 'spec', 'clusterIP'));
    }
    expect(given.size).toBe(5);
    expect(given).not.toContain('127.96.0.1');
    const full = await create('one-more');
    expect(full.code).toBe(500);
    expect(full.body.message).toContain('range is full');
    await api.ok('DELETE', `${SERVICES}/s2`);
    expect((await create('one-more')).code).toBe(201);
  });

  it('may be asked for, once and within the range', async () => {
    expect((await create('asked', { clusterIP: '127.96.0.5' })).code).toBe(201);
    const taken = await create('again', { clusterIP: '127.96.0.5' });
    expect(taken.code).toBe(422);
    expect(taken.body.message).toBe(
      'Service "again" is invalid: spec.clusterIPs: Invalid value: ["127.96.0.5"]: failed to allocate IP 127.96.0.5: provided IP is already allocated',
    );
    const outside = await create('outside', { clusterIP: '10.0.0.1' });
    expect(outside.body.message).toContain(
      'failed to allocate IP 10.0.0.1: the provided network does not match the current range (127.96.0.0/29)',
    );
    expect((await create('edge', { clusterIP: '127.96.0.7' })).body.message).toContain(
      'the provided IP (127.96.0.7) is not in the valid range. The range of valid IPs is 127.96.0.0/29',
    );
    expect((await create('own', { clusterIP: '127.96.0.1' })).code).toBe(422);
  });

  it('are kept by updates that leave them out', async () => {
    const { body } = await create('kept');
    const updated = await api.ok('PUT', `${SERVICES}/kept`, { body: service('kept', { ports: [{ port: 81 }] }) });
    expect(at(updated, 'spec', 'clusterIP')).toBe(at(body, 'spec', 'clusterIP'));
  });

  it('are not for headless and ExternalName Services', async () => {
    const headless = await create('headless', { clusterIP: 'None' });
    expect(at(headless.body, 'spec', 'clusterIPs')).toEqual(['None']);
    const external = await create('external', { type: 'ExternalName', externalName: 'example.com', ports: undefined });
    expect(external.code).toBe(201);
    expect(external.body.spec).not.toHaveProperty('clusterIP');
    const back = await patch('external', { type: 'ClusterIP', externalName: null, ports: [{ port: 80 }] });
    expect(back.code).toBe(200);
    expect(at(back.body, 'spec', 'clusterIP')).toMatch(/^127\.96\.0\./);
  });

  it('are not lost to a dry run or to a write that is refused', async () => {
    for (let index = 0; index < 10; index++) {
      await api.ok('POST', `${SERVICES}?dryRun=All`, { body: service('dry') });
      expect((await create('bad', { type: 'NodePort', ports: [{ port: 80, nodePort: 80 }] })).code).toBe(422);
    }
    for (let index = 0; index < 5; index++) expect((await create(`real${index}`)).code).toBe(201);
  });
});

describe('node ports', () => {
  it('are given out within their range, or as asked for', async () => {
    const { body } = await create('np', { type: 'NodePort', ports: [{ port: 80, nodePort: 30002 }] });
    expect(nodePort(body)).toBe(30002);
    const taken = await create('clash', { type: 'NodePort', ports: [{ port: 80, nodePort: 30002 }] });
    expect(taken.code).toBe(422);
    expect(taken.body.message).toBe(
      'Service "clash" is invalid: spec.ports[0].nodePort: Invalid value: 30002: provided port is already allocated',
    );
    const outside = await create('outside', { type: 'NodePort', ports: [{ port: 80, nodePort: 80 }] });
    expect(outside.body.message).toBe(
      'Service "outside" is invalid: spec.ports[0].nodePort: Invalid value: 80: provided port is not in the valid range. The range of valid ports is 30000-30003',
    );
    const three = await create('rest', {
      type: 'NodePort',
      ports: [
        { name: 'a', port: 1 },
        { name: 'b', port: 2 },
        { name: 'c', port: 3 },
      ],
    });
    expect(new Set([0, 1, 2].map((index) => nodePort(three.body, index)))).toEqual(new Set([30000, 30001, 30003]));
    expect((await create('full', { type: 'NodePort' })).body.message).toContain('range is full');
  });

  it('are shared by the protocols of one port', async () => {
    const { body } = await create('dns', {
      type: 'NodePort',
      ports: [
        { name: 'udp', port: 53, protocol: 'UDP' },
        { name: 'tcp', port: 53, protocol: 'TCP' },
      ],
    });
    expect(nodePort(body, 1)).toBe(nodePort(body, 0));
  });

  it('come and go with the type', async () => {
    await create('changes');
    const exposed = await patch('changes', { type: 'NodePort' });
    const port = nodePort(exposed.body);
    expect(port).toBeGreaterThanOrEqual(30000);
    const kept = await patch('changes', { type: 'LoadBalancer' });
    expect(nodePort(kept.body)).toBe(port);
    const inner = await patch('changes', { type: 'ClusterIP' });
    expect(nodePort(inner.body)).toBeUndefined();
    expect(inner.body.spec).not.toHaveProperty('externalTrafficPolicy');
    expect((await create('takes-it', { type: 'NodePort', ports: [{ port: 80, nodePort: port }] })).code).toBe(201);
  });

  it('are not given to a LoadBalancer that wants none, unless it asks for one', async () => {
    const without = { type: 'LoadBalancer', allocateLoadBalancerNodePorts: false };
    expect(nodePort((await create('without', without)).body)).toBeUndefined();
    const asked = await create('asked', { ...without, ports: [{ port: 80, nodePort: 30_001 }] });
    expect(nodePort(asked.body)).toBe(30_001);
    const { body } = await create('usual', { type: 'LoadBalancer' });
    expect(nodePort(body)).toBeGreaterThanOrEqual(30_000);
    expect(body.spec).toMatchObject({ allocateLoadBalancerNodePorts: true });
  });

  it('include one for the health check of a local LoadBalancer', async () => {
    const { body } = await create('lb', { type: 'LoadBalancer', externalTrafficPolicy: 'Local' });
    const health = at(body, 'spec', 'healthCheckNodePort');
    expect(health).toBeGreaterThanOrEqual(30000);
    expect(health).not.toBe(nodePort(body));
    const other = await patch('lb', { healthCheckNodePort: health === 30_003 ? 30_002 : 30_003 });
    expect(other.body.message).toContain('spec.healthCheckNodePort: Forbidden: field is immutable');
    const plain = await patch('lb', { externalTrafficPolicy: 'Cluster' });
    expect(plain.body.spec).not.toHaveProperty('healthCheckNodePort');
  });
});

describe('what comes with external addresses', () => {
  it('goes with them', async () => {
    const { body } = await create('reached', { externalIPs: ['192.0.2.1'] });
    expect(at(body, 'spec', 'externalTrafficPolicy')).toBe('Cluster');
    const inner = await patch('reached', { externalIPs: null });
    expect(inner.code).toBe(200);
    expect(inner.body.spec).not.toHaveProperty('externalTrafficPolicy');
  });
});

describe('a server that starts on an existing store', () => {
  it('knows what is taken, and gives every Service its own among racing clients', async () => {
    const store = createMemoryStore();
    const first = await startTestApi({ store });
    const { spec } = await first.ok('POST', SERVICES, { body: service('old', { type: 'NodePort' }) });
    await first.close();
    const second = await startTestApi({ store });
    const clash = await second.call('POST', SERVICES, {
      body: service('new', { clusterIP: (spec as Json).clusterIP, type: 'NodePort' }),
    });
    expect(clash.code).toBe(422);
    const made = await Promise.all(
      Array.from({ length: 30 }, (_, index) =>
        second.ok('POST', SERVICES, { body: service(`r${index}`, { type: 'NodePort' }) }),
      ),
    );
    expect(new Set(made.map((body) => at(body, 'spec', 'clusterIP'))).size).toBe(30);
    expect(new Set(made.map((body) => nodePort(body))).size).toBe(30);
    await second.close();
    await store.close();
  });
});
