// The finalize subresource of Namespaces: the one way to change `spec.finalizers`.
// Knows Namespaces only.
import { nameOf, type Reply, type ResourceRequest } from '../context.ts';
import { digArray, mutableCopy } from '../registry/any-object.ts';
import { readObject } from '../write/input.ts';
import { writeOptions } from '../write/options.ts';
import { updateObject } from '../write/update.ts';

export async function finalizeNamespace(request: ResourceRequest): Promise<Reply> {
  const { server, resource, user } = request;
  const options = writeOptions(request);
  const body = await readObject(request, options);
  const input = {
    server,
    resource,
    user,
    namespace: undefined,
    name: nameOf(request),
    options,
    subresource: 'finalize' as const,
  };
  const updated = await updateObject(input, (current) => {
    const next = mutableCopy(current);
    const finalizers = [...digArray(body, 'spec', 'finalizers')];
    next.spec = finalizers.length === 0 ? {} : { finalizers };
    next.metadata = { ...next.metadata, resourceVersion: body.metadata?.resourceVersion ?? '' };
    return next;
  });
  return { code: 200, object: updated };
}
