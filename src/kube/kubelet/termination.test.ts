// How pods end: hooks, signals, grace, order, the kubelet's own end, and what is found after a crash.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { processesWithVariable } from './process/proc.ts';
import { isReady, PODS, startTestNode, type TestNode } from './testing.ts';

let node: TestNode;

beforeAll(async () => {
  node = await startTestNode();
});

afterAll(async () => {
  await node.close();
});

/** A shell that appends what happens to the shared file, and ends on SIGTERM when told to. */
const TRAP = "trap 'echo term >> $EVENKEEL_MOUNT_OUT/trace; exit 0' TERM; echo up >> $EVENKEEL_MOUNT_OUT/trace; ";
const SLEEP = 'while :; do sleep 0.05; done';
const OUT = { volumeMounts: [{ name: 'out', mountPath: '/out' }] };

async function traceDir(): Promise<string> {
  const { mkdtempSync } = await import('node:fs');
  return mkdtempSync(`${node.dataDir}/trace-`);
}

function processesOf(podUid: string | undefined): number {
  return processesWithVariable('EVENKEEL_TERMINATION_LOG').filter(({ value }) => value.includes(podUid ?? '?')).length;
}

describe('deletion', () => {
  test('runs preStop, then SIGTERM, and the object goes only after the process', async () => {
    const dir = await traceDir();
    await node.run('polite', {
      containers: [
        {
          name: 'main',
          image: 'sh',
          args: [TRAP + SLEEP],
          ...OUT,
          lifecycle: { preStop: { exec: { command: ['sh', '-c', 'echo stop >> $EVENKEEL_MOUNT_OUT/trace'] } } },
          readinessProbe: { exec: { command: ['grep', 'up', `${dir}/trace`] }, periodSeconds: 1 },
        },
      ],
      volumes: [{ name: 'out', hostPath: { path: dir } }],
    });
    const pod = await node.until('polite', 'ready', isReady);
    await node.client.delete(PODS, 'polite', 'default');
    await node.untilGone('polite');
    expect(readFileSync(`${dir}/trace`, 'utf8')).toBe('up\nstop\nterm\n');
    expect(processesOf(pod.metadata?.uid)).toBe(0);
  });

  test('kills a container that ignores SIGTERM when its grace is over', async () => {
    await node.run('stubborn', {
      args: [`trap '' TERM; touch "$TMPDIR/deaf"; ${SLEEP}`],
      readinessProbe: { exec: { command: ['sh', '-c', 'test -e "$TMPDIR/deaf"'] }, periodSeconds: 1 },
    });
    const pod = await node.until('stubborn', 'ready', isReady);
    const ended = node.until(
      'stubborn',
      'terminated',
      (one) => one.status?.containerStatuses?.[0]?.state?.terminated !== undefined,
    );
    await node.client.delete(PODS, 'stubborn', 'default', { gracePeriodSeconds: 1 });
    const last = await ended;
    expect(last.status?.containerStatuses?.[0]?.state?.terminated).toMatchObject({ exitCode: 137 });
    expect(last.status?.phase).not.toBe('Succeeded');
    await node.untilGone('stubborn');
    expect(processesOf(pod.metadata?.uid)).toBe(0);
  });

  test('with no grace ends a long preStop too', async () => {
    const lifecycle = { preStop: { sleep: { seconds: 50 } } };
    await node.run('forced', {
      terminationGracePeriodSeconds: 60,
      containers: [{ name: 'main', image: 'sh', args: [SLEEP], lifecycle }],
    });
    const pod = await node.until('forced', 'ready', isReady);
    await node.client.delete(PODS, 'forced', 'default', { gracePeriodSeconds: 60 });
    await node.until('forced', 'terminating', (one) => one.metadata?.deletionTimestamp !== undefined);
    await node.client.delete(PODS, 'forced', 'default', { gracePeriodSeconds: 0 });
    await node.untilGone('forced');
    await expect.poll(() => processesOf(pod.metadata?.uid), { timeout: 10_000 }).toBe(0);
  });

  test('of a pod that never started takes no time', async () => {
    await node.run('never', { image: 'no/such' });
    await node.until('never', 'pending', (one) => one.status?.phase === 'Pending');
    await node.client.delete(PODS, 'never', 'default');
    await node.untilGone('never');
  });

  test('ends sidecars after the containers they serve', async () => {
    const dir = await traceDir();
    const script = (name: string) =>
      `trap 'echo ${name} >> $EVENKEEL_MOUNT_OUT/trace; exit 0' TERM; touch $EVENKEEL_MOUNT_OUT/${name}; ${SLEEP}`;
    const probe = (name: string) => ({ exec: { command: ['test', '-e', `${dir}/${name}`] }, periodSeconds: 1 });
    await node.run('mesh', {
      initContainers: [
        {
          name: 'side',
          image: 'sh',
          args: [script('side')],
          restartPolicy: 'Always',
          startupProbe: probe('side'),
          ...OUT,
        },
      ],
      containers: [{ name: 'main', image: 'sh', args: [script('main')], readinessProbe: probe('main'), ...OUT }],
      volumes: [{ name: 'out', hostPath: { path: dir } }],
    });
    const pod = await node.until('mesh', 'ready', isReady);
    expect(pod.status?.initContainerStatuses?.[0]).toMatchObject({ ready: true, started: true });
    await node.client.delete(PODS, 'mesh', 'default');
    await node.untilGone('mesh');
    expect(readFileSync(`${dir}/trace`, 'utf8')).toBe('main\nside\n');
  });
});

describe('postStart', () => {
  test('that fails ends the container', async () => {
    await node.run('hooked', {
      args: [SLEEP],
      lifecycle: { postStart: { exec: { command: ['false'] } } },
    });
    expect(await node.events('hooked', 'FailedPostStartHook')).toEqual(['PostStartHook failed']);
    await node.until('hooked', 'restarted', (one) => (one.status?.containerStatuses?.[0]?.restartCount ?? 0) > 0);
  });
});

describe('the kubelet', () => {
  test('leaves no process behind when it stops, and runs its pods anew when it starts', async () => {
    await node.run('lasting', { args: [`setsid sleep 300 & ${SLEEP}`] });
    const before = await node.until('lasting', 'ready', isReady);
    const uid = before.metadata?.uid;
    await node.restart();
    const after = await node.until(
      'lasting',
      'ready in a new run',
      (one) => isReady(one) && one.status?.containerStatuses?.[0]?.restartCount === 1,
    );
    expect(after.metadata?.uid).toBe(uid);
    expect(after.status?.containerStatuses?.[0]?.lastState?.terminated).toBeDefined();
    await node.kubelet.stop({ graceMs: 500 });
    expect(processesOf(uid)).toBe(0);
    await node.restart();
  });

  test('kills what a crash of its process left running, and nothing else', async () => {
    const { ProcessRecords, CONTAINER_ID_VARIABLE } = await import('./process/records.ts');
    const orphan = spawn('sleep', ['300'], {
      detached: true,
      stdio: 'ignore',
      env: { [CONTAINER_ID_VARIABLE]: 'abc' },
    });
    const stranger = spawn('sleep', ['300'], { detached: true, stdio: 'ignore', env: {} });
    await Promise.all([once(orphan, 'spawn'), once(stranger, 'spawn')]);
    const dir = `${node.dataDir}/records`;
    const records = new ProcessRecords(dir);
    records.add('abc', orphan.pid ?? 0);
    // A record whose pid now belongs to somebody else.
    records.add('def', stranger.pid ?? 0);
    const gone = once(orphan, 'exit');
    expect(new ProcessRecords(dir).sweep()).toEqual(new Set([orphan.pid]));
    expect((await gone)[1]).toBe('SIGKILL');
    expect(stranger.exitCode).toBeNull();
    expect(stranger.signalCode).toBeNull();
    stranger.kill('SIGKILL');
    await once(stranger, 'exit');
  });
});
