// Phase, conditions and quality of service, from states of containers.
import type { ContainerState, ContainerStatus, Pod, PodSpec } from 'kubernetes-types/core/v1.js';
import { describe, expect, test } from 'vitest';
import { podConditions } from './conditions.ts';
import { podPhase } from './phase.ts';
import { qosClass } from './qos.ts';
import { shouldRestart } from './restart-policy.ts';

const running: ContainerState = { running: { startedAt: '2026-01-01T00:00:00Z' } };
const waiting: ContainerState = { waiting: { reason: 'ContainerCreating' } };
const exited = (exitCode: number): ContainerState => ({ terminated: { exitCode } });
const crashed = (exitCode: number): [ContainerState, ContainerState] => [
  { waiting: { reason: 'CrashLoopBackOff' } },
  exited(exitCode),
];

function status(
  name: string,
  state: ContainerState,
  lastState: ContainerState = {},
  extra: Partial<ContainerStatus> = {},
): ContainerStatus {
  return { name, state, lastState, ready: false, restartCount: 0, image: 'i', imageID: '', ...extra };
}

const pod = (restartPolicy: string, spec: Partial<PodSpec> = {}): Pod => ({
  metadata: { name: 'p', namespace: 'd' },
  spec: { restartPolicy, containers: [{ name: 'a' }, { name: 'b' }], ...spec },
});

describe('podPhase()', () => {
  test.each<[string, string, ContainerStatus[], boolean, string]>([
    ['nothing known', 'Always', [], false, 'Pending'],
    ['one waits', 'Always', [status('a', running), status('b', waiting)], false, 'Pending'],
    ['both run', 'Always', [status('a', running), status('b', running)], false, 'Running'],
    ['one crashed, to be restarted', 'Always', [status('a', running), status('b', ...crashed(1))], false, 'Running'],
    ['all crashed under Always', 'Always', [status('a', ...crashed(1)), status('b', exited(0))], false, 'Running'],
    ['all succeeded under Always', 'Always', [status('a', exited(0)), status('b', exited(0))], false, 'Running'],
    [
      'all succeeded under OnFailure',
      'OnFailure',
      [status('a', exited(0)), status('b', exited(0))],
      false,
      'Succeeded',
    ],
    ['one failed under OnFailure', 'OnFailure', [status('a', exited(0)), status('b', exited(2))], false, 'Running'],
    ['one failed under Never', 'Never', [status('a', exited(0)), status('b', exited(2))], false, 'Failed'],
    ['one failed under Never, one runs', 'Never', [status('a', running), status('b', exited(2))], false, 'Running'],
    ['ended for good with success', 'Always', [status('a', exited(0)), status('b', exited(0))], true, 'Succeeded'],
    ['ended for good with SIGKILL', 'Always', [status('a', exited(137)), status('b', exited(0))], true, 'Failed'],
  ])('%s (%s)', (_what, policy, statuses, terminal, phase) => {
    expect(podPhase(pod(policy), statuses, terminal, true)).toBe(phase);
  });

  const withInit = (policy: string): Pod =>
    pod(policy, {
      initContainers: [{ name: 'i' }, { name: 's', restartPolicy: 'Always' }],
      containers: [{ name: 'a' }],
    });
  const sidecar = (started: boolean) => status('s', running, {}, { started });

  test.each<[string, string, ContainerStatus[], boolean, string]>([
    ['init runs', 'Always', [status('i', running)], false, 'Pending'],
    ['init failed under Never', 'Never', [status('i', exited(1)), status('a', waiting)], false, 'Failed'],
    ['init crash-loops', 'Always', [status('i', ...crashed(1)), status('a', waiting)], false, 'Pending'],
    ['sidecar not started', 'Always', [status('i', exited(0)), sidecar(false), status('a', waiting)], false, 'Pending'],
    ['all started', 'Always', [status('i', exited(0)), sidecar(true), status('a', running)], true, 'Running'],
    [
      'sidecar restarts later',
      'Always',
      [status('i', exited(0)), sidecar(false), status('a', running)],
      true,
      'Running',
    ],
  ])('%s (%s)', (_what, policy, statuses, initialized, phase) => {
    expect(podPhase(withInit(policy), statuses, false, initialized)).toBe(phase);
  });
});

describe('podConditions()', () => {
  const input = (one: Pod, statuses: ContainerStatus[], phase: 'Running' | 'Pending' | 'Succeeded' = 'Running') => ({
    pod: one,
    phase,
    statuses,
    initStatuses: [],
    initialized: true,
    sandboxReady: true,
  });
  const ready = (name: string) => status(name, running, {}, { ready: true });
  const brief = (conditions: ReturnType<typeof podConditions>) =>
    Object.fromEntries(
      conditions.map(({ type, status: verdict, reason, message }) => [
        type,
        [verdict, reason, message].filter(Boolean).join(' | '),
      ]),
    );

  test('all is well', () => {
    const conditions = podConditions(input(pod('Always'), [ready('a'), ready('b')]), [], 'now');
    expect(brief(conditions)).toEqual({
      PodReadyToStartContainers: 'True',
      Initialized: 'True',
      Ready: 'True',
      ContainersReady: 'True',
      PodScheduled: 'True',
    });
  });

  test('names containers that are not ready or not known', () => {
    const conditions = podConditions(input(pod('Always'), [status('b', running)]), [], 'now');
    const text =
      'False | ContainersNotReady | containers with unknown status: [a], containers with unready status: [b]';
    expect(brief(conditions)).toMatchObject({ Ready: text, ContainersReady: text });
  });

  test('readiness gates hold Ready back, not ContainersReady', () => {
    const gated = pod('Always', { readinessGates: [{ conditionType: 'x/y' }] });
    const statuses = [ready('a'), ready('b')];
    expect(brief(podConditions(input(gated, statuses), [], 'now'))).toMatchObject({
      ContainersReady: 'True',
      Ready: 'False | ReadinessGatesNotReady | corresponding condition of pod readiness gate "x/y" does not exist.',
    });
    const shut = { ...gated, status: { conditions: [{ type: 'x/y', status: 'False' }] } };
    expect(brief(podConditions(input(shut, statuses), [], 'now')).Ready).toBe(
      'False | ReadinessGatesNotReady | the status of pod readiness gate "x/y" is not "True", but False',
    );
    const open = { ...gated, status: { conditions: [{ type: 'x/y', status: 'True' }] } };
    expect(brief(podConditions(input(open, statuses), [], 'now')).Ready).toBe('True');
  });

  test('init containers that are not done are named', () => {
    const one = pod('Always', { initContainers: [{ name: 'i' }, { name: 'j' }] });
    const conditions = podConditions(
      { ...input(one, [], 'Pending'), initialized: false, initStatuses: [status('i', exited(0), {}, { ready: true })] },
      [],
      'now',
    );
    expect(brief(conditions).Initialized).toBe(
      'False | ContainersNotInitialized | containers with incomplete status: [j]',
    );
  });

  test('a finished pod is completed, and transition times move only with the status', () => {
    const before = podConditions(input(pod('Never'), [ready('a'), ready('b')]), [], 'then');
    const after = podConditions(
      input(pod('Never'), [status('a', exited(0)), status('b', exited(0))], 'Succeeded'),
      before,
      'now',
    );
    expect(brief(after)).toMatchObject({
      Ready: 'False | PodCompleted',
      ContainersReady: 'False | PodCompleted',
      Initialized: 'True | PodCompleted',
    });
    const times = Object.fromEntries(after.map((one) => [one.type, one.lastTransitionTime]));
    expect(times).toMatchObject({ Ready: 'now', ContainersReady: 'now', Initialized: 'then', PodScheduled: 'then' });
  });
});

test.each<[string, 'init' | 'sidecar' | 'app', number, boolean]>([
  ['Always', 'app', 0, true],
  ['Always', 'app', 1, true],
  ['OnFailure', 'app', 0, false],
  ['OnFailure', 'app', 1, true],
  ['Never', 'app', 1, false],
  ['Always', 'init', 0, false],
  ['Always', 'init', 1, true],
  ['Never', 'init', 1, false],
  ['Never', 'sidecar', 0, true],
])('under %s a container (%s) that exits %i restarts: %s', (policy, kind, code, restarts) => {
  expect(shouldRestart(pod(policy), kind, code)).toBe(restarts);
});

test.each<[string, Record<string, string> | undefined, Record<string, string> | undefined]>([
  ['BestEffort', undefined, undefined],
  ['Burstable', { cpu: '100m' }, undefined],
  ['Burstable', { cpu: '100m', memory: '1Gi' }, { cpu: '200m', memory: '1Gi' }],
  ['Guaranteed', { cpu: '0.1', memory: '1Gi' }, { cpu: '100m', memory: '1024Mi' }],
  ['Guaranteed', undefined, { cpu: '1', memory: '1Gi' }],
])('%s', (qos, requests, limits) => {
  const resources = { ...(requests === undefined ? {} : { requests }), ...(limits === undefined ? {} : { limits }) };
  expect(qosClass({ spec: { containers: [{ name: 'a', resources }] } })).toBe(qos);
});
