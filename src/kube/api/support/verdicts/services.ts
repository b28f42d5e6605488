// What becomes of the fields of Services and EndpointSlices: addresses, ports, and who behind them gets the traffic.
// Verdicts only.
import { everyHonoured, honoured, honouredWhere, ignored, moot, type Verdicts } from '../verdict.ts';

const ALLOCATION = 'src/kube/apiserver/strategies/service/service.test.ts';
const FAMILIES = 'src/kube/apiserver/strategies/service/dual-stack.test.ts';
const LAYER_4 = 'src/traffic/model/l4/translate-l4.test.ts';
const SLICES = 'src/control/controllers/endpointslice/endpointslice.test.ts';
const HINTS = 'src/control/controllers/endpointslice/desired.test.ts';
const BALANCERS = 'src/control/controllers/ipam/ipam.test.ts';
const CLAIMS = 'src/control/controllers/ipam/claim.test.ts';
const DNS = 'src/traffic/model/dns/dns.test.ts';
const DRAINING = 'src/kube/kubelet/pod/drain-gate.test.ts';
const golden = (name: string): string => `src/traffic/model/testdata/${name}.in.yaml`;

/** The listeners of the loopback network are one for all nodes, and see one client. */
const ON_NODES = 'on nodes with a network of their own';

export const serviceVerdicts: Verdicts = {
  'core.v1.ServiceSpec': {
    ...honoured(ALLOCATION, 'allocateLoadBalancerNodePorts', 'clusterIP', 'clusterIPs', 'ports', 'type'),
    ...honoured(FAMILIES, 'ipFamilies', 'ipFamilyPolicy'),
    ...honoured(LAYER_4, 'externalIPs', 'sessionAffinity', 'sessionAffinityConfig'),
    ...honouredWhere(ON_NODES, LAYER_4, 'externalTrafficPolicy', 'internalTrafficPolicy', 'loadBalancerSourceRanges'),
    ...honouredWhere(ON_NODES, ALLOCATION, 'healthCheckNodePort'),
    ...honoured(SLICES, 'publishNotReadyAddresses', 'selector'),
    ...honouredWhere(ON_NODES, HINTS, 'trafficDistribution'),
    ...honoured(BALANCERS, 'loadBalancerClass'),
    ...honoured(CLAIMS, 'loadBalancerIP'),
    ...honoured(DNS, 'externalName'),
  },
  'core.v1.ServicePort': {
    ...honoured(ALLOCATION, 'nodePort', 'port'),
    ...honoured(SLICES, 'targetPort'),
    ...honoured(golden('named-ports'), 'name'),
    ...honoured(golden('protocols'), 'protocol'),
    ...honoured(golden('app-protocols'), 'appProtocol'),
  },
  'core.v1.SessionAffinityConfig': everyHonoured(LAYER_4),
  'core.v1.ClientIPConfig': everyHonoured(LAYER_4),
  'discovery.v1.EndpointSlice': everyHonoured(LAYER_4),
  'discovery.v1.Endpoint': {
    ...honoured(LAYER_4, 'addresses', 'nodeName'),
    ...honouredWhere(ON_NODES, LAYER_4, 'hints'),
    ...honoured(golden('endpoint-conditions'), 'conditions'),
    ...honoured(golden('service'), 'zone'),
    ...honoured(DNS, 'hostname'),
    ...honoured(DRAINING, 'targetRef'),
    ...ignored('what v1beta1 called nodeName and zone; nothing reads it, as upstream', 'deprecatedTopology'),
  },
  'discovery.v1.EndpointConditions': everyHonoured(golden('endpoint-conditions')),
  'discovery.v1.EndpointHints': everyHonoured(LAYER_4),
  'discovery.v1.ForNode': everyHonoured(LAYER_4),
  'discovery.v1.ForZone': everyHonoured(LAYER_4),
  'core.v1.ObjectReference': {
    ...honoured(DRAINING, 'uid'),
    ...honoured(golden('service'), 'kind', 'name', 'namespace'),
    ...moot('the pod is known by kind, namespace, name and uid', 'apiVersion', 'fieldPath', 'resourceVersion'),
  },
  'discovery.v1.EndpointPort': {
    ...honoured(golden('named-ports'), 'name', 'port'),
    ...honoured(golden('protocols'), 'protocol'),
    ...moot('the port of the Service says it, and so does its slice', 'appProtocol'),
  },
};
