// Descriptions of Services and of Endpoints.
// Text only.
import type { Words } from './make.ts';

export const serviceWords: Words = {
  Service: { about: 'One stable name and address for a changing set of pods.' },
  ServiceSpec: {
    about: 'How a Service is reached and which pods answer.',
    allocateLoadBalancerNodePorts: 'Whether a LoadBalancer Service also gets node ports; default true.',
    clusterIP: 'Virtual address; allocated when absent, `None` for a headless Service.',
    clusterIPs: 'Virtual addresses, one a family; the first is `clusterIP`.',
    externalIPs: 'Further addresses whose traffic to a node belongs to the Service.',
    externalName: 'Name that an ExternalName Service is an alias of.',
    externalTrafficPolicy:
      'For traffic from outside: `Cluster` (default, any node) or `Local` (only pods of the node, client address kept).',
    healthCheckNodePort: 'Port on which a node says whether it has pods, with the `Local` policy.',
    internalTrafficPolicy: 'For traffic from inside: `Cluster` (default) or `Local` (only pods of the node).',
    ipFamilies: '`IPv4`, `IPv6`, or both in order of preference.',
    ipFamilyPolicy: '`SingleStack`, `PreferDualStack` or `RequireDualStack`.',
    loadBalancerClass: 'The load balancer implementation that is meant.',
    loadBalancerIP: 'Address asked for; deprecated.',
    loadBalancerSourceRanges: 'Client addresses that a load balancer lets in.',
    ports: 'The ports, told apart by name.',
    publishNotReadyAddresses: 'Counts pods that are not ready too.',
    selector: 'Labels of the pods; without it the endpoints are written by someone else.',
    sessionAffinity: '`ClientIP` keeps a client at one pod; default `None`.',
    sessionAffinityConfig: 'How long a client is kept at one pod.',
    trafficDistribution: 'Preference such as `PreferSameZone` or `PreferSameNode`.',
    type: '`ClusterIP` (default), `NodePort`, `LoadBalancer` or `ExternalName`.',
  },
  ServicePort: {
    about: 'A port of a Service.',
    appProtocol: 'Protocol that is spoken, e.g. `http`, `kubernetes.io/h2c`.',
    name: 'Name; needed when there are several ports.',
    nodePort: 'Port on every node; allocated when absent.',
    port: 'Port of the virtual address.',
    protocol: '`TCP` (default), `UDP` or `SCTP`.',
    targetPort: 'Number or name of the pods’ port; the same number by default.',
  },
  SessionAffinityConfig: {
    about: 'Settings of session affinity.',
    clientIP: 'Settings of affinity by client address.',
  },
  ClientIPConfig: {
    about: 'Affinity by client address.',
    timeoutSeconds: 'Seconds without traffic until it ends; default 10800.',
  },
  ServiceStatus: {
    about: 'What was last seen of a Service.',
    conditions: 'Observations.',
    loadBalancer: 'Addresses of the load balancer.',
  },
  LoadBalancerStatus: { about: 'Addresses of a load balancer.', ingress: 'The addresses.' },
  LoadBalancerIngress: {
    about: 'One address of a load balancer.',
    hostname: 'The address as a name.',
    ip: 'The address.',
    ipMode: '`VIP` or `Proxy`: whether packets arrive with the load balancer’s address.',
    ports: 'State of each port.',
  },
  Endpoints: {
    about: 'Addresses behind a Service; replaced by EndpointSlice.',
    subsets: 'The addresses, by their ports.',
  },
  EndpointSubset: {
    about: 'Addresses that have the same ports.',
    addresses: 'Those that are ready.',
    notReadyAddresses: 'Those that are not.',
    ports: 'The ports.',
  },
  EndpointAddress: {
    about: 'One address.',
    hostname: 'Host name of the endpoint.',
    ip: 'The address.',
    nodeName: 'The node it is on.',
    targetRef: 'The object behind it.',
  },
  EndpointPort: {
    about: 'One port.',
    appProtocol: 'Protocol that is spoken.',
    name: 'Name of the Service’s port.',
    port: 'The number.',
    protocol: '`TCP`, `UDP` or `SCTP`.',
  },
};
