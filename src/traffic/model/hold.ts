// Which Services have their requests held while they have no endpoint: those that an autoscaler brings back from zero.
// Knows what a Service and the autoscalers of its namespace say; who holds is the engine.
import type { HorizontalPodAutoscaler } from 'kubernetes-types/autoscaling/v2.js';
import type { Service } from 'kubernetes-types/core/v1.js';
import { objectKey } from '#kube/api/object.ts';
import { readDuration } from '#lib/duration.ts';
import type { HoldPolicy } from './ir.ts';
import type { Problem } from './problem.ts';

const ANNOTATION = 'evenkeel.dev/hold-requests';
const LONGEST_MS = 10 * 60_000;
/** As long as most pods take to start, and as long as most clients wait. */
const USUAL_MS = 60_000;
const BOUNDS = { maxRequests: 1000, maxBytes: 16 * 1024 * 1024 } as const;

/** `undefined`: a request without an endpoint is refused at once, as everywhere. */
export function holdOf(
  service: Service,
  autoscalers: readonly HorizontalPodAutoscaler[],
): { readonly hold: HoldPolicy | undefined; readonly problems: readonly Problem[] } {
  const wanted = service.metadata?.annotations?.[ANNOTATION]?.trim();
  const usual = comesFromZero(service, autoscalers) ? { ...BOUNDS, timeout: USUAL_MS } : undefined;
  if (wanted === undefined) return { hold: usual, problems: [] };
  if (wanted === 'off') return { hold: undefined, problems: [] };
  const timeout = readDuration(wanted);
  if (timeout !== undefined && timeout <= LONGEST_MS) return { hold: { ...BOUNDS, timeout }, problems: [] };
  const problem: Problem = {
    kind: 'Service',
    key: objectKey(service),
    reason: 'InvalidSetting',
    field: `metadata.annotations[${ANNOTATION}]`,
    message: `Time to hold requests "${wanted}" is no duration up to 10m: write e.g. "30s" or "1m30s", or "off"; until then it is as if it were not there`,
  };
  return { hold: usual, problems: [problem] };
}

/** Keys of the Services by whose traffic an autoscaler goes that may take the last pod. */
export function servicesFromZero({ metadata, spec }: HorizontalPodAutoscaler): string[] {
  if (spec?.minReplicas !== 0) return [];
  return (spec.metrics ?? []).flatMap(({ object }) =>
    object?.describedObject.kind === 'Service' ? [`${metadata?.namespace}/${object.describedObject.name}`] : [],
  );
}

function comesFromZero(service: Service, autoscalers: readonly HorizontalPodAutoscaler[]): boolean {
  const key = objectKey(service);
  return autoscalers.some((autoscaler) => servicesFromZero(autoscaler).includes(key));
}
