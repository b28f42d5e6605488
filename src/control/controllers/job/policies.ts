// What a Job says about failed pods, and about when enough has succeeded.
// Pure. Upstream: pkg/controller/job/pod_failure_policy.go and success_policy.go.
import type { Job, PodFailurePolicy, PodFailurePolicyOnExitCodesRequirement } from 'kubernetes-types/batch/v1.js';
import type { ContainerStatus, Pod } from 'kubernetes-types/core/v1.js';
import { parseIndexes } from './indexes.ts';

export interface Verdict {
  /** Counts towards the limits of failures. */
  readonly counts: boolean;
  readonly action?: string;
  /** Why the whole Job fails. */
  readonly message?: string;
}

const plain: Verdict = { counts: true };

/** The first rule that fits decides. */
export function judgeFailure(policy: PodFailurePolicy | undefined, pod: Pod): Verdict {
  const name = `${pod.metadata?.namespace}/${pod.metadata?.name}`;
  for (const [index, { action, onExitCodes, onPodConditions = [] }] of (policy?.rules ?? []).entries()) {
    let why: string;
    if (onExitCodes !== undefined) {
      const container = exited(pod, onExitCodes);
      if (container === undefined) continue;
      const code = container.state?.terminated?.exitCode;
      why = `Container ${container.name} for pod ${name} failed with exit code ${code}`;
    } else {
      const condition = pod.status?.conditions?.find(({ type, status }) =>
        onPodConditions.some((pattern) => pattern.type === type && (pattern.status ?? 'True') === status),
      );
      if (condition === undefined) continue;
      why = `Pod ${name} has condition ${condition.type}`;
    }
    if (action === 'Ignore') return { counts: false, action };
    if (action === 'FailJob')
      return { counts: true, action, message: `${why} matching FailJob rule at index ${index}` };
    return { counts: true, action };
  }
  return plain;
}

function exited(pod: Pod, wanted: PodFailurePolicyOnExitCodesRequirement): ContainerStatus | undefined {
  const statuses = [...(pod.status?.containerStatuses ?? []), ...(pod.status?.initContainerStatuses ?? [])];
  return statuses.find(({ name, state }) => {
    const code = state?.terminated?.exitCode;
    if (code === undefined || code === 0) return false;
    if (wanted.containerName !== undefined && wanted.containerName !== name) return false;
    return wanted.values.includes(code) === (wanted.operator === 'In');
  });
}

/** The message of the success policy's rule that is met, if any. */
export function metSuccessPolicy(job: Job, succeeded: ReadonlySet<number>): string | undefined {
  const completions = job.spec?.completions ?? 0;
  for (const [index, rule] of (job.spec?.successPolicy?.rules ?? []).entries()) {
    const wanted = rule.succeededIndexes === undefined ? undefined : parseIndexes(rule.succeededIndexes, completions);
    const have = wanted === undefined ? succeeded : new Set([...wanted].filter((each) => succeeded.has(each)));
    const needed = rule.succeededCount ?? wanted?.size ?? Number.POSITIVE_INFINITY;
    if (have.size >= needed) return `Matched rules at index ${index}`;
  }
  return undefined;
}
