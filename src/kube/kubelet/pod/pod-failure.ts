// Why a pod failed as a whole, whatever its containers did: part of its status from then on.
// Words only; who decides it is the worker.
import type { PodStatus } from 'kubernetes-types/core/v1.js';

export interface PodFailure {
  readonly reason: 'DeadlineExceeded' | 'Evicted';
  readonly message: string;
}

export const deadlineExceeded: PodFailure = {
  reason: 'DeadlineExceeded',
  message: 'Pod was active on the node longer than the specified deadline',
};

/** As upstream for a pod that goes on the spot, in milliseconds. */
export const EVICTED_GRACE_MS = 1_000;

/** What an earlier run of the kubelet has written. */
export function failureOf({ reason, message = '' }: PodStatus = {}): PodFailure | undefined {
  return reason === 'DeadlineExceeded' || reason === 'Evicted' ? { reason, message } : undefined;
}
