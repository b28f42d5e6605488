// Namespace: when one is being deleted, deletes all that is in it and then lets it go.
// Upstream: pkg/controller/namespace/deletion.
import type { CustomResourceDefinition } from 'kubernetes-types/apiextensions/v1.js';
import type { Namespace, NamespaceCondition } from 'kubernetes-types/core/v1.js';
import { builtin } from '#kube/api/resources.ts';
import { isStatus } from '#kube/api/status.ts';
import { timestamp } from '#kube/client/events.ts';
import type { Informer } from '#kube/client/informer.ts';
import { createWorkQueue } from '#kube/client/work-queue.ts';
import { semanticallyEqual } from '../common/canonical.ts';
import { withCondition } from '../common/conditions.ts';
import type { Controller, ControllerContext, ReconcileResult } from '../controller.ts';
import { emptyResource, namespacedResources, type Remaining } from './content.ts';

const NAMESPACES = builtin('Namespace');
const FINALIZER = 'kubernetes';
/** Pods that shut down in their own time are looked at again after this long. */
const RETRY_MS = 1_000;

export const namespaceController: Controller = {
  name: 'namespace',
  component: 'namespace-controller',
  setup(context) {
    const namespaces = context.informers.of<Namespace>(NAMESPACES);
    const definitions = context.informers.of<CustomResourceDefinition>(builtin('CustomResourceDefinition'));
    const reconcile = (key: string): Promise<ReconcileResult> => empty(context, namespaces.get(key), definitions);
    const queue = createWorkQueue('namespace', reconcile, { clock: context.clock, log: context.log, workers: 2 });
    namespaces.onChange((key, now) => {
      if (now?.metadata?.deletionTimestamp !== undefined) queue.add(key);
    });
    return { queues: [queue], reads: [namespaces, definitions] };
  },
};

async function empty(
  context: ControllerContext,
  found: Namespace | undefined,
  definitions: Informer<CustomResourceDefinition>,
): Promise<ReconcileResult> {
  if (found?.metadata?.deletionTimestamp === undefined) return undefined;
  const name = found.metadata.name ?? '';
  const remaining: Remaining[] = [];
  for (const ref of namespacedResources(definitions.list())) {
    const left = await emptyResource(context.client, ref, name);
    if (left !== undefined) remaining.push(left);
  }
  try {
    const namespace = await noteProgress(context, found, remaining);
    if (remaining.length > 0) return { requeueAfterMs: RETRY_MS };
    await finalize(context, namespace);
  } catch (error) {
    if (!isStatus(error, 404)) throw error;
  }
  return undefined;
}

async function noteProgress(
  { client, clock }: ControllerContext,
  namespace: Namespace,
  remaining: readonly Remaining[],
): Promise<Namespace> {
  const now = timestamp(clock.wall());
  let conditions = namespace.status?.conditions ?? [];
  for (const condition of deletionConditions(remaining, now)) conditions = withCondition(conditions, condition);
  const status = { phase: 'Terminating', conditions: [...conditions] };
  if (semanticallyEqual(status, namespace.status)) return namespace;
  return client.update<Namespace>(NAMESPACES, { ...namespace, status }, { subresource: 'status' });
}

/** What keeps the namespace, in upstream's words. */
export function deletionConditions(remaining: readonly Remaining[], now: string): NamespaceCondition[] {
  const finalizers = new Map<string, number>();
  for (const { finalizers: own } of remaining) {
    for (const [name, count] of own) finalizers.set(name, (finalizers.get(name) ?? 0) + count);
  }
  const content = remaining.map(({ resource, count }) => `${resource} has ${count} resource instances`).sort();
  const held = [...finalizers].map(([name, count]) => `${name} in ${count} resource instances`).sort();
  const condition = (type: string, status: string, reason: string, message: string): NamespaceCondition => ({
    type,
    status,
    reason,
    message,
    lastTransitionTime: now,
  });
  return [
    content.length === 0
      ? condition('NamespaceContentRemaining', 'False', 'ContentRemoved', 'All content successfully removed')
      : condition(
          'NamespaceContentRemaining',
          'True',
          'SomeResourcesRemain',
          `Some resources are remaining: ${content.join(', ')}`,
        ),
    held.length === 0
      ? condition(
          'NamespaceFinalizersRemaining',
          'False',
          'ContentHasNoFinalizers',
          'All content-preserving finalizers finished',
        )
      : condition(
          'NamespaceFinalizersRemaining',
          'True',
          'SomeFinalizersRemain',
          `Some content in the namespace has finalizers remaining: ${held.join(', ')}`,
        ),
  ];
}

async function finalize({ client }: ControllerContext, namespace: Namespace): Promise<void> {
  const finalizers = (namespace.spec?.finalizers ?? []).filter((finalizer) => finalizer !== FINALIZER);
  if (finalizers.length === (namespace.spec?.finalizers ?? []).length) return;
  await client.update<Namespace>(NAMESPACES, { ...namespace, spec: { finalizers } }, { subresource: 'finalize' });
}
