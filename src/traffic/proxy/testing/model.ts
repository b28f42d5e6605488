// Small traffic models for tests of the engine and for its benchmark.
// Knows nothing of the engine; only how the model is written.

import type {
  BalancingPolicy,
  Certificate,
  Cluster,
  Endpoint,
  Listener,
  Route,
  ServicePort,
  TrafficUpdate,
} from '#traffic/model/ir.ts';

export function listener(name = 'http', protocol: Listener['protocol'] = 'http', port = 0): Listener {
  return { name, address: '127.0.0.1', port, protocol };
}

export function endpoint(port: number, pod = `test/pod-${port}`, address = '127.0.0.1'): Endpoint {
  return {
    address,
    port,
    weight: 1,
    pod,
    node: 'node',
    zone: '',
    ready: true,
    serving: true,
    terminating: false,
  };
}

export function cluster(name: string, overrides: Partial<Cluster> = {}): Cluster {
  const policy: BalancingPolicy = { type: 'round_robin' };
  return {
    name,
    policy,
    upstreamProtocol: 'http1',
    timeouts: { connect: 2000, response: 5000, idle: 5000 },
    retry: { attempts: 1 },
    ...overrides,
  };
}

export function route(clusterName: string, path = '/'): Route {
  return {
    name: `ingress/test/${clusterName}${path}`,
    metricName: `${clusterName}:${path}`,
    path: { type: 'prefix', value: path },
    action: { type: 'forward', clusters: [{ cluster: clusterName, weight: 1 }] },
  };
}

export function service(name: string, clusterName: string, overrides: Partial<ServicePort> = {}): ServicePort {
  return {
    name,
    protocol: 'TCP',
    port: 0,
    clusterIPs: ['127.0.0.1'],
    externalIPs: [],
    loadBalancerIPs: [],
    nodePort: 0,
    cluster: clusterName,
    internalLocal: false,
    externalLocal: false,
    affinitySeconds: 0,
    ...overrides,
  };
}

let version = 0;

/** One HTTP listener and one catch-all route to `ports`. */
export function simpleModel(
  ports: readonly number[],
  overrides: Partial<Cluster> = {},
  routeOverrides: Partial<Route> = {},
): TrafficUpdate {
  const routes = [{ ...route('test/web/http'), ...routeOverrides }];
  return {
    version: ++version,
    listeners: new Map([['http', listener()]]),
    virtualHosts: new Map([['*', { hostname: '*', wildcard: 'any-labels', routes }]]),
    clusters: new Map([['test/web/http', cluster('test/web/http', overrides)]]),
    endpoints: new Map([['test/web/http', ports.map((port) => endpoint(port))]]),
  };
}

export function endpointsUpdate(ports: readonly number[]): TrafficUpdate {
  return { version: ++version, endpoints: new Map([['test/web/http', ports.map((port) => endpoint(port))]]) };
}

export function update(parts: Omit<TrafficUpdate, 'version'>): TrafficUpdate {
  return { version: ++version, ...parts };
}

export function certificate(
  name: string,
  hostnames: readonly string[],
  pems: { cert: string; key: string },
): Certificate {
  return {
    name,
    hostnames,
    certificateChainPem: pems.cert,
    privateKeyPem: { value: pems.key, private: true },
    fingerprint: pems.cert,
  };
}
