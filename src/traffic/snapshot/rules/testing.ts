// Service ports and nodes for tests of the rules and of their drivers; each fact can be set.
// Knows nothing of what they compile to.
import type { L4Endpoint, L4ServicePort } from '#traffic/model/l4/service-port.ts';
import type { NodeFacts } from './node-facts.ts';

export function l4Port(facts: Partial<L4ServicePort> = {}): L4ServicePort {
  const { service = 'shop/web', portName = 'http', protocol = 'TCP', family = 'IPv4' } = facts;
  return {
    name: `${service}:${portName}/${protocol}/${family}`,
    service,
    portName,
    family,
    protocol,
    port: 80,
    clusterIP: family === 'IPv4' ? '10.96.0.10' : 'fd00:10:96::10',
    externalIPs: [],
    loadBalancerIPs: [],
    loadBalancerSources: undefined,
    nodePort: 0,
    internalLocal: false,
    externalLocal: false,
    affinitySeconds: 0,
    pick: 'random',
    drainMs: undefined,
    endpoints: [],
    healthCheckNodePort: 0,
    ...facts,
  };
}

export function l4Endpoint(address: string, facts: Partial<L4Endpoint> = {}): L4Endpoint {
  return {
    address,
    port: 8080,
    weight: 1,
    node: '',
    ready: true,
    serving: true,
    terminating: false,
    hintedNodes: [],
    hintedZones: [],
    ...facts,
  };
}

export function nodeFacts(facts: Partial<NodeFacts> = {}): NodeFacts {
  return {
    name: 'n1',
    zone: 'a',
    addresses: ['192.0.2.1', '2001:db8:1::1'],
    nodePortAddresses: ['192.0.2.1', '2001:db8:1::1'],
    podRanges: ['10.244.0.0/16', 'fd00:10:244::/48'],
    serviceRanges: ['10.96.0.0/16', 'fd00:10:96::/112'],
    masqueradeAll: false,
    drainMs: 0,
    ...facts,
  };
}
