// How an EndpointSlice says what share its endpoints take.
// Knows nothing of policies: those that honour weights do, the others do not ask.
import type { Service } from 'kubernetes-types/core/v1.js';
import type { EndpointSlice } from 'kubernetes-types/discovery/v1.js';
import { objectKey } from '#kube/api/object.ts';
import type { Problem } from './problem.ts';

/** On a slice that someone writes by hand: the weight of each of its endpoints, 1 to 1,000; 1 when left out. */
const ANNOTATION = 'evenkeel.dev/weight';
const MAX_WEIGHT = 1_000;
const DEFAULT_WEIGHT = 1;

export function weightOf(slice: EndpointSlice): number {
  const text = slice.metadata?.annotations?.[ANNOTATION];
  if (text === undefined) return DEFAULT_WEIGHT;
  const weight = Number(text);
  return isWeight(weight) ? weight : DEFAULT_WEIGHT;
}

/** A slice has no owner who would read its events, so a wrong weight is told to its Service. */
export function weightProblems(service: Service, slices: readonly EndpointSlice[]): readonly Problem[] {
  return slices.flatMap((slice) => {
    const text = slice.metadata?.annotations?.[ANNOTATION];
    if (text === undefined || isWeight(Number(text))) return [];
    const message = `Weight "${text}" of EndpointSlice "${objectKey(slice)}" is out of range: use a whole number from 1 to ${MAX_WEIGHT}; until then ${DEFAULT_WEIGHT} is used`;
    const field = `metadata.annotations[${ANNOTATION}]`;
    return [{ kind: 'Service', key: objectKey(service), reason: 'InvalidSetting', field, message }];
  });
}

function isWeight(weight: number): boolean {
  return Number.isInteger(weight) && weight >= 1 && weight <= MAX_WEIGHT;
}
