// Pods whose containers are apart from the machine: what their manifests say is what they find.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { Container, PodSpec } from 'kubernetes-types/core/v1.js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { builtin } from '#kube/api/resources.ts';
import { eventually } from '#test/support/eventually.ts';
import { kernelAllows } from '#test/support/kernel.ts';
import { isolatedNetwork, isolationObstacle, PODS, startTestNode, type TestNode } from './testing.ts';

describe.runIf(kernelAllows(await isolationObstacle(), 'pods apart from the machine'))('isolated pods', () => {
  let node: TestNode;
  beforeAll(async () => {
    node = await startTestNode({ kubelet: { network: isolatedNetwork(), clusterDns: ['10.96.0.10'] } });
  });
  afterAll(() => node.close());

  /** Runs the script to its end; resolves with what it wrote to its termination log. */
  async function words(name: string, script: string, container: Partial<Container> = {}, pod: Partial<PodSpec> = {}) {
    const args = [`{ ${script}\n} > /dev/termination-log 2>&1`];
    const containers = [{ name: 'main', image: 'sh', args, ...container }];
    await node.run(name, { restartPolicy: 'Never', ...pod, containers });
    const ended = await node.until(name, 'ended', ({ status }) => /Succeeded|Failed/.test(status?.phase ?? ''));
    const [status] = ended.status?.containerStatuses ?? [];
    return (status?.state?.terminated?.message ?? '').trimEnd().split('\n');
  }

  test('names are found by the name server of the cluster', async () => {
    expect(
      await words(
        'dns',
        'cat /etc/resolv.conf | grep -v "^search"; grep -o "^search .*cluster.local" /etc/resolv.conf',
      ),
    ).toEqual([
      'nameserver 10.96.0.10',
      'options ndots:5',
      'search default.svc.cluster.local svc.cluster.local cluster.local',
    ]);
    const dnsConfig = { nameservers: ['192.0.2.1'], searches: ['my.test'], options: [{ name: 'timeout', value: '2' }] };
    const own = await words('dns-none', 'cat /etc/resolv.conf', {}, { dnsPolicy: 'None', dnsConfig });
    expect(own).toEqual(['search my.test', 'nameserver 192.0.2.1', 'options timeout:2']);
  });

  test('the pod knows its names, and those it was told', async () => {
    const pod = {
      hostname: 'web-0',
      subdomain: 'web',
      setHostnameAsFQDN: true,
      hostAliases: [{ ip: '192.0.2.7', hostnames: ['seven', 'siete'] }],
    };
    const lines = await words('names', 'hostname; cat /etc/hostname; echo $HOSTNAME; tail -n 4 /etc/hosts', {}, pod);
    const full = 'web-0.web.default.svc.cluster.local';
    expect(lines.slice(0, 3)).toEqual([full, full, full]);
    expect(lines[3]).toMatch(/^127\.245\.\d+\.\d+\tweb-0\.web\.default\.svc\.cluster\.local\tweb-0$/);
    expect(lines.slice(4)).toEqual(['', '# Entries added by HostAliases.', '192.0.2.7\tseven\tsiete']);
  });

  test('every kind of volume is at its path, for the user that the pod runs as', async () => {
    await node.client.create(builtin('ConfigMap'), {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'conf', namespace: 'default' },
      data: { 'a.conf': 'A', 'b.conf': 'B' },
    });
    await node.client.create(builtin('Secret'), {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'key', namespace: 'default' },
      stringData: { key: 'K' },
    });
    const container: Partial<Container> = {
      env: [{ name: 'WHO', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } }],
      volumeMounts: [
        { name: 'conf', mountPath: '/etc/app' },
        { name: 'conf', mountPath: '/etc/app.conf', subPath: 'a.conf' },
        { name: 'key', mountPath: '/run/secrets/key', readOnly: true },
        { name: 'scratch', mountPath: '/var' },
        { name: 'scratch', mountPath: '/var/of/pod', subPathExpr: 'pods/$(WHO)' },
      ],
    };
    const pod: Partial<PodSpec> = {
      securityContext: { runAsUser: 4711, runAsGroup: 4712, fsGroup: 4713 },
      volumes: [
        { name: 'conf', configMap: { name: 'conf' } },
        { name: 'key', secret: { secretName: 'key', defaultMode: 0o400 } },
        { name: 'scratch', emptyDir: {} },
      ],
    };
    const script = `id -G; cat /etc/app/b.conf /etc/app.conf /run/secrets/key/key; echo; echo x > /var/of/pod/x; ls /var/pods
      stat -L -c "%g %a" /run/secrets/key/key /var/pods/*/x /var`;
    expect(await words('volumes', script, container, pod)).toEqual([
      '4712 4713',
      'BAK',
      'volumes',
      '4713 440',
      '4713 644',
      '4713 2777',
    ]);
  });

  test('mounts below a hostPath spread as its mountPropagation says, and those of a pod end with it', async () => {
    const dir = mkdtempSync(join(homedir(), '.evenkeel-spread-'));
    const sh = (script: string): string => execFileSync('sh', ['-ec', script], { cwd: dir, encoding: 'utf8' });
    const own = (): boolean => readFileSync('/proc/self/mountinfo', 'utf8').includes(` ${join(dir, 'own')} `);
    sh('mount --bind . .');
    sh('mount --make-private . && mount --make-shared . && mkdir old late own && mount -t tmpfs none old');
    try {
      const { metadata } = await node.run('spread', {
        restartPolicy: 'Never',
        containers: [
          {
            name: 'main',
            image: 'sh',
            args: [
              'mount -t tmpfs none /both/own; until [ -s /both/late/x ] && [ -s /follows/late/x ]; do sleep 0.05; done; ' +
                '{ ls /none/late; for at in /none/old /none/x /all/old; do (: > $at/x) 2>/dev/null && echo $at; done; ' +
                'echo end; } > /dev/termination-log; sleep 300',
            ],
            securityContext: { privileged: true },
            volumeMounts: [
              { name: 'host', mountPath: '/both', mountPropagation: 'Bidirectional' },
              { name: 'host', mountPath: '/follows', mountPropagation: 'HostToContainer' },
              { name: 'host', mountPath: '/none', readOnly: true },
              { name: 'host', mountPath: '/all', readOnly: true, recursiveReadOnly: 'Enabled' },
            ] as Container['volumeMounts'],
          },
        ],
        volumes: [{ name: 'host', hostPath: { path: dir } }],
      } as PodSpec);
      await node.until('spread', 'running', ({ status }) => status?.phase === 'Running');
      await eventually('what the container mounted is on the node', () => expect(own()).toBe(true));
      sh('mount -t tmpfs none late && echo x > late/x');
      const words = join(node.dataDir, 'pods', metadata?.uid ?? '', 'containers', 'main', 'termination-log');
      const file = (): string => readFileSync(words, 'utf8');
      await eventually('the container has seen what the node mounted', () => expect(file()).toContain('end'));
      expect(file()).toBe('/none/old\nend\n');
      await node.client.delete(PODS, 'spread', 'default', { gracePeriodSeconds: 1 });
      await node.untilGone('spread');
      expect(own()).toBe(false);
      expect(sh('cat late/x')).toBe('x\n');
    } finally {
      await node.client.delete(PODS, 'spread', 'default', { gracePeriodSeconds: 0 }).catch(() => undefined);
      sh('umount -l late || :; umount -l old || :; umount -l own 2>/dev/null || :');
      execFileSync('umount', ['-l', dir]);
      rmSync(dir, { recursive: true, force: true });
    }
  });

  test('a user that is root is refused where the pod says so, and a command of no user is nobody then', async () => {
    await node.run('root', { args: ['true'], securityContext: { runAsNonRoot: true, runAsUser: 0 } });
    const pod = await node.until(
      'root',
      'refused',
      ({ status }) => status?.containerStatuses?.[0]?.state?.waiting?.reason === 'CreateContainerConfigError',
    );
    expect(pod.status?.containerStatuses?.[0]?.state?.waiting?.message).toContain(
      'container\'s runAsUser breaks non-root policy (pod: "root_default(',
    );
    expect(await words('nobody', 'id -u', {}, { securityContext: { runAsNonRoot: true } })).toEqual(['65532']);
  });

  test('the last words are where the container is told to leave them', async () => {
    const containers = [
      { name: 'main', image: 'sh', args: ['printf bye > /var/last; exit 3'], terminationMessagePath: '/var/last' },
    ];
    await node.run('last', { restartPolicy: 'Never', containers });
    const pod = await node.until('last', 'failed', ({ status }) => status?.phase === 'Failed');
    expect(pod.status?.containerStatuses?.[0]?.state?.terminated).toMatchObject({ message: 'bye', exitCode: 3 });
  });

  test('a container that asks for a terminal has one', async () => {
    const tty = { args: ['test -t 0 && test -t 1 && tty > /dev/termination-log'], tty: true, stdin: true };
    expect(await words('terminal', '', tty)).toEqual([expect.stringMatching(/^\/dev\/pts\/\d+$/)]);
  });

  test('the data of the cluster cannot be seen', async () => {
    const [data, temporary] = await words('keys', `ls -A ${node.dataDir} 2>&1 | wc -l; ls /tmp | wc -l`);
    expect(data).toBe('1');
    const hostPath = { path: '/', type: 'Directory' };
    const [host] = await words(
      'keys-of-host',
      `ls -A /host${node.dataDir} 2>&1 | wc -l; ls -A /host/etc | grep -cx hosts`,
      { volumeMounts: [{ name: 'host', mountPath: '/host' }] },
      { volumes: [{ name: 'host', hostPath }] },
    );
    expect(host).toBe('0');
    // A program below /tmp must be found there: then /tmp is the machine's.
    if (!process.execPath.startsWith('/tmp/')) expect(temporary).toBe('0');
  });

  test('containers of a pod share memory, and processes when asked to', async () => {
    await node.run('share', {
      restartPolicy: 'Never',
      shareProcessNamespace: true,
      containers: [
        {
          name: 'writer',
          image: 'sh',
          args: ['echo hello > /dev/shm/word; exec sleep 20'],
        },
        {
          name: 'reader',
          image: 'sh',
          args: [
            'until [ -s /dev/shm/word ] && cat /proc/[0-9]*/comm | grep -c sleep | grep -q [23]; do sleep 0.05; done;' +
              '{ cat /dev/shm/word; cat /proc/1/comm; hostname; } > /dev/termination-log',
          ],
        },
      ],
    });
    const pod = await node.until('share', 'reader ended', ({ status }) =>
      (status?.containerStatuses ?? []).some((one) => one.name === 'reader' && one.state?.terminated !== undefined),
    );
    const reader = pod.status?.containerStatuses?.find((one) => one.name === 'reader');
    expect(reader?.state?.terminated).toMatchObject({ exitCode: 0, message: 'hello\nsleep\nshare\n' });
    expect(pod.status?.containerStatuses?.find((one) => one.name === 'writer')?.state?.running).toBeDefined();
  });
});
