// exec, attach, run, port-forward and cp through real kubectl binaries: the new one by WebSocket, the old one by SPDY.
// What is compared is what kubectl prints and how it exits.
import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startCluster, type TestCluster } from '#test/support/cluster.ts';
import { eventually } from '#test/support/eventually.ts';
import { findKubectl, type Kubectl, type KubectlVersion, kubectlFor } from '#test/support/kubectl.ts';
import { start } from '#test/support/run.ts';
import { tempDir } from '#test/support/temp-dir.ts';

const images = { sh: { command: ['sh', '-c', 'trap "exit 0" TERM; while :; do sleep 0.2; done'] } };
const versions: readonly KubectlVersion[] = ['current', 'old'];

const manifests = tempDir('streams');
let cluster: TestCluster;
beforeAll(async () => {
  const dir = manifests.path;
  mkdirSync(join(dir, 'k8s'), { recursive: true });
  writeFileSync(join(dir, 'evenkeel.yaml'), JSON.stringify({ manifests: ['k8s'], images }));
  writeFileSync(
    join(dir, 'k8s', 'pods.yaml'),
    [
      'apiVersion: v1',
      'kind: Pod',
      'metadata: {name: shell, namespace: default}',
      'spec:',
      '  terminationGracePeriodSeconds: 1',
      '  containers:',
      '  - {name: main, image: sh, env: [{name: COLOUR, value: green}]}',
      '  - {name: web, image: evenkeel.dev/echo, ports: [{containerPort: 8080}]}',
    ].join('\n'),
  );
  cluster = await startCluster([dir]);
}, 120_000);
afterAll(async () => {
  await cluster?.remove();
  manifests.remove();
}, 30_000);

const sha = (bytes: Buffer | string): string => createHash('sha256').update(bytes).digest('hex');

describe.each(versions)('kubectl (%s)', async (version) => {
  const found = await findKubectl(version);
  if ('missing' in found) {
    test.skip(`skipped: ${found.missing}`, () => {});
    return;
  }
  let kubectl: Kubectl;
  let home: string;

  beforeAll(async () => {
    home = join(cluster.data, `home-${version}`);
    mkdirSync(home);
    kubectl = kubectlFor(found.path, cluster.kubeconfig, home);
    await kubectl(['wait', '--for=condition=Ready', 'pod/shell', '--timeout=60s']);
  }, 120_000);

  const exec = (...words: string[]): string[] => ['exec', 'shell', '-c', 'main', '--', ...words];

  test('exec shows output and errors apart, and exits as the command does', async () => {
    expect(await kubectl.try(exec('sh', '-c', 'echo $COLOUR; echo bad >&2; exit 7'))).toMatchObject({
      code: 7,
      stdout: 'green\n',
      stderr: expect.stringMatching(/^bad\n.*exit code 7/s),
    });
    expect(await kubectl.try(exec('true'))).toMatchObject({ code: 0, stdout: '', stderr: '' });
    const missing = await kubectl.try(exec('no-such-program'));
    expect(missing).toMatchObject({ code: 127, stderr: expect.stringContaining('executable file not found') });
  });

  test('exec says what is wrong with the target', async () => {
    expect((await kubectl.try(['exec', 'shell', '-c', 'nobody', '--', 'true'])).stderr).toContain(
      'container nobody is not valid for pod shell',
    );
    expect((await kubectl.try(['exec', 'nobody', '--', 'true'])).stderr).toContain('pods "nobody" not found');
  });

  test('10 MB of input come back whole', async () => {
    const input = randomBytes(5_000_000).toString('hex');
    const { code, stdout } = await kubectl.try(['exec', '-i', 'shell', '-c', 'main', '--', 'cat'], input);
    expect([code, sha(stdout)]).toEqual([0, sha(input)]);
  }, 60_000);

  test('a command that does not read its input ends all the same', async () => {
    const input = 'x'.repeat(2_000_000);
    expect(await kubectl.try(['exec', '-i', 'shell', '-c', 'main', '--', 'echo', 'done'], input)).toMatchObject({
      code: 0,
      stdout: 'done\n',
    });
  }, 60_000);

  test('cp carries files and folders both ways', async () => {
    const from = join(home, 'from');
    mkdirSync(join(from, 'deep'), { recursive: true });
    const bytes = randomBytes(3_000_000);
    writeFileSync(join(from, 'large.bin'), bytes);
    writeFileSync(join(from, 'deep', 'small.txt'), 'small');
    const inside = join(cluster.data, `cp-${version}`);
    await kubectl(['cp', from, `shell:${inside}`, '-c', 'main']);
    await kubectl(['cp', `shell:${inside}`, join(home, 'back'), '-c', 'main']);
    expect(sha(readFileSync(join(home, 'back', 'large.bin')))).toBe(sha(bytes));
    expect(readFileSync(join(home, 'back', 'deep', 'small.txt'), 'utf8')).toBe('small');
  }, 60_000);

  test('port-forward carries many connections at once, and survives one that goes away', async () => {
    const forward = start(found.path, ['port-forward', 'pod/shell', ':8080'], {
      env: { KUBECONFIG: cluster.kubeconfig, HOME: home },
    });
    try {
      const port = await eventually('port-forward says its port', () => {
        const match = /127\.0\.0\.1:(\d+) ->/.exec(forward.output().stdout);
        if (match?.[1] === undefined) throw new Error(forward.output().stderr);
        return match[1];
      });
      const url = `http://127.0.0.1:${port}`;
      const body = 'y'.repeat(300_000);
      const gone = new AbortController();
      const lost = fetch(url, { method: 'POST', body, signal: gone.signal }).catch(() => {});
      gone.abort();
      await lost;
      const answers = await Promise.all(
        Array.from({ length: 20 }, async (_, index) => {
          const answer = await fetch(`${url}/n${index}`, { method: 'POST', body });
          return [answer.status, (await answer.text()).includes(`/n${index}`)];
        }),
      );
      expect(answers).toEqual(Array.from({ length: 20 }, () => [200, true]));
    } finally {
      forward.child.kill('SIGINT');
      await forward.finished;
    }
  }, 60_000);
});
