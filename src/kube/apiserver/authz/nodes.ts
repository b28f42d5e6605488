// A node may write what is its own: its Node and Lease, the pods bound to it, tokens of the accounts that those run as.
// Knows objects and attributes; roles grant the verbs. Upstream source: plugin/pkg/auth/authorizer/node, plugin/pkg/admission/noderestriction.
import type { User } from '../http/authn.ts';
import { digString } from '../registry/any-object.ts';
import type { Registry } from '../registry/registry.ts';
import type { Attributes, ResourceAttributes } from './attributes.ts';
import type { Authorizer } from './authorizer.ts';

const NODES = 'system:nodes';
const PREFIX = 'system:node:';
const LEASES = 'kube-node-lease';
const READS = ['get', 'list', 'watch'];

/** Refuses what is another node's, before `inner` is asked. */
export function restrictNodes(inner: Authorizer, registry: Registry): Authorizer {
  return {
    authorize(user, attributes) {
      const node = nodeOf(user);
      const reason = node === undefined ? undefined : objection(registry, node, attributes);
      return reason === undefined ? inner.authorize(user, attributes) : { allowed: false, reason };
    },
  };
}

function nodeOf({ name, groups }: User): string | undefined {
  return name.startsWith(PREFIX) && groups.includes(NODES) ? name.slice(PREFIX.length) : undefined;
}

function objection(registry: Registry, node: string, attributes: Attributes): string | undefined {
  if (attributes.kind === 'path' || READS.includes(attributes.verb)) return undefined;
  const { group, resource, subresource, namespace, name } = attributes;
  if (group === 'coordination.k8s.io' && resource === 'leases' && namespace === LEASES) {
    // A new one has its name in the body; its owner renews it, and nobody else can.
    return name === '' || name === node
      ? undefined
      : 'can only access node lease with the same name as the requesting node';
  }
  if (group !== '') return undefined;
  if (resource === 'nodes') {
    if (name === '' || name === node) return undefined;
    return `node ${JSON.stringify(node)} is not allowed to modify node ${JSON.stringify(name)}`;
  }
  if (resource === 'pods') return podObjection(registry, node, attributes);
  if (resource === 'serviceaccounts' && subresource === 'token') {
    return runsAs(registry, node, attributes)
      ? undefined
      : `no relationship found between node ${JSON.stringify(node)} and this object`;
  }
  return undefined;
}

function podObjection(registry: Registry, node: string, attributes: ResourceAttributes): string | undefined {
  const { verb, subresource, namespace, name } = attributes;
  const pod = registry.builtin('', 'v1', 'pods').collection.get(namespace, name)?.object;
  // Of one that is gone the answer is that it is.
  if (pod === undefined || digString(pod, 'spec', 'nodeName') === node) return undefined;
  if (subresource === 'status') {
    return `node ${JSON.stringify(node)} can only update pod status for pods with spec.nodeName set to itself`;
  }
  return `node ${JSON.stringify(node)} can only ${verb} pods with spec.nodeName set to itself`;
}

function runsAs(registry: Registry, node: string, { namespace, name }: ResourceAttributes): boolean {
  return registry
    .builtin('', 'v1', 'pods')
    .collection.list(namespace)
    .some(
      ({ object }) =>
        digString(object, 'spec', 'nodeName') === node && digString(object, 'spec', 'serviceAccountName') === name,
    );
}
