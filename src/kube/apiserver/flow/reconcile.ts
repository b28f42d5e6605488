// Keeps the FlowSchemas and levels that every cluster has, and says of each schema whether its level is there.
// Knows how to mend them; what is in them is defaults.ts. Upstream source: pkg/registry/flowcontrol/ensurer.
import { apiVersionOf } from '#kube/api/resources.ts';
import { StatusError } from '#kube/api/status.ts';
import { jsonEqual } from '#lib/json.ts';
import { rerun } from '#lib/rerun.ts';
import { MASTERS } from '../authz/authorizer.ts';
import type { ServerContext } from '../context.ts';
import { type AnyObject, digArray, digString } from '../registry/any-object.ts';
import type { Resource } from '../registry/registry.ts';
import { createObject } from '../write/create.ts';
import { decode } from '../write/input.ts';
import { timestamp } from '../write/times.ts';
import { updateObject } from '../write/update.ts';
import { FLOW_GROUP } from './control.ts';
import { mandatoryLevels, mandatorySchemas, suggestedLevels, suggestedSchemas } from './defaults.ts';

/** `false`: the specification is whatever somebody has made of it. */
const AUTO_UPDATE = 'apf.kubernetes.io/autoupdate-spec';
const WRITER = {
  user: { name: 'system:apiserver', groups: [MASTERS] },
  options: { dryRun: false, manager: 'api-priority-and-fairness-config-producer-v1' },
};

/** Idempotent. */
export async function reconcileFlows(server: ServerContext): Promise<void> {
  const levels = server.registry.builtin(FLOW_GROUP, 'v1', 'prioritylevelconfigurations');
  const schemas = server.registry.builtin(FLOW_GROUP, 'v1', 'flowschemas');
  await Promise.all([
    ...mandatoryLevels.map(({ name, spec }) => ensure(server, levels, name, spec, true)),
    ...suggestedLevels.map(({ name, spec }) => ensure(server, levels, name, spec, false)),
  ]);
  await Promise.all([
    ...mandatorySchemas.map(({ name, spec }) => ensure(server, schemas, name, spec, true)),
    ...suggestedSchemas.map(({ name, spec }) => ensure(server, schemas, name, spec, false)),
  ]);
  await tellDangling(server);
}

/** Until the returned function is called: what is mandatory comes back, and schemas without a level say so. */
export function followFlows(server: ServerContext): () => void {
  const { registry, closing, log } = server;
  const run = rerun(
    async () => {
      if (!closing.aborted) await reconcileFlows(server);
    },
    (error) => {
      if (!closing.aborted) log.warn({ error: String(error) }, 'Cannot mend FlowSchemas and their levels');
    },
  );
  const stops = ['flowschemas', 'prioritylevelconfigurations'].map((each) =>
    registry.builtin(FLOW_GROUP, 'v1', each).collection.subscribe(run),
  );
  return () => {
    for (const stop of stops) stop();
  };
}

async function ensure(
  server: ServerContext,
  resource: Resource,
  name: string,
  spec: object,
  mandatory: boolean,
): Promise<void> {
  const { definition } = resource;
  const wanted: AnyObject = {
    apiVersion: apiVersionOf(definition),
    kind: definition.kind,
    metadata: { name, annotations: { [AUTO_UPDATE]: 'true' } },
    spec: structuredClone(spec) as AnyObject['spec'] & object,
  };
  decode(resource, wanted, 'Strict', []);
  const known = resource.collection.get(undefined, name)?.object;
  try {
    if (known === undefined) {
      await createObject({ server, resource, ...WRITER }, wanted);
      return;
    }
    const ours = mandatory || (known.metadata?.annotations?.[AUTO_UPDATE] ?? 'true') === 'true';
    if (!ours || jsonEqual(known.spec, wanted.spec)) return;
    // Whoever changes one that is only suggested has it for good.
    const changed = !mandatory && (known.metadata?.generation ?? 1) > 1;
    await updateObject({ server, resource, namespace: undefined, name, ...WRITER }, (current) => ({
      ...structuredClone(current),
      ...(changed
        ? {
            metadata: {
              ...current.metadata,
              annotations: { ...current.metadata?.annotations, [AUTO_UPDATE]: 'false' },
            },
          }
        : { spec: wanted.spec ?? {} }),
    }));
  } catch (error) {
    // Another start, or a change in between: it is looked at again.
    if (!(error instanceof StatusError) || (error.code !== 404 && error.code !== 409)) throw error;
  }
}

async function tellDangling(server: ServerContext): Promise<void> {
  const schemas = server.registry.builtin(FLOW_GROUP, 'v1', 'flowschemas');
  await Promise.all(schemas.collection.list().map(({ object }) => tellOne(server, schemas, object)));
}

async function tellOne(server: ServerContext, resource: Resource, object: AnyObject): Promise<void> {
  const levels = server.registry.builtin(FLOW_GROUP, 'v1', 'prioritylevelconfigurations').collection;
  const level = digString(object, 'spec', 'priorityLevelConfiguration', 'name');
  const found = levels.get(undefined, level) !== undefined;
  const text = `This FlowSchema references the PriorityLevelConfiguration object named ${JSON.stringify(level)}`;
  const told = {
    type: 'Dangling',
    status: found ? 'False' : 'True',
    reason: found ? 'Found' : 'NotFound',
    message: found ? `${text} and it exists` : `${text} but there is no such object`,
  };
  const before = digArray(object, 'status', 'conditions')[0] as Record<string, unknown> | undefined;
  if (before?.status === told.status && before.message === told.message) return;
  const condition = { ...told, lastTransitionTime: timestamp(server.clock.wall()) };
  const name = object.metadata?.name ?? '';
  const input = { server, resource, namespace: undefined, name, ...WRITER, subresource: 'status' as const };
  try {
    await updateObject(input, (current) => ({ ...current, status: { conditions: [condition] } }));
  } catch (error) {
    // Deleted meanwhile.
    if (!(error instanceof StatusError) || error.code !== 404) throw error;
  }
}
