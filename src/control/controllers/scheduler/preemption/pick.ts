// The node whose victims are missed least.
// Pure; upstream: preemption, pickOneNodeForPreemption.
import { type Candidate, startOf } from './victims.ts';

/** Keeps a sum of negative priorities from looking smaller than fewer of them. */
const OFFSET = 2 ** 31;

type Measure = (candidate: Candidate) => number;

/** Smallest first, each deciding only between those that the ones before leave equal. */
const measures: readonly Measure[] = [
  ({ violations }) => violations,
  ({ victims }) => victims[0]?.priority ?? Number.NEGATIVE_INFINITY,
  ({ victims }) => victims.reduce((sum, { priority }) => sum + priority + OFFSET, 0),
  ({ victims }) => victims.length,
];

/** Undefined when there are none. */
export function pickCandidate(candidates: readonly Candidate[]): Candidate | undefined {
  let left = candidates;
  for (const measure of measures) {
    const values = left.map(measure);
    const least = Math.min(...values);
    left = left.filter((_candidate, i) => values[i] === least);
  }
  // The latest start of the most important victim: what has run longest is kept.
  return [...left].sort((a, b) => (earliestStart(a) < earliestStart(b) ? 1 : -1))[0];
}

function earliestStart({ victims }: Candidate): string {
  const top = victims[0]?.priority;
  return (
    victims
      .filter(({ priority }) => priority === top)
      .map(startOf)
      .sort()[0] ?? ''
  );
}
