// The scale subresource: replicas of a workload as autoscaling/v1 Scale, whatever its kind.
// Knows where the workloads keep replicas and selector.
import { applyPatch } from '#kube/api/patch/index.ts';
import { labelSelectorQuery } from '#kube/api/selector.ts';
import { badRequest, invalid, notFound } from '#kube/api/status.ts';
import { nameOf, type Reply, type ResourceRequest } from '../context.ts';
import { parseAsYaml, readBody, readParsed } from '../http/body.ts';
import {
  type AnyObject,
  dig,
  digNumber,
  digString,
  type Fields,
  isFields,
  mutableCopy,
} from '../registry/any-object.ts';
import type { Resource, ScalePaths } from '../registry/registry.ts';
import { patchTypeOf } from '../verbs/write.ts';
import { writeOptions } from '../write/options.ts';
import { updateObject } from '../write/update.ts';

export async function getScale(request: ResourceRequest): Promise<Reply> {
  const stored = request.resource.collection.get(request.namespace, nameOf(request));
  if (stored === undefined) throw notFound(request.resource.definition, nameOf(request));
  await request.resource.prepare([stored.object]);
  return { code: 200, object: scaleOf(request.resource, request.resource.view(stored.object)) };
}

export async function putScale(request: ResourceRequest): Promise<Reply> {
  const body = await readParsed(request.http);
  return writeScale(request, () => body);
}

export async function patchScale(request: ResourceRequest): Promise<Reply> {
  const type = patchTypeOf(request);
  const body = parseAsYaml((await readBody(request.http)).bytes);
  // A Scale has no lists, so the three kinds that merge are one here.
  const kind = type === 'json' ? 'json' : 'merge';
  return writeScale(request, (current) => applyPatch(kind, current, body, undefined));
}

async function writeScale(request: ResourceRequest, change: (scale: AnyObject) => unknown): Promise<Reply> {
  const { server, resource, namespace, user } = request;
  const name = nameOf(request);
  const input = {
    server,
    resource,
    user,
    namespace,
    name,
    options: writeOptions(request),
    subresource: 'scale' as const,
  };
  const updated = await updateObject(input, (current) => {
    const scale = change(scaleOf(resource, current));
    if (!isFields(scale) || (scale.kind ?? 'Scale') !== 'Scale')
      throw badRequest('the body of the request is not a Scale: send kind Scale of autoscaling/v1');
    const replicas = dig(scale, 'spec', 'replicas') ?? 0;
    if (typeof replicas !== 'number' || !Number.isInteger(replicas) || replicas < 0) {
      throw invalid('autoscaling', 'Scale', name, [
        {
          reason: 'FieldValueInvalid',
          message: `Invalid value: ${JSON.stringify(replicas)}: must be greater than or equal to 0`,
          field: 'spec.replicas',
        },
      ]);
    }
    const next = mutableCopy(current);
    setAt(next, (resource.custom?.scale ?? BUILTIN_PATHS).specReplicas, replicas);
    const version = digString(scale, 'metadata', 'resourceVersion');
    const uid = digString(scale, 'metadata', 'uid');
    next.metadata = { ...next.metadata, resourceVersion: version, ...(uid === '' ? {} : { uid }) };
    return next;
  });
  return { code: 200, object: scaleOf(resource, updated) };
}

const BUILTIN_PATHS: ScalePaths = {
  specReplicas: ['spec', 'replicas'],
  statusReplicas: ['status', 'replicas'],
  selector: undefined,
};

function scaleOf({ custom }: Resource, workload: AnyObject): AnyObject {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = workload.metadata ?? {};
  const paths = custom?.scale ?? BUILTIN_PATHS;
  const selector =
    custom === undefined ? selectorText(workload) : paths.selector && digString(workload, ...paths.selector);
  return {
    kind: 'Scale',
    apiVersion: 'autoscaling/v1',
    metadata: JSON.parse(JSON.stringify({ name, namespace, uid, resourceVersion, creationTimestamp })),
    spec: { replicas: digNumber(workload, ...paths.specReplicas) ?? 0 },
    status: { replicas: digNumber(workload, ...paths.statusReplicas) ?? 0, ...(selector ? { selector } : {}) },
  };
}

function setAt(object: Fields, path: readonly string[], value: unknown): void {
  let at = object;
  for (const step of path.slice(0, -1)) {
    const inner = isFields(at[step]) ? at[step] : {};
    at[step] = inner;
    at = inner;
  }
  at[path.at(-1) ?? ''] = value;
}

/** A ReplicationController has a plain map, the others a LabelSelector. */
function selectorText(workload: AnyObject): string {
  const selector = dig(workload, 'spec', 'selector');
  if (!isFields(selector)) return '';
  const isMap = workload.kind === 'ReplicationController';
  const query = labelSelectorQuery(isMap ? { matchLabels: selector as Record<string, string> } : selector);
  return query.toString();
}
