// Defaults of FlowSchemas and PriorityLevelConfigurations.
// Upstream source: pkg/apis/flowcontrol/v1/defaults.go.
import type { FlowSchema, PriorityLevelConfiguration } from 'kubernetes-types/flowcontrol/v1.js';
import { fill } from './fill.ts';

export function flowSchemaDefaults({ spec }: FlowSchema): void {
  if (spec !== undefined) fill(spec, { matchingPrecedence: 1000 });
}

export function priorityLevelDefaults({ spec }: PriorityLevelConfiguration): void {
  if (spec?.exempt !== undefined) fill(spec.exempt, { nominalConcurrencyShares: 0, lendablePercent: 0 });
  if (spec?.limited === undefined) return;
  fill(spec.limited, { nominalConcurrencyShares: 30, lendablePercent: 0 });
  const { queuing } = spec.limited.limitResponse ?? {};
  if (queuing !== undefined) fill(queuing, { queues: 64, handSize: 8, queueLengthLimit: 50 });
}
