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
      '---',
      'apiVersion: v1',
      'kind: Pod',
      'metadata: {name: terminal, namespace: default}',
      'spec:',
      '  terminationGracePeriodSeconds: 1',
      '  containers:',
      '  - {name: main, image: sh, command: [sh], stdin: true, tty: true}',
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
    await kubectl(['wait', '--for=condition=Ready', 'pod/shell', 'pod/terminal', '--timeout=60s']);
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

  /** kubectl at a terminal of its own, with what a person types and sees there. */
  const atTerminal = (words: readonly string[]) => {
    const line = `stty rows 33 cols 101; exec ${found.path} ${words.join(' ')}`;
    const typist = start('script', ['-qefc', line, '/dev/null'], {
      env: { KUBECONFIG: cluster.kubeconfig, HOME: home, SHELL: '/bin/sh' },
      openInput: true,
    });
    const type = (text: string): unknown => typist.child.stdin?.write(text);
    const sees = (pattern: RegExp): Promise<unknown> =>
      eventually(`the terminal shows ${pattern}`, async () => expect(typist.output().stdout).toMatch(pattern));
    return { typist, type, sees };
  };

  test('exec -it gives a terminal: its size, Ctrl-C, the exit code', async () => {
    const { typist, type, sees } = atTerminal(['exec', '-it', 'shell', '-c', 'main', '--', 'sh']);
    try {
      await sees(/[#$] $/);
      type('stty size; echo $((6 * 7))\n');
      await sees(/33 101\s+42\s/);
      type('echo about to sleep; sleep 1000\n');
      await sees(/\sabout to sleep\s+$/);
      type('\x03');
      await sees(/\^C/);
      type('echo back-$?\n');
      await sees(/\sback-130\s/);
      type('exit 5\n');
      expect((await typist.finished).code).toBe(5);
    } finally {
      typist.child.kill();
    }
  }, 60_000);

  test('attach joins the container at its terminal, and leaves it running', async () => {
    const { typist, type, sees } = atTerminal(['attach', '-it', 'terminal', '-c', 'main']);
    try {
      // What is typed before kubectl has attached is read by nobody.
      await sees(/command prompt/);
      type(`echo from-${version}-$((40 + 2))\n`);
      await sees(new RegExp(`from-${version}-42`));
    } finally {
      typist.child.kill('SIGKILL');
      await typist.finished;
    }
    expect(await kubectl(['logs', 'terminal'])).toContain(`from-${version}-42`);
    const restarts = ['get', 'pod', 'terminal', '-o', 'jsonpath={.status.containerStatuses[0].restartCount}'];
    expect(await kubectl(restarts)).toBe('0');
  }, 60_000);

  test('run -i --rm feeds the container, shows its output, exits as it does, and leaves nothing', async () => {
    const words = ['run', `fed-${version}`, '-i', '--rm', '--restart=Never', '--image=sh', '--command', '--'];
    const fed = await kubectl.try([...words, 'sh', '-c', 'read line; echo got $line; exit 3'], 'words\n');
    expect(fed).toMatchObject({ code: 3, stdout: expect.stringContaining('got words') });
    expect((await kubectl.try(['get', 'pod', `fed-${version}`])).stderr).toContain('not found');
  }, 60_000);

  // Before 1.23 the subresource had another form, which no server takes any more.
  test.runIf(version === 'current')(
    'debug adds a container to a running pod, and joins it',
    async () => {
      const { code, stdout } = await kubectl.try(
        ['debug', '-i', '-q', 'shell', '--image=sh', '-c', 'joined', '--', 'sh', '-c', 'read line; echo got $line'],
        'words\n',
      );
      expect([code, stdout]).toEqual([0, expect.stringContaining('got words')]);
      await kubectl(['debug', 'shell', '--image=sh', '-c', 'alone', '--target=main', '--', 'echo', 'was here']);
      await eventually('the container has spoken', async () =>
        expect(await kubectl(['logs', 'shell', '-c', 'alone'])).toBe('was here\n'),
      );
      expect(await kubectl(['describe', 'pod', 'shell'])).toMatch(/Ephemeral Containers:\n {2}joined:.*Terminated/s);
    },
    60_000,
  );

  test('get --raw reaches pods and kubelets through the proxy', async () => {
    const raw = (path: string): string[] => ['get', '--raw', path];
    expect(await kubectl(raw('/api/v1/namespaces/default/pods/shell:8080/proxy/deep/path?a=b'))).toContain(
      '/deep/path?a=b',
    );
    expect(await kubectl(raw('/api/v1/nodes/node-1/proxy/healthz'))).toBe('ok');
    const none = await kubectl.try(raw('/api/v1/namespaces/default/services/nobody:80/proxy/'));
    expect(none.stderr).toContain('services "nobody" not found');
  });
});
