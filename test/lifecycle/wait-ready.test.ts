// What `up` waits for, and how it tells of what does not come: the object, the pod, and the reason.
import { afterEach, beforeEach, expect, test } from 'vitest';
import { upArguments } from '#test/support/cluster.ts';
import { eventually } from '#test/support/eventually.ts';
import { evenkeel, evenkeelBinary, type Finished, type Running, start } from '#test/support/run.ts';
import { type TempDir, tempDir } from '#test/support/temp-dir.ts';

let data: TempDir;
beforeEach(() => {
  data = tempDir('wait');
});
afterEach(async () => {
  await evenkeel(['down', '--data', data.path]);
  data.remove();
});

const images = `--image=sh=sh -c`;

function workload(kind: string, name: string, script: string, spec = '', container = ''): string {
  const batch = kind === 'Job';
  return `
apiVersion: ${batch ? 'batch/v1' : 'apps/v1'}
kind: ${kind}
metadata: { name: ${name} }
spec:
  ${spec}
  ${batch ? '' : `selector: { matchLabels: { app: ${name} } }`}
  template:
    metadata: { labels: { app: ${name} } }
    spec:
      ${batch ? 'restartPolicy: Never' : ''}
      containers:
        - name: main
          image: sh
          args: [${JSON.stringify(script)}]
          ${container}
---`;
}

/** Until it says where everything is; then it is stopped, and what it said is given. */
async function upAndStop(manifests: string, args: readonly string[] = []): Promise<Finished> {
  const running: Running = start(evenkeelBinary, upArguments(['-'], data.path, [images, ...args]), {
    input: manifests,
    timeoutMs: 110_000,
  });
  await eventually(
    'it has waited for everything',
    () => expect(running.output().stdout + running.output().stderr).toContain('export KUBECONFIG='),
    90_000,
  );
  running.child.kill('SIGINT');
  return await running.finished;
}

test('a Job is waited for until it is complete, and an end of its work is the end of the wait', async () => {
  const jobs = workload('Job', 'migrate', 'sleep 1', 'completions: 2');
  const { code, stdout } = await upAndStop(jobs);
  expect(stdout).toMatch(/^job default\/migrate {2}2\/2 complete$/m);
  expect(code).toBe(0);
  // It has ended, so without manifests there is nothing to wait for.
  expect((await upAndStop('', [])).stdout).not.toContain('job default/migrate');
}, 120_000);

test('every failure is told with object, pod and reason, and costs the exit code', async () => {
  const probe = `readinessProbe: { exec: { command: [sh, -c, 'echo not yet; exit 1'] }, periodSeconds: 1 }`;
  const manifests = [
    workload('Job', 'broken', 'exit 3', 'backoffLimit: 0'),
    // Without a probe a container that crashes counts as ready for a moment.
    workload('StatefulSet', 'db', 'exec sleep 1000', 'serviceName: db', probe),
    workload('DaemonSet', 'agent', 'exit 4', '', probe),
    workload('Deployment', 'web', 'exec sleep 1000', '', 'resources: { requests: { cpu: 9000 } }'),
    `
apiVersion: v1
kind: Pod
metadata: { name: alone }
spec: { restartPolicy: Never, containers: [{ name: main, image: sh, args: ['exit 5'], ${probe} }] }
`,
  ].join('\n');
  const { code, stderr } = await upAndStop(manifests, ['--timeout', '6s']);
  const lines = stderr.split('\n');
  const about = (start: string): string => lines.find((line) => line.startsWith(start)) ?? stderr;
  expect(about('Job')).toMatch(
    /^Job "default\/broken" failed: BackoffLimitExceeded: .*; pod "broken-\w+": container "main": Error, exit code 3\. See "kubectl -n default describe pod broken-\w+" and/,
  );
  expect(about('StatefulSet')).toMatch(
    /^StatefulSet "default\/db" is not ready after 6 s: 0\/1 ready; pod "db-0": container "main": it runs, and is not ready: Unhealthy: Readiness probe failed: .*not yet/,
  );
  expect(about('DaemonSet')).toMatch(
    /^DaemonSet "default\/agent" is not ready after 6 s: 0\/1 ready; pod "agent-\w+": container "main": .*exit code 4/,
  );
  expect(about('Deployment')).toMatch(
    /^Deployment "default\/web" is not ready after 6 s: 0\/1 ready; pod "web-\w+-\w+": Unschedulable: .*cpu/,
  );
  expect(about('Pod')).toMatch(/^Pod "default\/alone" failed: .*; container "main": Error, exit code 5/);
  expect(code).toBe(1);
}, 120_000);
