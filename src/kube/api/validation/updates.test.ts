// Tests of what an update may not change, kind by kind.
// Uses the same good objects as the tests of new ones.
import { describe, expect, it } from 'vitest';
import type { KubeObject } from '../object.ts';
import { mergePatch } from '../patch/merge-patch.ts';
import { goodObjects } from './good-objects.ts';
import { validateObject } from './index.ts';

const made = (kind: string, change: object = {}): KubeObject =>
  mergePatch(goodObjects[kind] as never, change as never) as unknown as KubeObject;
const wrong = (next: KubeObject, previous?: KubeObject): string[] =>
  validateObject(next, previous).map(({ field, message }) => `${field}: ${message}`);

describe('validateObject() with a previous object', () => {
  it.each<[string, object, string]>([
    ['Pod', { spec: { hostname: 'other' } }, 'spec: Forbidden: pod updates may not change fields other than'],
    [
      'Pod',
      {
        spec: {
          containers: [
            { name: 'a', image: 'a' },
            { name: 'b', image: 'b' },
          ],
        },
      },
      'spec.containers: Forbidden: pod updates may not add or remove containers',
    ],
    [
      'Deployment',
      { spec: { selector: { matchLabels: { tier: 'x' } } } },
      'spec.selector: Invalid value: {"matchLabels":{"app":"web","tier":"x"}}: field is immutable',
    ],
    [
      'Node',
      { spec: { providerID: 'cloud://n2' } },
      'spec.providerID: Forbidden: node updates may not change providerID except from "" to valid',
    ],
    [
      'Node',
      { spec: { podCIDR: '10.244.2.0/24', podCIDRs: ['10.244.2.0/24'] } },
      'spec.podCIDRs: Forbidden: node updates may not change podCIDR except from "" to valid',
    ],
    [
      'Node',
      { spec: { podCIDR: null, podCIDRs: null } },
      'spec.podCIDRs: Forbidden: node updates may not change podCIDR except from "" to valid',
    ],
    [
      'StatefulSet',
      { spec: { serviceName: 'other' } },
      'spec: Forbidden: updates to statefulset spec for fields other than',
    ],
    ['Job', { spec: { template: { metadata: { labels: { b: 'c' } } } } }, 'spec.template: Invalid value:'],
    [
      'Service',
      { spec: { clusterIP: '10.96.0.10', clusterIPs: ['10.96.0.10'] } },
      'spec.clusterIPs[0]: Invalid value: ["10.96.0.10"]: may not change once set',
    ],
    ['EndpointSlice', { addressType: 'FQDN' }, 'addressType: Invalid value: "FQDN": field is immutable'],
    ['IngressClass', { spec: { controller: 'a.b/c' } }, 'spec.controller: Invalid value: "a.b/c": field is immutable'],
    [
      'ServiceCIDR',
      { spec: { cidrs: ['10.97.0.0/16', 'fd00:10:98::/112'] } },
      'spec.cidrs[1]: Invalid value: "fd00:10:98::/112": field is immutable',
    ],
    ['IPAddress', { spec: { parentRef: { name: 'other' } } }, 'spec.parentRef: Invalid value: {'],
    ['Secret', { type: 'other' }, 'type: Invalid value: "other": field is immutable'],
    ['RoleBinding', { roleRef: { name: 'other' } }, 'roleRef: Invalid value: {'],
    ['PriorityClass', { value: 7 }, 'value: Forbidden: may not be changed in an update.'],
  ])('holds a %s to what it was: %j', (kind, change, expected) => {
    expect(wrong(made(kind, change), made(kind)).some((text) => text.startsWith(expected))).toBe(true);
  });

  it('keeps the class of a load balancer from its first day', () => {
    const balancer = (change: object): KubeObject => made('Service', { spec: { type: 'LoadBalancer', ...change } });
    const why = 'may not change once set';
    expect(wrong(balancer({ loadBalancerClass: 'x.y/z' }), balancer({}))).toContain(
      `spec.loadBalancerClass: Invalid value: "x.y/z": ${why}`,
    );
    expect(wrong(balancer({ loadBalancerClass: 'x.y/z' }), made('Service'))).toEqual([]);
  });

  it('lets the fields of a pod change that may', () => {
    const changed = made('Pod', {
      spec: {
        containers: [{ name: 'web', image: 'web:2' }],
        activeDeadlineSeconds: 60,
        tolerations: [{ operator: 'Exists' }],
        nodeName: 'node-1',
      },
    });
    expect(wrong(changed, made('Pod'))).toEqual([]);
    expect(wrong(made('Pod'), made('Pod', { spec: { nodeName: 'node-1' } }))).toHaveLength(1);
  });

  it('lets scheduling gates fall, and not rise', () => {
    const gated = made('Pod', { spec: { schedulingGates: [{ name: 'a.b/wait' }] } });
    expect(wrong(made('Pod'), gated)).toEqual([]);
    expect(wrong(gated, made('Pod'))).toEqual([
      "spec.schedulingGates: Forbidden: only deletion is allowed, but found new scheduling gate 'a.b/wait'",
    ]);
  });

  it('keeps immutable configuration as it is', () => {
    const sealed = made('ConfigMap', { immutable: true });
    expect(wrong(made('ConfigMap', { immutable: true, data: { b: '2' } }), sealed)).toEqual([
      'data: Forbidden: field is immutable when `immutable` is set',
    ]);
    expect(wrong(made('ConfigMap'), sealed)).toEqual([
      'immutable: Forbidden: field is immutable when `immutable` is set',
    ]);
  });

  it('refuses both ways of naming a class on a new Ingress only', () => {
    const both = made('Ingress', { metadata: { annotations: { 'kubernetes.io/ingress.class': 'x' } } });
    expect(wrong(both)).toEqual([
      'metadata.annotations[kubernetes.io/ingress.class]: Invalid value: "x": can not be set when the class field is also set',
    ]);
    expect(wrong(both, both)).toEqual([]);
  });
});
