// Tests of the rules of Services: one mistake at a time in one that is otherwise right, and upstream's words for it.
// Uses real defaults, as the server does before it validates.
import { expect, it } from 'vitest';
import type { KubeObject } from '../object.ts';
import { mergePatch } from '../patch/merge-patch.ts';
import { goodObjects } from './good-objects.ts';
import { validateObject } from './index.ts';

it.each<[object, string]>([
  [{ spec: { ports: [] } }, 'spec.ports: Required value'],
  [{ spec: { ports: [{ port: 80 }, { port: 81, name: 'b' }] } }, 'spec.ports[0].name: Required value'],
  [
    {
      spec: {
        ports: [
          { name: 'a', port: 80 },
          { port: 81, name: 'a' },
        ],
      },
    },
    'spec.ports[1].name: Duplicate value: "a"',
  ],
  [
    { spec: { ports: [{ name: 'a', port: 0 }] } },
    'spec.ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive',
  ],
  [
    { spec: { ports: [{ port: 80, nodePort: 30_000 }] } },
    "spec.ports[0].nodePort: Forbidden: may not be used when `type` is 'ClusterIP'",
  ],
  [
    { spec: { type: 'Cluster' } },
    'spec.type: Unsupported value: "Cluster": supported values: "ClusterIP", "ExternalName", "LoadBalancer", "NodePort"',
  ],
  [
    { spec: { clusterIP: null, clusterIPs: ['10.0.0.300'] } },
    'spec.clusterIPs[0]: Invalid value: "10.0.0.300": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)',
  ],
  [
    { spec: { type: 'LoadBalancer', clusterIP: 'None', clusterIPs: ['None'] } },
    'spec.clusterIPs[0]: Invalid value: "None": may not be set to \'None\' for LoadBalancer services',
  ],
  [{ spec: { type: 'ExternalName', clusterIP: null, clusterIPs: null } }, 'spec.externalName: Required value'],
  [
    { spec: { externalTrafficPolicy: 'Local' } },
    'spec.externalTrafficPolicy: Invalid value: "Local": may only be set for externally-accessible services',
  ],
  [
    { spec: { sessionAffinity: 'ClientIP', sessionAffinityConfig: { clientIP: { timeoutSeconds: 0 } } } },
    'spec.sessionAffinityConfig.clientIP.timeoutSeconds: Invalid value: 0: must be greater than 0 and less than 86400',
  ],
  ...(
    [
      ['127.0.0.1', 'may not be in the loopback range (127.0.0.0/8, ::1/128)'],
      ['0.0.0.0', 'may not be unspecified (0.0.0.0)'],
      ['169.254.1.1', 'may not be in the link-local range (169.254.0.0/16, fe80::/10)'],
      ['224.0.0.1', 'may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)'],
    ] as const
  ).map(([ip, why]): [object, string] => [
    { spec: { externalIPs: [ip] } },
    `spec.externalIPs[0]: Invalid value: "${ip}": ${why}`,
  ]),
  [
    { spec: { trafficDistribution: 'Foo' } },
    'spec.trafficDistribution: Unsupported value: "Foo": supported values: "PreferClose", "PreferSameNode", "PreferSameZone"',
  ],
  [
    { spec: { healthCheckNodePort: 30001, externalTrafficPolicy: 'Cluster' } },
    "spec.healthCheckNodePort: Invalid value: 30001: may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'",
  ],
  [
    { spec: { allocateLoadBalancerNodePorts: false } },
    "spec.allocateLoadBalancerNodePorts: Forbidden: may only be used when `type` is 'LoadBalancer'",
  ],
  [
    { spec: { clusterIP: '10.96.0.9', clusterIPs: ['10.96.0.10'] } },
    'spec.clusterIPs: Invalid value: ["10.96.0.10"]: first value must match `clusterIP`',
  ],
])('tells what is wrong with a Service: %j', (change, expected) => {
  const made = mergePatch(goodObjects.Service as never, change as never) as unknown as KubeObject;
  const told = validateObject(made).map(({ field, message }) => `${field}: ${message}`);
  expect(told).toContain(expected);
});
