// What an object uses of a quota: itself, and what it asks for.
// Knows kinds; nothing of which quota there is. Upstream source: pkg/quota/v1/evaluator/core.
import type { PersistentVolumeClaim, Pod, Service } from 'kubernetes-types/core/v1.js';
import { Quantity } from '../quantity.ts';
import type { ResourceName } from '../status.ts';
import { type Amounts, readAmounts } from './amounts.ts';
import { podResources } from './pod-resources.ts';

const ONE = new Quantity(1_000_000_000n);
/** Counted under their own name as well as under `count/`. */
const PLAIN = [
  'configmaps',
  'secrets',
  'replicationcontrollers',
  'resourcequotas',
  'services',
  'persistentvolumeclaims',
];
const NATIVE = ['cpu', 'memory', 'ephemeral-storage'];
const STORAGE_CLASS = '.storageclass.storage.k8s.io/';

export function usageOf(of: ResourceName, object: object): Amounts {
  const usage = new Map([[countName(of), ONE]]);
  if (of.group !== '') return usage;
  if (PLAIN.includes(of.resource)) usage.set(of.resource, ONE);
  if (of.resource === 'pods') addPod(usage, object as Pod);
  if (of.resource === 'services') addService(usage, object as Service);
  if (of.resource === 'persistentvolumeclaims') addClaim(usage, object as PersistentVolumeClaim);
  return usage;
}

function countName({ group, resource }: ResourceName): string {
  return `count/${resource}${group === '' ? '' : `.${group}`}`;
}

/** Which objects count for that name in `spec.hard`; undefined for a name that nothing counts for. */
export function countedBy(name: string): ResourceName | undefined {
  if (name.startsWith('count/')) {
    const [resource = '', ...group] = name.slice('count/'.length).split('.');
    return { group: group.join('.'), resource };
  }
  if (name === 'pods' || NATIVE.includes(name) || name.startsWith('limits.') || name.startsWith('hugepages-'))
    return PODS;
  if (name === 'services.nodeports' || name === 'services.loadbalancers') return { group: '', resource: 'services' };
  if (name === 'requests.storage' || name.includes(STORAGE_CLASS))
    return { group: '', resource: 'persistentvolumeclaims' };
  if (name.startsWith('requests.')) return PODS;
  return PLAIN.includes(name) ? { group: '', resource: name } : undefined;
}

const PODS: ResourceName = { group: '', resource: 'pods' };

/** One that has ended counts as an object only. */
function addPod(usage: Map<string, Quantity>, pod: Pod): void {
  if (['Failed', 'Succeeded'].includes(pod.status?.phase ?? '')) return;
  usage.set('pods', ONE);
  for (const [name, amount] of podResources(pod, 'requests')) {
    usage.set(`requests.${name}`, amount);
    if (NATIVE.includes(name) || name.startsWith('hugepages-')) usage.set(name, amount);
  }
  for (const [name, amount] of podResources(pod, 'limits')) {
    if (NATIVE.includes(name)) usage.set(`limits.${name}`, amount);
  }
}

function addService(usage: Map<string, Quantity>, { spec }: Service): void {
  const ports = spec?.ports ?? [];
  const whole = (count: number): Quantity => new Quantity(BigInt(count) * ONE.nanos);
  if (spec?.type === 'NodePort') usage.set('services.nodeports', whole(ports.length));
  if (spec?.type !== 'LoadBalancer') return;
  usage.set('services.loadbalancers', ONE);
  const allocated = spec.allocateLoadBalancerNodePorts !== false;
  const numbered = ports.filter(({ nodePort = 0 }) => nodePort !== 0).length;
  usage.set('services.nodeports', whole(allocated ? ports.length : numbered));
}

function addClaim(usage: Map<string, Quantity>, { spec, metadata }: PersistentVolumeClaim): void {
  const size = readAmounts(spec?.resources?.requests).get('storage');
  if (size !== undefined) usage.set('requests.storage', size);
  const name = spec?.storageClassName ?? metadata?.annotations?.['volume.beta.kubernetes.io/storage-class'] ?? '';
  if (name === '') return;
  usage.set(`${name}${STORAGE_CLASS}persistentvolumeclaims`, ONE);
  if (size !== undefined) usage.set(`${name}${STORAGE_CLASS}requests.storage`, size);
}
