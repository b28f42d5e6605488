// Conditions of a Deployment over time, without a cluster.
// Time is a number that is passed in.
import type { Deployment, DeploymentCondition, DeploymentStatus, ReplicaSet } from 'kubernetes-types/apps/v1.js';
import { describe, expect, test } from 'vitest';
import { timestamp } from '#kube/client/events.ts';
import { findCondition } from '../common/conditions.ts';
import { isComplete, limits, pauseCondition, progressCondition, rolloutStatus, untilDeadline } from './progress.ts';

const T0 = Date.UTC(2026, 0, 1);
const at = (seconds: number): number => T0 + seconds * 1000;

function deployment(status: DeploymentStatus = {}, spec: Partial<NonNullable<Deployment['spec']>> = {}): Deployment {
  return {
    metadata: { name: 'web', generation: 1 },
    spec: { replicas: 3, progressDeadlineSeconds: 60, selector: {}, template: {}, ...spec },
    status,
  };
}

function set(replicas: number, available: number): ReplicaSet {
  const status = { replicas, readyReplicas: available, availableReplicas: available };
  return { metadata: { name: 'web-new' }, spec: { replicas, selector: {} }, status };
}

const progressing = (status: DeploymentStatus): DeploymentCondition | undefined =>
  findCondition(status.conditions, 'Progressing');
const begun = (second: number): DeploymentStatus => ({
  conditions: [progressCondition('True', 'NewReplicaSetCreated', 'Created new replica set "web-new"', at(second))],
});

describe('counts of zero', () => {
  test('are neither written nor missed: an API server in Go does not give them back', () => {
    const idle = deployment({}, { replicas: 0 });
    const status = rolloutStatus(idle, [set(0, 0)], set(0, 0), at(0));
    expect(Object.keys(status).sort()).toEqual(['conditions', 'observedGeneration']);
    expect(isComplete(idle, status)).toBe(true);
    expect(rolloutStatus(idle, [set(2, 2)], set(0, 0), at(0))).toMatchObject({ replicas: 2, availableReplicas: 2 });
  });
});

describe('the Progressing condition', () => {
  test('is refreshed by every step forward, while the time of its transition stays', () => {
    const fresh = set(3, 1);
    const next = rolloutStatus(deployment(begun(0)), [fresh], fresh, at(10));
    expect(progressing(next)).toMatchObject({
      status: 'True',
      reason: 'ReplicaSetUpdated',
      message: 'ReplicaSet "web-new" is progressing.',
      lastUpdateTime: timestamp(at(10)),
      lastTransitionTime: timestamp(at(0)),
    });
  });

  test('says that the rollout is done, and stays so when a pod is lost later', () => {
    const full = set(3, 3);
    const done = rolloutStatus(deployment(begun(0)), [full], full, at(20));
    expect(progressing(done)).toMatchObject({ status: 'True', reason: 'NewReplicaSetAvailable' });
    const less = set(3, 2);
    const later = rolloutStatus(deployment(done), [less], less, at(10_000));
    expect(progressing(later)?.reason).toBe('NewReplicaSetAvailable');
    expect(later.unavailableReplicas).toBe(1);
  });

  test('turns false once nothing has moved for the deadline, and says when to look', () => {
    const stuck = set(3, 0);
    const first = rolloutStatus(deployment(begun(0)), [stuck], stuck, at(1));
    expect(untilDeadline(deployment(first), first, at(1))).toBe(61_000);
    const same = rolloutStatus(deployment(first), [stuck], stuck, at(60));
    expect(progressing(same)?.status).toBe('True');
    const late = rolloutStatus(deployment(first), [stuck], stuck, at(62));
    expect(progressing(late)).toMatchObject({ status: 'False', reason: 'ProgressDeadlineExceeded' });
    expect(untilDeadline(deployment(late), late, at(62))).toBeUndefined();
  });

  test('recovers when a rollout that was late gets on', () => {
    const stuck = set(3, 0);
    const first = rolloutStatus(deployment(begun(0)), [stuck], stuck, at(1));
    const late = rolloutStatus(deployment(first), [stuck], stuck, at(62));
    const moving = set(3, 2);
    expect(progressing(rolloutStatus(deployment(late), [moving], moving, at(70)))).toMatchObject({ status: 'True' });
  });

  test('is absent without a deadline', () => {
    const fresh = set(3, 0);
    const unlimited = deployment(begun(0), { progressDeadlineSeconds: 2 ** 31 - 1 });
    expect(progressing(rolloutStatus(unlimited, [fresh], fresh, at(10)))).toBeUndefined();
  });

  test('tells of pausing and of resuming, once each', () => {
    const paused = pauseCondition(deployment({}, { paused: true }), at(0));
    expect(paused).toMatchObject({ status: 'Unknown', reason: 'DeploymentPaused', message: 'Deployment is paused' });
    const status = { conditions: paused === undefined ? [] : [paused] };
    expect(pauseCondition(deployment(status, { paused: true }), at(1))).toBeUndefined();
    expect(pauseCondition(deployment(status), at(1))).toMatchObject({ reason: 'DeploymentResumed' });
  });
});

describe('the rest of the status', () => {
  test('is available as long as no more pods are missing than may be', () => {
    const spec = {
      replicas: 4,
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: '25%', maxSurge: 0 } },
    };
    const [three, two] = [set(4, 3), set(4, 2)];
    const available = (fresh: ReplicaSet): string | undefined =>
      findCondition(rolloutStatus(deployment({}, spec), [fresh], fresh, at(0)).conditions, 'Available')?.status;
    expect(available(three)).toBe('True');
    expect(available(two)).toBe('False');
  });

  test('repeats what a ReplicaSet says about pods it cannot create', () => {
    const failing = set(0, 0);
    const condition = { type: 'ReplicaFailure', status: 'True', reason: 'FailedCreate', message: 'exceeded quota' };
    const fresh = { ...failing, status: { replicas: 0, conditions: [condition] } };
    const status = rolloutStatus(deployment(), [fresh], fresh, at(0));
    expect(findCondition(status.conditions, 'ReplicaFailure')).toMatchObject(condition);
  });
});

test('limits are upstream defaults when the strategy says nothing, and none for Recreate', () => {
  expect(limits(deployment({}, { replicas: 10 }))).toEqual({ surge: 3, unavailable: 2 });
  expect(limits(deployment({}, { strategy: { type: 'Recreate' } }))).toEqual({ surge: 0, unavailable: 0 });
});
