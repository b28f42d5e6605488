// The scale subresource: replicas of a workload as autoscaling/v1 Scale, whatever its kind.
// Knows where the workloads keep replicas and selector.
import { managersOfScale, managersWithScale, type ReplicasPath, serverSideApply } from '#kube/api/apply/index.ts';
import { applyPatch } from '#kube/api/patch/index.ts';
import { apiVersionOf } from '#kube/api/resources.ts';
import { schemaFor } from '#kube/api/schema/index.ts';
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
import { applyBody, patchTypeOf } from '../verbs/write.ts';
import { writeOptions } from '../write/options.ts';
import { timestamp } from '../write/times.ts';
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
  if (type === 'apply') return applyScale(request);
  const body = parseAsYaml((await readBody(request.http)).bytes);
  // A Scale has no lists, so the three kinds that merge are one here.
  const kind = type === 'json' ? 'json' : 'merge';
  return writeScale(request, (current) => applyPatch(kind, current, body, undefined));
}

/** Server-side apply: the Scale is merged as any object is, and who owns its number is kept with the workload. */
async function applyScale(request: ResourceRequest): Promise<Reply> {
  const { server } = request;
  const options = writeOptions(request);
  const applied = applyBody(await readBody(request.http), request, { apiVersion: SCALE, kind: 'Scale' });
  const pathOf = replicasPathOf(request);
  return writeScale(
    request,
    (scale, workload) => {
      const managedFields = managersOfScale(workload.metadata?.managedFields, pathOf);
      const live = {
        ...scale,
        metadata: { ...scale.metadata, ...(managedFields === undefined ? {} : { managedFields }) },
      };
      return serverSideApply({
        live,
        applied: mutableCopy(applied),
        manager: options.manager,
        force: options.force,
        schema: schemaFor(SCALE, 'Scale'),
        now: timestamp(server.clock.wall()),
        subresource: 'scale',
      });
    },
    pathOf,
  );
}

/** Versions of the workload may keep the number in places of their own. */
function replicasPathOf({ resource, server }: ResourceRequest): ReplicasPath {
  const { group, resource: plural } = resource.definition;
  return (apiVersion) => {
    const version = apiVersion.slice(apiVersion.indexOf('/') + 1);
    if (apiVersion !== (group === '' ? version : `${group}/${version}`)) return undefined;
    const found = server.registry.find(group, version, plural);
    return found && (found.custom === undefined ? BUILTIN_PATHS : found.custom.scale)?.specReplicas;
  };
}

/** `owners` says that the change brings managedFields of the Scale along. */
async function writeScale(
  request: ResourceRequest,
  change: (scale: AnyObject, workload: AnyObject) => unknown,
  owners?: ReplicasPath,
): Promise<Reply> {
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
    keepManagedFields: owners !== undefined,
  };
  const updated = await updateObject(input, (current) => {
    const scale = change(scaleOf(resource, current), current);
    const replicas = replicasOf(scale, name);
    const next = mutableCopy(current);
    setAt(next, (resource.custom?.scale ?? BUILTIN_PATHS).specReplicas, replicas);
    const version = digString(scale, 'metadata', 'resourceVersion');
    const uid = digString(scale, 'metadata', 'uid');
    next.metadata = { ...next.metadata, resourceVersion: version, ...(uid === '' ? {} : { uid }) };
    if (owners !== undefined) {
      const { managedFields } = (scale as AnyObject).metadata ?? {};
      const workload = current.metadata?.managedFields;
      const all = managersWithScale(workload, managedFields, owners, apiVersionOf(resource.definition));
      if (all === undefined) delete next.metadata.managedFields;
      else next.metadata.managedFields = all;
    }
    return next;
  });
  return { code: 200, object: scaleOf(resource, updated) };
}

/** Throws `StatusError` 400 for what is no Scale, 422 for a number that is none of replicas. */
function replicasOf(scale: unknown, name: string): number {
  if (!isFields(scale) || (scale.kind ?? 'Scale') !== 'Scale')
    throw badRequest('the body of the request is not a Scale: send kind Scale of autoscaling/v1');
  const replicas = dig(scale, 'spec', 'replicas') ?? 0;
  if (typeof replicas === 'number' && Number.isInteger(replicas) && replicas >= 0) return replicas;
  const message = `Invalid value: ${JSON.stringify(replicas)}: must be greater than or equal to 0`;
  throw invalid('autoscaling', 'Scale', name, [{ reason: 'FieldValueInvalid', message, field: 'spec.replicas' }]);
}

const SCALE = 'autoscaling/v1';
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
