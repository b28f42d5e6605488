// The approval subresource of requests for certificates: to approve or to deny, which is all that it changes.
// Knows how the decision comes in; who may decide is in strategy.ts.
import { applyPatch } from '#kube/api/patch/index.ts';
import { unsupportedMediaType } from '#kube/api/status.ts';
import { nameOf, type Reply, type ResourceRequest } from '../context.ts';
import { parseJson, readBody } from '../http/body.ts';
import type { AnyObject } from '../registry/any-object.ts';
import { patchTypeOf } from '../verbs/write.ts';
import { readObject } from '../write/input.ts';
import { writeOptions } from '../write/options.ts';
import { strategyContext } from '../write/strategy-context.ts';
import { updateObject } from '../write/update.ts';
import { approved } from './strategy.ts';

export async function putApproval(request: ResourceRequest): Promise<Reply> {
  const sent = await readObject(request, writeOptions(request));
  return decide(request, () => sent);
}

/** Throws `StatusError` 415 for an apply: a decision is made once, and owned by nobody. */
export async function patchApproval(request: ResourceRequest): Promise<Reply> {
  const type = patchTypeOf(request);
  if (type === 'apply') throw unsupportedMediaType('apply is not supported on the approval subresource');
  const body = parseJson((await readBody(request.http)).bytes);
  return decide(request, (current) => applyPatch(type, current, body, request.resource.schema()) as AnyObject);
}

async function decide(request: ResourceRequest, change: (current: AnyObject) => AnyObject): Promise<Reply> {
  const { server, resource, user } = request;
  const input = {
    server,
    resource,
    user,
    namespace: undefined,
    name: nameOf(request),
    options: writeOptions(request),
    subresource: 'approval' as const,
  };
  const context = strategyContext(server, user);
  const object = await updateObject(input, (current) => approved(change(current), current, context));
  return { code: 200, object };
}
