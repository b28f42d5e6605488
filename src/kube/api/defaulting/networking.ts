// Defaults of the networking and discovery kinds.
// Upstream source of the rules: pkg/apis/networking/v1/defaults.go, pkg/apis/discovery/v1/defaults.go.
import type { EndpointSlice } from 'kubernetes-types/discovery/v1.js';
import type { Ingress, IngressClass, NetworkPolicy } from 'kubernetes-types/networking/v1.js';
import { fill } from './fill.ts';

export function ingressDefaults(ingress: Ingress): void {
  fill(ingress, { status: {} });
  fill(ingress.status ?? {}, { loadBalancer: {} });
}

export function ingressClassDefaults(ingressClass: IngressClass): void {
  const parameters = ingressClass.spec?.parameters;
  if (parameters !== undefined) fill(parameters, { scope: 'Cluster' });
}

export function networkPolicyDefaults(policy: NetworkPolicy): void {
  const { spec } = policy;
  if (spec === undefined) return;
  const rules = [...(spec.ingress ?? []), ...(spec.egress ?? [])];
  for (const port of rules.flatMap((rule) => rule.ports ?? [])) fill(port, { protocol: 'TCP' });
  if ((spec.policyTypes ?? []).length > 0) return;
  spec.policyTypes = (spec.egress ?? []).length > 0 ? ['Ingress', 'Egress'] : ['Ingress'];
}

export function endpointSliceDefaults(slice: EndpointSlice): void {
  for (const port of slice.ports ?? []) fill(port, { name: '', protocol: 'TCP' });
}
