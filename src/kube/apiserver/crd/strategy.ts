// CustomResourceDefinitions themselves: this server is the one that serves them, so what upstream's controllers say of
// names, versions and deletion is said at once. Serving is serve.ts's matter.
import { type AnyObject, digArray, digString, isFields } from '../registry/any-object.ts';
import type { Strategy, StrategyContext } from '../strategies/strategy.ts';
import { timestamp } from '../write/times.ts';
import { namedStatus, withCondition } from './names.ts';

/** Holds a definition until its objects are gone. */
export const CLEANUP_FINALIZER = 'customresourcecleanup.apiextensions.k8s.io';

const APPROVAL = 'api-approved.kubernetes.io';

export const customResourceDefinitionStrategy: Strategy = {
  countsGenerations: true,
  requiresResourceVersion: true,
  prepareForCreate(crd, context) {
    const metadata = crd.metadata ?? {};
    metadata.finalizers = [...new Set([...(metadata.finalizers ?? []), CLEANUP_FINALIZER])];
    crd.metadata = metadata;
    delete crd.status;
    settle(crd, context);
    crd.status = { ...(crd.status ?? {}), storedVersions: [storageVersion(crd)] };
  },
  prepareForUpdate(next, current, context) {
    const stored = new Set([...digArray(current, 'status', 'storedVersions'), storageVersion(next)]);
    settle(next, context);
    next.status = { ...next.status, storedVersions: [...stored] };
  },
  markDeleting(crd) {
    const message = 'CustomResource deletion is in progress';
    const condition = { type: 'Terminating', status: 'True', reason: 'InstanceDeletionInProgress', message } as const;
    const conditions = withCondition(
      digArray(crd, 'status', 'conditions'),
      condition,
      crd.metadata?.deletionTimestamp ?? '',
    );
    crd.status = { ...crd.status, conditions };
  },
};

function settle(crd: AnyObject, { clock, list }: StrategyContext): void {
  const now = timestamp(clock.wall());
  crd.status = namedStatus(crd, list('apiextensions.k8s.io', 'customresourcedefinitions'), now);
  const policy = approvalCondition(crd);
  if (policy === undefined) return;
  crd.status = { ...crd.status, conditions: withCondition(digArray(crd, 'status', 'conditions'), policy, now) };
}

/** Upstream's KubernetesAPIApprovalPolicyConformant, for groups that are the community's. */
function approvalCondition(crd: AnyObject): Parameters<typeof withCondition>[1] | undefined {
  const group = digString(crd, 'spec', 'group');
  if (!/(^|\.)(k8s|kubernetes)\.io$/.test(group)) return undefined;
  const type = 'KubernetesAPIApprovalPolicyConformant';
  const approval = crd.metadata?.annotations?.[APPROVAL] ?? '';
  if (approval.startsWith('unapproved')) {
    return {
      type,
      status: 'False',
      reason: 'UnapprovedAnnotation',
      message: `not approved: ${JSON.stringify(approval)}`,
    };
  }
  return { type, status: 'True', reason: 'ApprovedAnnotation', message: `approved in ${approval}` };
}

function storageVersion(crd: AnyObject): string {
  const versions = digArray(crd, 'spec', 'versions').filter(isFields);
  return digString(
    versions.find((version) => version.storage === true),
    'name',
  );
}
