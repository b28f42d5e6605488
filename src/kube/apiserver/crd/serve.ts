// Serves what CustomResourceDefinitions define, as they come, change and go.
// Knows definitions and the registry; custom objects then take the same path as all others.
import type { ServerContext } from '../context.ts';
import { type AnyObject, digArray } from '../registry/any-object.ts';
import type { Resource } from '../registry/registry.ts';
import { deleteObject } from '../write/delete.ts';
import { timestamp } from '../write/times.ts';
import { updateObject } from '../write/update.ts';
import { convertByWebhook } from './converter.ts';
import { type AskWebhook, type ServedVersion, servedVersions } from './custom-resource.ts';
import { isTrue, namedStatus, withCondition } from './names.ts';
import { CLEANUP_FINALIZER } from './strategy.ts';

const SYSTEM = { name: 'system:apiserver', groups: ['system:masters'] } as const;

/** Runs until the returned function is called. */
export function serveCustomResources(server: ServerContext): () => void {
  const { registry } = server;
  const definitions = registry.builtin('apiextensions.k8s.io', 'v1', 'customresourcedefinitions');
  const served = new Map<string, readonly ServedVersion[]>();
  const clearing = new Map<string, () => void>();

  const convert: AskWebhook = (webhook, objects, apiVersion) => convertByWebhook(server, webhook, objects, apiVersion);
  const withdraw = (name: string): void => {
    for (const { definition } of served.get(name) ?? []) {
      registry.removeCustom(definition.group, definition.version, definition.resource);
    }
    served.delete(name);
  };
  const offer = (crd: AnyObject): void => {
    const name = crd.metadata?.name ?? '';
    withdraw(name);
    const versions: ServedVersion[] = [];
    try {
      for (const version of isTrue(crd, 'Established') ? servedVersions(crd, convert) : []) {
        registry.addCustom(version.definition, version.strategy, version.custom);
        versions.push(version);
      }
    } catch (error) {
      // One definition that makes no sense must not keep the others, or the server, from working.
      server.log.error({ error, definition: name }, 'Cannot serve a custom resource');
    }
    served.set(name, versions);
    if (crd.metadata?.deletionTimestamp !== undefined && !clearing.has(name)) {
      clearing.set(name, clear(server, definitions, crd, versions[0]));
    }
  };

  for (const { object } of definitions.collection.list()) offer(object);
  const stop = definitions.collection.subscribe(({ type, now }) => {
    if (type === 'put') offer(now.object);
    else {
      const name = now.object.metadata?.name ?? '';
      clearing.get(name)?.();
      clearing.delete(name);
      withdraw(name);
      // What it held may be what others wait for.
      queueMicrotask(() => settleNames(server, definitions));
    }
  });
  return () => {
    stop();
    for (const end of clearing.values()) end();
  };
}

/** Deletes every object of a definition that is going, and lets it go when the last one has. */
function clear(
  server: ServerContext,
  definitions: Resource,
  crd: AnyObject,
  version: ServedVersion | undefined,
): () => void {
  const report = (error: unknown): void => {
    if (server.closing.aborted) return;
    server.log.error({ error, definition: crd.metadata?.name }, 'Cannot clear away a custom resource');
  };
  const release = async (): Promise<void> => {
    const name = crd.metadata?.name ?? '';
    const now = timestamp(server.clock.wall());
    await change(server, definitions, name, (current) => {
      const message = 'removed all instances';
      const done = { type: 'Terminating', status: 'False', reason: 'InstanceDeletionCompleted', message } as const;
      const conditions = withCondition(digArray(current, 'status', 'conditions'), done, now);
      return { ...current, status: { ...current.status, conditions } };
    });
    await change(server, definitions, name, (current) => {
      const finalizers = (current.metadata?.finalizers ?? []).filter((each) => each !== CLEANUP_FINALIZER);
      return { ...current, metadata: { ...current.metadata, finalizers } };
    });
  };
  const { group = '', version: name = '', resource: plural = '' } = version?.definition ?? {};
  const resource = server.registry.find(group, name, plural);
  if (resource === undefined || resource.collection.list().length === 0) {
    // After the change that is being told now, which this write would otherwise overtake.
    queueMicrotask(() => void release().catch(report));
    return () => {};
  }
  const { collection } = resource;
  const stop = collection.subscribe(() => {
    if (collection.list().length > 0) return;
    stop();
    release().catch(report);
  });
  for (const { object } of collection.list()) {
    const { namespace, name: objectName = '' } = object.metadata ?? {};
    deleteObject({ server, resource, namespace, name: objectName }, {}).catch(report);
  }
  return stop;
}

/** Names that were in use may be free now. */
function settleNames(server: ServerContext, definitions: Resource): void {
  if (server.closing.aborted) return;
  const all = (): AnyObject[] => definitions.collection.list().map((each) => each.object);
  for (const crd of all().filter((each) => !isTrue(each, 'NamesAccepted'))) {
    const name = crd.metadata?.name ?? '';
    const now = timestamp(server.clock.wall());
    change(server, definitions, name, (current) => ({ ...current, status: namedStatus(current, all(), now) })).catch(
      (error: unknown) => {
        if (!server.closing.aborted)
          server.log.error({ error, definition: name }, 'Cannot settle the names of a definition');
      },
    );
  }
}

function change(
  server: ServerContext,
  definitions: Resource,
  name: string,
  make: (current: AnyObject) => AnyObject,
): Promise<AnyObject> {
  const input = { server, resource: definitions, user: SYSTEM, namespace: undefined, name };
  const options = { dryRun: false, manager: 'kube-apiserver' };
  return updateObject({ ...input, options, subresource: 'internal' }, make);
}
