// The eviction subresource: a deletion that respects PodDisruptionBudgets.
// Knows Pods and budgets; keeping a budget's numbers is a controller's work.
import { labelSelectorMatches } from '#kube/api/selector.ts';
import { notFound, StatusError } from '#kube/api/status.ts';
import { admitPosted } from '../admission/connect.ts';
import { nameOf, type Reply, type ResourceRequest } from '../context.ts';
import { readParsed } from '../http/body.ts';
import { type AnyObject, dig, digArray, digNumber, digString, isFields, mutableCopy } from '../registry/any-object.ts';
import { deleteObject, deleteOptions } from '../write/delete.ts';
import { timestamp } from '../write/times.ts';
import { updateObject } from '../write/update.ts';

/** As upstream: so many evictions may be on their way before the budget's controller has seen them. */
const MAX_DISRUPTED_PODS = 2000;

export async function evictPod(request: ResourceRequest): Promise<Reply> {
  const { server, resource, namespace } = request;
  const name = nameOf(request);
  const body = await readParsed(request.http);
  const options = deleteOptions(dig(body, 'deleteOptions'), request.query);
  const pod = resource.collection.get(namespace, name)?.object;
  if (pod === undefined) throw notFound(resource.definition, name);
  const eviction = { apiVersion: 'policy/v1', kind: 'Eviction', ...(isFields(body) ? (body as AnyObject) : {}) };
  await admitPosted(request, eviction, { group: 'policy', version: 'v1', kind: 'Eviction' });
  if (countsForBudgets(pod) && options.dryRun !== true) {
    const budget = budgetOf(request, pod);
    if (budget !== undefined) await spend(request, budget, pod);
  }
  await deleteObject({ server, resource, namespace, name }, options);
  return { code: 201, object: { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 } };
}

/** A Pod that has ended, is going or never ran is no loss to anyone. */
function countsForBudgets(pod: AnyObject): boolean {
  if (pod.metadata?.deletionTimestamp !== undefined) return false;
  return !['Succeeded', 'Failed', 'Pending'].includes(digString(pod, 'status', 'phase'));
}

const isReady = (pod: AnyObject): boolean =>
  digArray(pod, 'status', 'conditions').some(
    (condition) => isFields(condition) && condition.type === 'Ready' && condition.status === 'True',
  );

function budgetOf({ server, namespace }: ResourceRequest, pod: AnyObject): AnyObject | undefined {
  const budgets = server.registry
    .builtin('policy', 'v1', 'poddisruptionbudgets')
    .collection.list(namespace)
    .map((item) => item.object)
    .filter((budget) => {
      const selector = dig(budget, 'spec', 'selector');
      return isFields(selector) && labelSelectorMatches(selector, pod.metadata?.labels);
    });
  if (budgets.length > 1) {
    throw new StatusError(
      500,
      'InternalError',
      'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.',
    );
  }
  return budgets[0];
}

/** Takes one disruption from the budget, or refuses with 429. */
async function spend({ server, user, namespace }: ResourceRequest, budget: AnyObject, pod: AnyObject): Promise<void> {
  const name = budget.metadata?.name ?? '';
  const input = {
    server,
    resource: server.registry.builtin('policy', 'v1', 'poddisruptionbudgets'),
    user,
    namespace,
    name,
    options: { dryRun: false, manager: 'evenkeel' },
    subresource: 'status' as const,
  };
  await updateObject(input, (current) => {
    if (!isReady(pod) && mayGoUnready(current)) return mutableCopy(current);
    if ((digNumber(current, 'status', 'observedGeneration') ?? 0) < (current.metadata?.generation ?? 0)) {
      throw tooManyRequests(`The disruption budget ${name} is still being processed by the server.`, 10);
    }
    const allowed = digNumber(current, 'status', 'disruptionsAllowed') ?? 0;
    const disrupted = dig(current, 'status', 'disruptedPods');
    const onTheirWay = isFields(disrupted) ? disrupted : {};
    if (Object.keys(onTheirWay).length > MAX_DISRUPTED_PODS) {
      throw tooManyRequests(`DisruptedPods map too big - too many evictions not confirmed by PDB controller`, 0);
    }
    if (allowed <= 0) throw tooManyRequests(shortfall(current), 0);
    const next = mutableCopy(current);
    next.status = {
      ...next.status,
      disruptionsAllowed: allowed - 1,
      disruptedPods: { ...onTheirWay, [pod.metadata?.name ?? '']: timestamp(server.clock.wall()) },
    };
    return next;
  });
}

/** Upstream's UnhealthyPodEvictionPolicy: an unready Pod may go when the budget holds without it, or always. */
function mayGoUnready(budget: AnyObject): boolean {
  if (digString(budget, 'spec', 'unhealthyPodEvictionPolicy') === 'AlwaysAllow') return true;
  const healthy = digNumber(budget, 'status', 'currentHealthy') ?? 0;
  const desired = digNumber(budget, 'status', 'desiredHealthy') ?? 0;
  return healthy >= desired && desired > 0;
}

function shortfall(budget: AnyObject): string {
  const desired = digNumber(budget, 'status', 'desiredHealthy') ?? 0;
  const healthy = digNumber(budget, 'status', 'currentHealthy') ?? 0;
  return `The disruption budget ${budget.metadata?.name} needs ${desired} healthy pods and has ${healthy} currently`;
}

function tooManyRequests(why: string, retryAfterSeconds: number): StatusError {
  return new StatusError(429, 'TooManyRequests', "Cannot evict pod as it would violate the pod's disruption budget.", {
    causes: [{ reason: 'DisruptionBudget', message: why }],
    ...(retryAfterSeconds > 0 ? { retryAfterSeconds } : {}),
  });
}
