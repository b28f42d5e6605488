// Properties of the decision: whatever the state, order, partition and maxUnavailable hold, and it always gets there.
// Plays the pods of the set; no API.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { nextSteps, ordinals, type PodState, type Situation, type Step } from './decide.ts';

const podState = (ordinal: number): fc.Arbitrary<PodState> =>
  fc
    .record({
      updated: fc.boolean(),
      finished: fc.boolean(),
      terminating: fc.boolean(),
      ready: fc.boolean(),
      available: fc.boolean(),
    })
    .map((state) => ({
      ...state,
      ordinal,
      ready: state.ready && !state.finished,
      available: state.ready && state.available && !state.finished,
    }));

const situation: fc.Arbitrary<Situation> = fc
  .record({
    replicas: fc.nat(6),
    start: fc.nat(3),
    parallel: fc.boolean(),
    onDelete: fc.boolean(),
    partition: fc.nat(7),
    maxUnavailable: fc.integer({ min: 1, max: 4 }),
    there: fc.uniqueArray(fc.nat(10), { maxLength: 11 }),
  })
  .chain(({ there, ...rest }) =>
    fc.tuple(...there.map(podState)).map((pods) => ({ ...rest, pods: pods as PodState[] })),
  );

const standing = (of: Situation, ordinal: number): PodState | undefined =>
  of.pods.find((pod) => pod.ordinal === ordinal);
const isUp = (pod: PodState | undefined): boolean => pod?.available === true && !pod.terminating;
const only = (steps: readonly Step[], what: Step['do']): number[] =>
  steps.filter((step) => step.do === what).map(({ ordinal }) => ordinal);

describe('the next steps of a StatefulSet', () => {
  test('concern each pod once, create only what is missing, and delete only what is there and not going', () => {
    fc.assert(
      fc.property(situation, (given) => {
        const steps = nextSteps(given);
        expect(new Set(steps.map(({ ordinal }) => ordinal)).size).toBe(steps.length);
        for (const step of steps) {
          const pod = standing(given, step.ordinal);
          if (step.do === 'create') expect(pod).toBeUndefined();
          else expect(pod?.terminating).toBe(false);
          expect(ordinals(given).includes(step.ordinal)).toBe(step.do !== 'scale-down');
        }
      }),
    );
  });

  test('in order: one at a time, up only after all predecessors are available, down only from the top', () => {
    fc.assert(
      fc.property(situation, (any) => {
        const given = { ...any, parallel: false, maxUnavailable: 1 };
        const steps = nextSteps(given);
        expect(steps.length).toBeLessThanOrEqual(1);
        for (const ordinal of only(steps, 'create')) {
          for (let before = given.start; before < ordinal; before++) expect(isUp(standing(given, before))).toBe(true);
        }
        for (const ordinal of only(steps, 'scale-down')) {
          const outside = given.pods.filter((pod) => !ordinals(given).includes(pod.ordinal));
          expect(Math.max(...outside.map((pod) => pod.ordinal))).toBe(ordinal);
          expect(ordinals(given).every((each) => isUp(standing(given, each)))).toBe(true);
        }
      }),
    );
  });

  test('an update spares what is below the partition, what is updated, and everything under OnDelete', () => {
    fc.assert(
      fc.property(situation, (given) => {
        for (const ordinal of only(nextSteps(given), 'update')) {
          expect(given.onDelete).toBe(false);
          expect(ordinal).toBeGreaterThanOrEqual(given.start + given.partition);
          expect(standing(given, ordinal)?.updated).toBe(false);
        }
      }),
    );
  });

  test('an update never makes more pods unavailable than it may', () => {
    fc.assert(
      fc.property(situation, (given) => {
        const steps = nextSteps(given);
        const taken = only(steps, 'update').filter((ordinal) => isUp(standing(given, ordinal)));
        const down = ordinals(given).filter((ordinal) => !isUp(standing(given, ordinal)));
        if (taken.length > 0) expect(taken.length + down.length).toBeLessThanOrEqual(given.maxUnavailable);
      }),
    );
  });

  test('with pods that come up, every set reaches its size and its revision, and then rests', () => {
    fc.assert(
      fc.property(situation, (given) => {
        let now: Situation = { ...given, onDelete: false };
        for (let round = 0; round < 100; round++) {
          const steps = nextSteps(now);
          const gone = new Set(steps.filter((step) => step.do !== 'create').map(({ ordinal }) => ordinal));
          const fresh = only(steps, 'create').map((ordinal) => ({
            ordinal,
            updated: ordinal >= now.start + now.partition,
            finished: false,
            terminating: false,
          }));
          const stay = now.pods.filter((pod) => !pod.terminating && !gone.has(pod.ordinal));
          const pods = [...stay, ...fresh].map((pod) => {
            const up = !pod.finished;
            return { ...pod, ready: up, available: up };
          });
          now = { ...now, pods };
        }
        expect(nextSteps(now)).toEqual([]);
        expect(now.pods.map(({ ordinal }) => ordinal).sort((a, b) => a - b)).toEqual(ordinals(now));
        for (const pod of now.pods) if (pod.ordinal >= now.start + now.partition) expect(pod.updated).toBe(true);
      }),
    );
  });

  test('a rollout whose new pod never gets ready stops there, as upstream', () => {
    const up = { updated: false, finished: false, terminating: false, ready: true, available: true };
    const given: Situation = {
      replicas: 3,
      start: 0,
      parallel: false,
      onDelete: false,
      partition: 0,
      maxUnavailable: 1,
      pods: [
        { ...up, ordinal: 0 },
        { ...up, ordinal: 1 },
        { ...up, ordinal: 2, updated: true, ready: false, available: false },
      ],
    };
    expect(nextSteps(given)).toEqual([]);
  });
});
