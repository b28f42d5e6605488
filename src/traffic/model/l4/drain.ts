// How a Service says how long TCP connections to an endpoint may go on that has gone.
// Knows the annotation; who ends connections, and how, is the business of a node's proxy.
import type { Service } from 'kubernetes-types/core/v1.js';
import { objectKey } from '#kube/api/object.ts';
import { readDuration } from '#lib/duration.ts';
import type { Problem } from '../problem.ts';

const ANNOTATION = 'evenkeel.dev/drain-timeout';
const LONGEST_MS = 24 * 3_600_000;

/** `ms`: 0 for `off`, undefined where nothing valid is said. */
export function drainOf(service: Service): { readonly ms: number | undefined; readonly problems: readonly Problem[] } {
  const wanted = service.metadata?.annotations?.[ANNOTATION]?.trim();
  if (wanted === undefined) return { ms: undefined, problems: [] };
  if (wanted === 'off') return { ms: 0, problems: [] };
  const ms = readDuration(wanted);
  if (ms !== undefined && ms <= LONGEST_MS) return { ms, problems: [] };
  const problem: Problem = {
    kind: 'Service',
    key: objectKey(service),
    reason: 'InvalidSetting',
    field: `metadata.annotations[${ANNOTATION}]`,
    message: `Drain time-out "${wanted}" is no duration up to 24h: write e.g. "30s" or "1m30s", or "off"; until then it is as if it were not there`,
  };
  return { ms: undefined, problems: [problem] };
}
