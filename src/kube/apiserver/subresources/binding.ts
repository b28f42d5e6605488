// The binding subresource: the scheduler's word on which node a Pod runs.
// Knows Pods only.
import { badRequest, conflict } from '#kube/api/status.ts';
import { admitPosted } from '../admission/connect.ts';
import { nameOf, type Reply, type ResourceRequest } from '../context.ts';
import { readParsed } from '../http/body.ts';
import { type AnyObject, digArray, digString, isFields, mutableCopy } from '../registry/any-object.ts';
import { writeOptions } from '../write/options.ts';
import { timestamp } from '../write/times.ts';
import { updateObject } from '../write/update.ts';

export async function bindPod(request: ResourceRequest): Promise<Reply> {
  const { server, resource, user, namespace } = request;
  const name = nameOf(request);
  const body = await readParsed(request.http);
  const node = digString(body, 'target', 'name');
  if (node === '') throw badRequest(`Binding "${name}" is invalid: target.name: Required value: name the node`);
  const kind = digString(body, 'target', 'kind');
  if (kind !== '' && kind !== 'Node') {
    throw badRequest(
      `Binding "${name}" is invalid: target.kind: Unsupported value: ${JSON.stringify(kind)}: supported values: "Node"`,
    );
  }
  const binding = { apiVersion: 'v1', kind: 'Binding', ...(body as AnyObject) };
  await admitPosted(request, binding, { group: '', version: 'v1', kind: 'Binding' });
  const input = {
    server,
    resource,
    user,
    namespace,
    name,
    options: writeOptions(request),
    subresource: 'internal' as const,
  };
  await updateObject(input, (current) => {
    const bindings = { group: '', resource: 'pods/binding' };
    const assigned = digString(current, 'spec', 'nodeName');
    if (current.metadata?.deletionTimestamp !== undefined) {
      throw conflict(bindings, name, `pod ${name} is being deleted, cannot be assigned to a host`);
    }
    if (digArray(current, 'spec', 'schedulingGates').length > 0) {
      throw conflict(bindings, name, `pod ${name} has non-empty .spec.schedulingGates`);
    }
    if (assigned !== '')
      throw conflict(bindings, name, `pod ${name} is already assigned to node ${JSON.stringify(assigned)}`);
    const next = mutableCopy(current);
    next.spec = { ...next.spec, nodeName: node };
    const others = digArray(next, 'status', 'conditions').filter(
      (condition) => isFields(condition) && condition.type !== 'PodScheduled',
    );
    const scheduled = {
      type: 'PodScheduled',
      status: 'True',
      lastProbeTime: null,
      lastTransitionTime: timestamp(server.clock.wall()),
    };
    next.status = { ...next.status, conditions: [...others, scheduled] };
    const version = digString(body, 'metadata', 'resourceVersion');
    next.metadata = { ...next.metadata, resourceVersion: version };
    return next;
  });
  return { code: 201, object: { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 } };
}
