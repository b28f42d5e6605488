// What a node may ask for at all: its pods and the objects that they refer to, its own Lease and CSINode. Roles grant the
// rest, and admission holds writes to what is the node's. All Nodes may be read, as nodes announce addresses together. Upstream source: plugin/pkg/auth/authorizer/node.
import { digString } from '../registry/any-object.ts';
import type { Registry } from '../registry/registry.ts';
import { type Attributes, type ResourceAttributes, selected } from './attributes.ts';
import type { Authorizer } from './authorizer.ts';
import type { NodeGraph, Referred } from './node-graph.ts';
import { nodeOf } from './node-name.ts';

const LEASES = 'kube-node-lease';
const READS = ['get', 'list', 'watch'];
const OWN = ['get', 'create', 'update', 'patch', 'delete'];

/** Refuses what is none of a node's business, before `inner` is asked. */
export function restrictNodes(inner: Authorizer, registry: Registry, graph: NodeGraph): Authorizer {
  return {
    authorize(user, attributes) {
      const node = nodeOf(user);
      const reason = node === undefined ? undefined : objection(registry, graph, node, attributes);
      return reason === undefined ? inner.authorize(user, attributes) : { allowed: false, reason };
    },
  };
}

function objection(registry: Registry, graph: NodeGraph, node: string, attributes: Attributes): string | undefined {
  if (attributes.kind === 'path') return undefined;
  const { group, resource } = attributes;
  const unrelated = `no relationship found between node '${node}' and this object`;
  switch (group === '' ? resource : `${group}/${resource}`) {
    case 'secrets':
      // The key by which the nodes of a cluster know each other's word is made by one of them.
      return attributes.verb === 'create' || isShared(registry, attributes)
        ? undefined
        : toRead(graph, node, 'secrets', attributes, unrelated);
    case 'configmaps':
      return toRead(graph, node, 'configmaps', attributes, unrelated);
    case 'pods':
      return toPods(graph, node, attributes, unrelated);
    case 'persistentvolumeclaims':
      return toClaim(graph, node, attributes, unrelated);
    case 'persistentvolumes':
      return toGet(attributes) ?? (graph.refersToVolume(node, attributes.name) ? undefined : unrelated);
    case 'serviceaccounts':
      return attributes.subresource === 'token' ? toToken(graph, node, attributes, unrelated) : undefined;
    case 'coordination.k8s.io/leases':
      return toLease(node, attributes);
    case 'storage.k8s.io/csinodes':
      return toCsiNode(node, attributes);
    default:
      return undefined;
  }
}

function toRead(
  graph: NodeGraph,
  node: string,
  kind: Referred,
  { verb, subresource, namespace, name }: ResourceAttributes,
  unrelated: string,
): string | undefined {
  if (!READS.includes(verb)) return 'can only read resources of this type';
  if (subresource !== '') return 'cannot read subresource';
  if (namespace === '') return 'can only read namespaced object of this type';
  if (name === '') return 'No Object name found';
  return graph.refers(node, kind, namespace, name) ? undefined : unrelated;
}

/** Writes are admission's matter. */
function toPods(graph: NodeGraph, node: string, attributes: ResourceAttributes, unrelated: string): string | undefined {
  const { verb, subresource, namespace, name, fieldSelector = '' } = attributes;
  if (!READS.includes(verb)) return undefined;
  if (verb === 'get') return toGet(attributes) ?? (graph.holds(node, namespace, name) ? undefined : unrelated);
  if (selected(fieldSelector, 'spec.nodeName') === node) return undefined;
  if (subresource !== '' || name === '') return 'can only list/watch pods with spec.nodeName field selector';
  return graph.holds(node, namespace, name) ? undefined : unrelated;
}

function toGet({ verb, subresource, name }: ResourceAttributes): string | undefined {
  if (verb !== 'get') return 'can only get individual resources of this type';
  if (subresource !== '') return 'cannot get subresource';
  return name === '' ? 'No Object name found' : undefined;
}

function toClaim(
  graph: NodeGraph,
  node: string,
  attributes: ResourceAttributes,
  unrelated: string,
): string | undefined {
  const { verb, subresource, namespace, name } = attributes;
  if (subresource === 'status') {
    if (verb !== 'update' && verb !== 'patch') return 'can only get/update/patch this type';
  } else {
    const wrong = toGet(attributes);
    if (wrong !== undefined) return wrong;
  }
  return graph.refers(node, 'persistentvolumeclaims', namespace, name) ? undefined : unrelated;
}

function toToken(
  graph: NodeGraph,
  node: string,
  { verb, namespace, name }: ResourceAttributes,
  unrelated: string,
): string | undefined {
  if (verb !== 'create' || name === '') return 'can only create tokens for individual service accounts';
  return graph.refers(node, 'serviceaccounts', namespace, name) ? undefined : unrelated;
}

function toLease(node: string, { verb, namespace, name }: ResourceAttributes): string | undefined {
  if (!OWN.includes(verb)) return 'can only get, create, update, patch, or delete a node lease';
  if (namespace !== LEASES) return `can only access leases in the "${LEASES}" system namespace`;
  // A new one has its name in the body, where admission reads it.
  if (verb === 'create' || name === node) return undefined;
  return 'can only access node lease with the same name as the requesting node';
}

function toCsiNode(node: string, { verb, subresource, name }: ResourceAttributes): string | undefined {
  if (!OWN.includes(verb)) return 'can only get, create, update, patch, or delete a CSINode';
  if (subresource !== '') return 'cannot authorize CSINode subresources';
  if (verb === 'create' || name === node) return undefined;
  return 'can only access CSINode with the same name as the requesting node';
}

/**
 * What nodes share as announcers of addresses: the key that our own program has made, and the passwords that peers of
 * routers name. Of what is not there the answer is that it is not.
 */
function isShared(registry: Registry, { verb, subresource, namespace, name }: ResourceAttributes): boolean {
  if (verb !== 'get' || subresource !== '' || name === '') return false;
  const secret = registry.builtin('', 'v1', 'secrets').collection.get(namespace, name)?.object;
  if (secret === undefined) return true;
  if (secret.type === 'Opaque' && secret.metadata?.labels?.['app.kubernetes.io/managed-by'] === 'evenkeel') return true;
  for (const { definition, collection } of registry.resources()) {
    if (definition.group !== 'metallb.io' || definition.resource !== 'bgppeers') continue;
    for (const { object } of collection.list()) {
      const own = object.metadata?.namespace ?? '';
      const where = digString(object, 'spec', 'passwordSecret', 'namespace') || own;
      if (where === namespace && digString(object, 'spec', 'passwordSecret', 'name') === name) return true;
    }
  }
  return false;
}
