// Descriptions of the kinds that lead traffic: Ingress, NetworkPolicy, EndpointSlice.
// Text only.
import type { Words } from './make.ts';

const policyPorts = 'The ports; all when absent.';

export const networkingWords: Words = {
  Ingress: { about: 'Leads HTTP requests from outside to Services by host and path.' },
  IngressSpec: {
    about: 'Which requests go where.',
    defaultBackend: 'Where requests go that no rule takes.',
    ingressClassName: 'The IngressClass, and so the controller, that is meant.',
    rules: 'Rules by host.',
    tls: 'Certificates by host.',
  },
  IngressRule: {
    about: 'Rules of one host.',
    host: 'The host; `*.` in front stands for one label; empty for all.',
    http: 'Paths of the host.',
  },
  HTTPIngressRuleValue: { about: 'Paths of a host.', paths: 'The paths; the longest that matches counts.' },
  HTTPIngressPath: {
    about: 'A path and where it leads.',
    backend: 'Where requests go.',
    path: 'The path; starts with `/`.',
    pathType: '`Exact`, `Prefix` (by whole elements) or `ImplementationSpecific`.',
  },
  IngressBackend: {
    about: 'Where requests go; one of these.',
    resource: 'An object of the namespace.',
    service: 'A Service.',
  },
  IngressServiceBackend: {
    about: 'A Service and one of its ports.',
    name: 'The Service.',
    port: 'The port, by name or number.',
  },
  ServiceBackendPort: { about: 'A port of a Service; one of these.', name: 'Its name.', number: 'Its number.' },
  IngressTLS: {
    about: 'A certificate and its hosts.',
    hosts: 'The hosts.',
    secretName: 'Secret of type `kubernetes.io/tls`.',
  },
  IngressStatus: { about: 'What was last seen of an Ingress.', loadBalancer: 'Addresses at which it is reached.' },
  IngressClass: { about: 'Names a controller of Ingresses.' },
  IngressClassSpec: {
    about: 'The controller.',
    controller: 'Its name, e.g. `evenkeel.dev/ingress-controller`.',
    parameters: 'An object with its settings.',
  },
  ServiceCIDR: { about: 'Ranges from which Services have their addresses.' },
  ServiceCIDRSpec: { about: 'The ranges.', cidrs: 'One range, or one of each family, e.g. `10.97.0.0/16`.' },
  ServiceCIDRStatus: { about: 'What was last seen of them.', conditions: '`Ready` while addresses are given out.' },
  IPAddress: { about: 'An address that somebody has; its name is the address.' },
  IPAddressSpec: { about: 'Who has it.', parentRef: 'The object that has it.' },
  ParentReference: {
    about: 'An object that has an address.',
    group: 'Its API group; empty for the core group.',
    name: 'Its name.',
    namespace: 'Its namespace.',
    resource: 'Its resource, e.g. `services`.',
  },
  NetworkPolicy: { about: 'Which traffic pods may receive and send.' },
  NetworkPolicySpec: {
    about: 'The pods and the traffic.',
    egress: 'What they may send; one rule must match.',
    ingress: 'What they may receive; one rule must match.',
    podSelector: 'Labels of the pods; empty for all of the namespace.',
    policyTypes: '`Ingress`, `Egress` or both: the directions that the policy is about.',
  },
  NetworkPolicyIngressRule: {
    about: 'Traffic that may be received.',
    from: 'Who may send; all when absent.',
    ports: policyPorts,
  },
  NetworkPolicyEgressRule: {
    about: 'Traffic that may be sent.',
    ports: policyPorts,
    to: 'Who may receive; all when absent.',
  },
  NetworkPolicyPeer: {
    about: 'Who is at the other end.',
    ipBlock: 'A range of addresses.',
    namespaceSelector: 'Labels of namespaces.',
    podSelector: 'Labels of pods, in those namespaces or in the policy’s own.',
  },
  NetworkPolicyPort: {
    about: 'A port or a range of ports.',
    endPort: 'Last port of a range that starts at `port`.',
    port: 'Number or name.',
    protocol: '`TCP` (default), `UDP` or `SCTP`.',
  },
  IPBlock: { about: 'A range of addresses.', cidr: 'The range.', except: 'Ranges within it that do not count.' },
};

export const discoveryWords: Words = {
  EndpointSlice: {
    about: 'Some of the endpoints of a Service.',
    addressType: '`IPv4`, `IPv6` or `FQDN`; cannot change.',
    endpoints: 'The endpoints; at most 1000.',
    ports: 'Ports that all of them have.',
  },
  Endpoint: {
    about: 'One endpoint, a pod as a rule.',
    addresses: 'Its addresses; readers use the first.',
    conditions: 'Whether it should get traffic.',
    deprecatedTopology: 'Former place of the topology.',
    hints: 'Who should use it.',
    hostname: 'Its host name.',
    nodeName: 'The node it is on.',
    targetRef: 'The object behind it.',
    zone: 'The zone it is in.',
  },
  EndpointConditions: {
    about: 'Whether an endpoint should get traffic.',
    ready: 'It serves and is not ending; unknown counts as true.',
    serving: 'It serves, ending or not.',
    terminating: 'It is ending.',
  },
  EndpointHints: { about: 'Who should use an endpoint.', forNodes: 'Nodes.', forZones: 'Zones.' },
  EndpointPort: {
    about: 'A port of a slice.',
    appProtocol: 'Protocol that is spoken.',
    name: 'Name of the Service’s port.',
    port: 'The number.',
    protocol: '`TCP` (default), `UDP` or `SCTP`.',
  },
};
