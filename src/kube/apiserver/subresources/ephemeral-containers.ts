// The ephemeralcontainers subresource: containers that are added to a running pod, and nothing else of it.
// Knows Pods only; what such a container may be is validation's matter.
import { applyPatch } from '#kube/api/patch/index.ts';
import { badRequest } from '#kube/api/status.ts';
import { nameOf, type Reply, type ResourceRequest } from '../context.ts';
import { parseJson, readBody } from '../http/body.ts';
import { type AnyObject, dig, mutableCopy } from '../registry/any-object.ts';
import { patchTypeOf } from '../verbs/write.ts';
import { decode, readObject } from '../write/input.ts';
import { writeOptions } from '../write/options.ts';
import { updateObject } from '../write/update.ts';

export async function putEphemeralContainers(request: ResourceRequest): Promise<Reply> {
  const given = await readObject(request, writeOptions(request));
  return await write(request, () => given);
}

export async function patchEphemeralContainers(request: ResourceRequest): Promise<Reply> {
  const type = patchTypeOf(request);
  if (type === 'apply') throw badRequest('containers are added to a running pod by an update or a patch, not by apply');
  const body = parseJson((await readBody(request.http)).bytes);
  const { fieldValidation } = writeOptions(request);
  const { resource, warnings } = request;
  return await write(request, (current) => {
    const next = applyPatch(type, current, body, resource.schema()) as AnyObject;
    decode(resource, next, fieldValidation, warnings);
    return next;
  });
}

/** As upstream, everything else in what was sent is left out of account. */
async function write(request: ResourceRequest, change: (current: AnyObject) => AnyObject): Promise<Reply> {
  const { server, resource, user, namespace } = request;
  const name = nameOf(request);
  const options = writeOptions(request);
  const { warnings, annotate } = request;
  const subresource = 'ephemeralcontainers' as const;
  const input = { server, resource, user, namespace, name, options, subresource, warnings, annotate };
  const object = await updateObject(input, (current) => {
    const given = change(current);
    const next = mutableCopy(current);
    const containers = dig(given, 'spec', 'ephemeralContainers');
    const { ephemeralContainers: _, ...rest } = next.spec ?? {};
    next.spec = { ...rest, ...(containers === undefined ? {} : { ephemeralContainers: containers }) };
    // Preconditions are what the client has seen.
    const { resourceVersion = '', uid = '' } = given.metadata ?? {};
    next.metadata = { ...next.metadata, resourceVersion, ...(uid === '' ? {} : { uid }) };
    return next;
  });
  return { code: 200, object };
}
