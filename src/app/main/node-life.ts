// How soon a node counts as lost, how long its pods wait for it, and how often nodes say that they live.
// Knows the parts that need these times by their settings only.
import type { ControllerSettings } from '#control/controllers/settings.ts';
import type { TolerationSeconds } from '#kube/apiserver/admission/default-tolerations.ts';

export interface NodeLife {
  readonly monitorPeriodMs: number;
  readonly monitorGraceMs: number;
  readonly tolerationSeconds: TolerationSeconds;
  /** Nodes that may be emptied, a second. */
  readonly evictionRate: number;
}

/** Upstream's, for nodes that are machines. */
export const clusterNodeLife: NodeLife = {
  monitorPeriodMs: 5_000,
  monitorGraceMs: 50_000,
  tolerationSeconds: { notReady: 300, unreachable: 300 },
  evictionRate: 0.1,
};

/**
 * For nodes that are parts of one machine. Traffic leaves a dead node after four seconds; its pods are made anew only
 * after ten, so that a laptop that is busy for a moment moves nothing.
 */
export const localNodeLife: NodeLife = {
  monitorPeriodMs: 500,
  monitorGraceMs: 3_500,
  tolerationSeconds: { notReady: 6, unreachable: 6 },
  evictionRate: 1,
};

export function controllerSettings(life: NodeLife): Partial<ControllerSettings> {
  return {
    nodeMonitorPeriodMs: life.monitorPeriodMs,
    nodeMonitorGraceMs: life.monitorGraceMs,
    nodeEvictionRate: life.evictionRate,
  };
}

/** Upstream's proportion: a node renews a lease of 40 s for a grace period of 50 s, every quarter of it. */
export function leaseSeconds(life: NodeLife): number {
  return Math.max(1, Math.round(life.monitorGraceMs * 0.0008));
}
