// What this controller tells of its own work, in upstream's words: how each look ended, and each computation of a metric.
// Knows no metrics system: whoever counts asks to hear of it. (Upstream: pkg/controller/podautoscaler/monitor.)

export type ScaleAction = 'scale_up' | 'scale_down' | 'none';
/** `spec`: what somebody wrote cannot be; `internal`: everything else. */
export type ScaleError = 'spec' | 'internal' | 'none';

export interface AutoscalerHooks {
  reconciled(action: ScaleAction, error: ScaleError, ms: number): void;
  /** `type` as in the spec: `Resource`, `Pods`. */
  computed(action: ScaleAction, error: ScaleError, type: string, ms: number): void;
}

let hooks: AutoscalerHooks | undefined;

/** From now on `heard` is told of every autoscaler of this process; undefined ends that. */
export function observeAutoscalers(heard: AutoscalerHooks | undefined): void {
  hooks = heard;
}

export function told(): AutoscalerHooks | undefined {
  return hooks;
}

export function actionOf(from: number, to: number): ScaleAction {
  return to > from ? 'scale_up' : to < from ? 'scale_down' : 'none';
}

const SPEC_REASONS = new Set(['InvalidMetricSourceType', 'InvalidSelector', 'SelectorRequired', 'AmbiguousSelector']);

export function errorOf(reason: string | undefined): ScaleError {
  return reason === undefined ? 'none' : SPEC_REASONS.has(reason) ? 'spec' : 'internal';
}
