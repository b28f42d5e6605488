// What a node may write of itself: its Node without taints and labels that steer pods, mirror pods, status and eviction of
// the pods bound to it, tokens bound to them. Knows objects only. Upstream source: plugin/pkg/admission/noderestriction.
import type { Pod } from 'kubernetes-types/core/v1.js';
import { notFound } from '#kube/api/status.ts';
import { jsonEqual } from '#lib/json.ts';
import { nodeOf } from '../authz/node-name.ts';
import type { ServerContext } from '../context.ts';
import { type AnyObject, dig, digArray, digString, isFields } from '../registry/any-object.ts';
import type { AdmissionAttributes } from './attributes.ts';
import { denied } from './policy/denied.ts';

const MIRROR = 'kubernetes.io/config.mirror';
const LEASES = 'kube-node-lease';
const SAME_LEASE = 'can only access node lease with the same name as the requesting node';

/** Throws `StatusError` 403 in upstream's words. */
export function restrictNode(server: ServerContext, attributes: AdmissionAttributes): void {
  const node = nodeOf(attributes.user);
  if (node === undefined) return;
  const why = objection(server, node, attributes);
  if (why !== undefined) throw denied(attributes, why, 'Forbidden');
}

function objection(server: ServerContext, node: string, attributes: AdmissionAttributes): string | undefined {
  const { resource, subresource, operation } = attributes;
  const { group, resource: plural } = resource.definition;
  const what = `${group === '' ? plural : `${group}/${plural}`}${subresource === '' ? '' : `/${subresource}`}`;
  switch (what) {
    case 'pods':
      return onPod(server, node, attributes);
    case 'pods/status':
      return onPodStatus(node, attributes);
    case 'pods/eviction':
      return isOn(node, podNamed(server, attributes, attributes.name))
        ? undefined
        : `node ${node} can only evict pods with spec.nodeName set to itself`;
    case 'nodes':
    case 'nodes/status':
      return onNode(node, attributes);
    case 'serviceaccounts/token':
      return operation === 'CREATE' ? onToken(server, node, attributes) : undefined;
    case 'coordination.k8s.io/leases':
      if (attributes.namespace !== LEASES) return `can only access leases in the "${LEASES}" system namespace`;
      return attributes.name === node ? undefined : SAME_LEASE;
    case 'storage.k8s.io/csinodes':
      return attributes.name === node ? undefined : 'can only access CSINode with the same name as the requesting node';
    default:
      return undefined;
  }
}

const isOn = (node: string, pod: AnyObject | undefined): boolean => digString(pod, 'spec', 'nodeName') === node;

/** Throws `StatusError` 404. */
function podNamed(server: ServerContext, { namespace }: AdmissionAttributes, name: string): AnyObject {
  const { definition, collection } = server.registry.builtin('', 'v1', 'pods');
  const found = collection.get(namespace, name)?.object;
  if (found === undefined) throw notFound(definition, name);
  return found;
}

function onPod(server: ServerContext, node: string, attributes: AdmissionAttributes): string | undefined {
  const { operation, object, oldObject } = attributes;
  if (operation === 'CREATE') return onMirrorPod(server, node, object ?? {});
  if (operation === 'DELETE') {
    return isOn(node, oldObject) ? undefined : `node ${q(node)} can only delete pods with spec.nodeName set to itself`;
  }
  return `unexpected operation ${q(operation)}, node ${q(node)} can only create and delete mirror pods`;
}

const q = (text: string): string => JSON.stringify(text);

function onMirrorPod(server: ServerContext, node: string, object: AnyObject): string | undefined {
  if (object.metadata?.annotations?.[MIRROR] === undefined) {
    return `pod does not have ${q(MIRROR)} annotation, node ${q(node)} can only create mirror pods`;
  }
  if (!isOn(node, object)) return `node ${q(node)} can only create pods with spec.nodeName set to itself`;
  const owners = object.metadata.ownerReferences ?? [];
  const [owner] = owners;
  if (owners.length > 1) return `node ${q(node)} can only create pods with a single owner reference set to itself`;
  if (owner === undefined || owner.apiVersion !== 'v1' || owner.kind !== 'Node' || owner.name !== node) {
    return `node ${q(node)} can only create pods with an owner reference set to itself`;
  }
  if (owner.controller !== true) {
    return `node ${q(node)} can only create pods with a controller owner reference set to itself`;
  }
  if (owner.blockOwnerDeletion === true) return `node ${q(node)} must not set blockOwnerDeletion on an owner reference`;
  const { definition, collection } = server.registry.builtin('', 'v1', 'nodes');
  const own = collection.get(undefined, node)?.object;
  if (own === undefined) throw notFound(definition, node);
  if (owner.uid !== own.metadata?.uid) {
    return `node ${node} UID mismatch: expected ${owner.uid} got ${own.metadata?.uid}`;
  }
  return references(object as Pod & AnyObject, node);
}

/** A node that could make pods with references could read what they refer to. */
function references(pod: Pod & AnyObject, node: string): string | undefined {
  const refused = (what: string): string => `node ${q(node)} can not create pods that reference ${what}`;
  if ((pod.spec?.serviceAccountName ?? '') !== '') return refused('a service account');
  const text = JSON.stringify(pod.spec ?? {});
  if (/"(secretName|secretRef|secretKeyRef|secret|imagePullSecrets|nodePublishSecretRef)":/.test(text)) {
    return refused('secrets');
  }
  if (/"(configMap|configMapRef|configMapKeyRef)":/.test(text)) return refused('configmaps');
  if (/"clusterTrustBundle":/.test(text)) return refused('clustertrustbundles');
  const volumes = digArray(pod, 'spec', 'volumes');
  if (volumes.some((volume) => isFields(dig(volume, 'persistentVolumeClaim'))))
    return refused('persistentvolumeclaims');
  return undefined;
}

function onPodStatus(node: string, { operation, object, oldObject }: AdmissionAttributes): string | undefined {
  if (operation !== 'UPDATE') return `unexpected operation ${q(operation)}`;
  if (!isOn(node, oldObject)) {
    return `node ${q(node)} can only update pod status for pods with spec.nodeName set to itself`;
  }
  if (!jsonEqual(object?.metadata?.labels ?? {}, oldObject?.metadata?.labels ?? {})) {
    return `node ${q(node)} cannot update labels through pod status`;
  }
  return undefined;
}

function onNode(node: string, { operation, name, object, oldObject }: AdmissionAttributes): string | undefined {
  if (name !== node) return `node ${q(node)} is not allowed to modify node ${q(name)}`;
  const forbidden = forbiddenLabels(object?.metadata?.labels ?? {}, oldObject?.metadata?.labels ?? {});
  if (operation === 'CREATE' && forbidden.length > 0) {
    return `node ${q(node)} is not allowed to set the following labels: ${forbidden.join(', ')}`;
  }
  if (operation !== 'UPDATE') return undefined;
  if (!jsonEqual(dig(object, 'spec', 'taints') ?? [], dig(oldObject, 'spec', 'taints') ?? [])) {
    return `node ${q(node)} is not allowed to modify taints`;
  }
  return forbidden.length > 0 ? `is not allowed to modify labels: ${forbidden.join(', ')}` : undefined;
}

/** What a kubelet may say of itself among the labels that are Kubernetes' own. */
const KUBELET_LABELS: ReadonlySet<string> = new Set([
  'kubernetes.io/hostname',
  'kubernetes.io/os',
  'kubernetes.io/arch',
  'topology.kubernetes.io/zone',
  'topology.kubernetes.io/region',
  'failure-domain.beta.kubernetes.io/zone',
  'failure-domain.beta.kubernetes.io/region',
  'node.kubernetes.io/instance-type',
  'beta.kubernetes.io/instance-type',
  'beta.kubernetes.io/os',
  'beta.kubernetes.io/arch',
]);
const KUBELET_DOMAINS = ['kubelet.kubernetes.io', 'node.kubernetes.io'];

function forbiddenLabels(next: Readonly<Record<string, string>>, before: Readonly<Record<string, string>>): string[] {
  const changed = new Set([...Object.keys(next), ...Object.keys(before)].filter((key) => next[key] !== before[key]));
  return [...changed].filter(isForbidden).sort();
}

function isForbidden(key: string): boolean {
  const domain = key.includes('/') ? (key.split('/')[0] ?? '') : '';
  const within = (parent: string): boolean => domain === parent || domain.endsWith(`.${parent}`);
  if (within('node-restriction.kubernetes.io')) return true;
  if (!within('kubernetes.io') && !within('k8s.io')) return false;
  return !KUBELET_LABELS.has(key) && !KUBELET_DOMAINS.some(within);
}

function onToken(server: ServerContext, node: string, attributes: AdmissionAttributes): string | undefined {
  const reference = dig(attributes.object, 'spec', 'boundObjectRef');
  const [kind, name, uid] = [digString(reference, 'kind'), digString(reference, 'name'), digString(reference, 'uid')];
  if (digString(reference, 'apiVersion') !== 'v1' || kind !== 'Pod' || name === '') {
    return 'node requested token not bound to a pod';
  }
  if (uid === '') return 'node requested token with a pod binding without a uid';
  const pod = podNamed(server, attributes, name);
  if (uid !== pod.metadata?.uid) {
    return `the UID in the bound object reference (${uid}) does not match the UID in record. The object might have been deleted and then recreated`;
  }
  return isOn(node, pod) ? undefined : 'node requested token bound to a pod scheduled on a different node';
}
