// Defaults of HorizontalPodAutoscaler.
// Upstream source of the rules: pkg/apis/autoscaling/v2/defaults.go.

import type { HorizontalPodAutoscaler as OlderAutoscaler } from 'kubernetes-types/autoscaling/v1.js';
import type { HorizontalPodAutoscaler, HPAScalingRules } from 'kubernetes-types/autoscaling/v2.js';
import { fill } from './fill.ts';

const periodSeconds = 15;
const cpuUtilizationPercent = 80;

/** Doubling, or four pods, whichever is more, every 15 s and at once. */
const scaleUp = (): HPAScalingRules => ({
  stabilizationWindowSeconds: 0,
  selectPolicy: 'Max',
  policies: [
    { type: 'Pods', value: 4, periodSeconds },
    { type: 'Percent', value: 100, periodSeconds },
  ],
});

/** All pods may go at once; the stabilization window is the controller's own setting. */
const scaleDown = (): HPAScalingRules => ({
  selectPolicy: 'Max',
  policies: [{ type: 'Percent', value: 100, periodSeconds }],
});

export function horizontalPodAutoscalerDefaults(autoscaler: HorizontalPodAutoscaler): void {
  const { spec } = autoscaler;
  if (spec === undefined) return;
  fill(spec, { minReplicas: 1 });
  if ((spec.metrics ?? []).length === 0) {
    const target = { type: 'Utilization', averageUtilization: cpuUtilizationPercent };
    spec.metrics = [{ type: 'Resource', resource: { name: 'cpu', target } }];
  }
  if (spec.behavior !== undefined) {
    fill(spec.behavior, { scaleUp: {}, scaleDown: {} });
    fill(spec.behavior.scaleUp ?? {}, scaleUp());
    fill(spec.behavior.scaleDown ?? {}, scaleDown());
  }
  fill(autoscaler, { status: { conditions: [], currentMetrics: [], desiredReplicas: 0 } });
}

/** The CPU target is filled in when it is stored: here nobody can see whether annotations name metrics. */
export function olderAutoscalerDefaults({ spec }: OlderAutoscaler): void {
  if (spec !== undefined) fill(spec, { minReplicas: 1 });
}
