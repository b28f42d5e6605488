// Names of Services, pods and namespaces, as the Kubernetes DNS specification has them.
// Objects in, records out; no server.
import type { Pod, PodSpec, Service, ServiceSpec } from 'kubernetes-types/core/v1.js';
import type { Endpoint, EndpointSlice } from 'kubernetes-types/discovery/v1.js';
import { describe, expect, it } from 'vitest';
import { addressOfDashed, dashedAddress, reverseName } from './address-names.ts';
import type { DnsPart } from './ir-dns.ts';
import { namespaceNames, podClients, podNames } from './pod-dns.ts';
import { serviceNames } from './service-dns.ts';

const PORTS = [{ name: 'http', port: 80 }, { port: 81 }];

function service(spec: Partial<ServiceSpec>): Service {
  return { metadata: { name: 'web', namespace: 'shop' }, spec: { ports: PORTS, ...spec } };
}

function slice(endpoints: Endpoint[], addressType = 'IPv4'): EndpointSlice {
  return { addressType, endpoints, ports: [{ name: 'http', port: 8080, protocol: 'TCP' }], metadata: {} };
}

const ready = (address: string, more: Partial<Endpoint> = {}): Endpoint => ({
  addresses: [address],
  conditions: { ready: true },
  ...more,
});

function shown(part: DnsPart): Record<string, string[]> {
  return Object.fromEntries(
    [...part].map(([owner, records]) => [
      owner,
      records.map((record) => {
        if (record.type === 'SRV') return `SRV ${record.weight} ${record.port} ${record.target}`;
        return `${record.type} ${'address' in record ? record.address : record.target}`;
      }),
    ]),
  );
}

describe('a Service with cluster IPs', () => {
  it('has addresses of both families, a record for each named port, and its name by address', () => {
    const part = serviceNames(service({ clusterIPs: ['10.96.0.7', 'fd00::7'] }), [], 'cluster.local');
    expect(shown(part)).toEqual({
      'web.shop.svc.cluster.local': ['A 10.96.0.7', 'AAAA fd00::7'],
      '_http._tcp.web.shop.svc.cluster.local': ['SRV 100 80 web.shop.svc.cluster.local'],
      '7.0.96.10.in-addr.arpa': ['PTR web.shop.svc.cluster.local'],
      [`7${'.0'.repeat(27)}.0.0.d.f.ip6.arpa`]: ['PTR web.shop.svc.cluster.local'],
    });
  });

  it('has names for its ready endpoints, which change nothing of its own', () => {
    const part = serviceNames(
      service({ clusterIP: '10.96.0.7' }),
      [slice([ready('10.244.1.2'), { addresses: ['10.244.1.3'], conditions: { ready: false } }])],
      'cluster.local',
    );
    expect(shown(part)).toMatchObject({
      'web.shop.svc.cluster.local': ['A 10.96.0.7'],
      '10-244-1-2.web.shop.svc.cluster.local': ['A 10.244.1.2'],
      '2.1.244.10.in-addr.arpa': ['PTR 10-244-1-2.web.shop.svc.cluster.local'],
    });
    expect(JSON.stringify(shown(part))).not.toContain('10.244.1.3');
  });

  it('has no name before it has an address', () => {
    expect(shown(serviceNames(service({ clusterIP: '' }), [], 'cluster.local'))).toEqual({});
  });
});

describe('a headless Service', () => {
  it('is its ready endpoints, by hostname or dashed address, with a share of the weight each', () => {
    const part = serviceNames(
      service({ clusterIP: 'None', clusterIPs: ['None'] }),
      [
        slice([ready('10.244.1.2', { hostname: 'web-0' }), ready('10.244.1.3')]),
        slice([ready('fd00::3')], 'IPv6'),
        slice([ready('example.com')], 'FQDN'),
      ],
      'cluster.local',
    );
    expect(shown(part)).toEqual({
      'web.shop.svc.cluster.local': ['A 10.244.1.2', 'A 10.244.1.3', 'AAAA fd00::3'],
      'web-0.web.shop.svc.cluster.local': ['A 10.244.1.2'],
      '10-244-1-3.web.shop.svc.cluster.local': ['A 10.244.1.3'],
      'fd00--3.web.shop.svc.cluster.local': ['AAAA fd00::3'],
      '_http._tcp.web.shop.svc.cluster.local': [
        'SRV 33 8080 web-0.web.shop.svc.cluster.local',
        'SRV 33 8080 10-244-1-3.web.shop.svc.cluster.local',
        'SRV 33 8080 fd00--3.web.shop.svc.cluster.local',
      ],
      '2.1.244.10.in-addr.arpa': ['PTR web-0.web.shop.svc.cluster.local'],
      '3.1.244.10.in-addr.arpa': ['PTR 10-244-1-3.web.shop.svc.cluster.local'],
      [`3${'.0'.repeat(27)}.0.0.d.f.ip6.arpa`]: ['PTR fd00--3.web.shop.svc.cluster.local'],
    });
  });

  it('is also the endpoints that are not ready, where nobody is to look at that', () => {
    const slices = [slice([{ addresses: ['10.244.1.2'], hostname: 'web-0', conditions: { ready: false } }])];
    const plain = service({ clusterIP: 'None' });
    const wanted = service({ clusterIP: 'None', publishNotReadyAddresses: true });
    const annotations = { 'service.alpha.kubernetes.io/tolerate-unready-endpoints': 'true' };
    const old = { ...plain, metadata: { ...plain.metadata, annotations } };
    expect(serviceNames(plain, slices, 'cluster.local').size).toBe(0);
    for (const each of [wanted, old]) {
      expect(shown(serviceNames(each, slices, 'cluster.local'))).toMatchObject({
        'web-0.web.shop.svc.cluster.local': ['A 10.244.1.2'],
        '2.1.244.10.in-addr.arpa': ['PTR web-0.web.shop.svc.cluster.local'],
      });
    }
  });

  it('lists an endpoint once while it moves between slices', () => {
    const both = [slice([ready('10.244.1.2')]), slice([ready('10.244.1.2')])];
    const part = serviceNames(service({ clusterIP: 'None' }), both, 'cluster.local');
    expect(part.get('web.shop.svc.cluster.local')).toHaveLength(1);
    expect(part.get('_http._tcp.web.shop.svc.cluster.local')).toMatchObject([{ weight: 100 }]);
  });

  it('is no name at all without ready endpoints', () => {
    expect(shown(serviceNames(service({ clusterIP: 'None' }), [slice([])], 'cluster.local'))).toEqual({});
  });
});

describe('an ExternalName Service', () => {
  it('is an alias, and none of an address', () => {
    const named = (externalName: string) =>
      shown(serviceNames(service({ type: 'ExternalName', externalName }), [], 'cluster.local'));
    expect(named('DB.example.com.')).toEqual({ 'web.shop.svc.cluster.local': ['CNAME db.example.com'] });
    expect(named('192.0.2.1')).toEqual({});
  });
});

describe('pods and namespaces', () => {
  it('have names by address while they run, and without data', () => {
    const pod = {
      metadata: { name: 'a', namespace: 'shop' },
      status: { phase: 'Running', podIP: '10.244.1.2', podIPs: [{ ip: '10.244.1.2' }, { ip: 'fd00::2' }] },
    };
    expect(shown(podNames(pod, 'cluster.local'))).toEqual({
      '10-244-1-2.shop.pod.cluster.local': ['A 10.244.1.2'],
      'fd00--2.shop.pod.cluster.local': ['AAAA fd00::2'],
    });
    expect(podNames({ ...pod, status: { ...pod.status, phase: 'Succeeded' } }, 'cluster.local').size).toBe(0);
    expect(shown(namespaceNames({ metadata: { name: 'shop' } }, 'cluster.local'))).toEqual({
      'shop.svc.cluster.local': [],
      'shop.pod.cluster.local': [],
    });
  });
});

describe('where pods search', () => {
  const pod = (spec: Partial<PodSpec>): Pod => ({
    metadata: { name: 'a', namespace: 'Shop' },
    spec: { containers: [], ...spec },
    status: { podIP: '10.244.1.2', podIPs: [{ ip: '10.244.1.2' }, { ip: 'fd00::2' }] },
  });

  it('is told for the addresses of those that search in the cluster', () => {
    const search = {
      first: ['shop.svc.cluster.local', 'svc.cluster.local', 'cluster.local'],
      last: ['corp.example'],
    };
    const dnsConfig = { searches: ['corp.example.'] };
    expect([...podClients(pod({ dnsConfig }), 'cluster.local')]).toEqual([
      ['10.244.1.2', search],
      ['fd00::2', search],
    ]);
    for (const spec of [{ hostNetwork: true }, { dnsPolicy: 'Default' }, { dnsPolicy: 'None' }]) {
      expect(podClients(pod(spec), 'cluster.local').size).toBe(0);
    }
  });
});

describe('addresses as names', () => {
  it('come back from their dashed form, and from nothing else', () => {
    for (const address of ['10.244.1.2', 'fd00::1', '::1', 'fd00:10:244::5']) {
      expect(addressOfDashed(dashedAddress(address))).toBe(address);
    }
    for (const label of ['', 'web', '1-2-3', '300-1-1-1', '1-2-3-4-5', 'fd00---1']) {
      expect(addressOfDashed(label)).toBeUndefined();
    }
  });

  it('are reversed by byte and by nibble, and only when they are addresses', () => {
    expect(reverseName('10.0.0.1')).toBe('1.0.0.10.in-addr.arpa');
    expect(reverseName('2001:db8::1')).toBe(`1${'.0'.repeat(23)}.8.b.d.0.1.0.0.2.ip6.arpa`);
    expect(reverseName('10.0.1')).toBeUndefined();
    expect(reverseName('web')).toBeUndefined();
    expect(dashedAddress('FD00::1')).toBe('fd00--1');
  });
});
