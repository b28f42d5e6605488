// Fields of pods that are small, and that people rely on all the same: each does what its name says.
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Container, Pod, PodSpec } from 'kubernetes-types/core/v1.js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { builtin } from '#kube/api/resources.ts';
import { kernelAllows } from '#test/support/kernel.ts';
import { isolatedNetwork, isolationObstacle, isReady, startTestNode, type TestNode } from './testing.ts';

const ended = ({ status }: Pod): boolean => /Succeeded|Failed/.test(status?.phase ?? '');
const lastWords = ({ status }: Pod): string => status?.containerStatuses?.[0]?.state?.terminated?.message ?? '';

describe('everywhere', () => {
  let node: TestNode;
  const asked: { path: string; headers: IncomingHttpHeaders }[] = [];
  const listener = createServer((request, response) => {
    asked.push({ path: request.url ?? '', headers: request.headers });
    response.end();
  });
  beforeAll(async () => {
    node = await startTestNode();
    await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  });
  afterAll(async () => {
    listener.close();
    await node.close();
  });
  const port = (): number => (listener.address() as AddressInfo).port;
  const visits = (path: string): IncomingHttpHeaders[] =>
    asked.filter((one) => one.path === path).map(({ headers }) => headers);

  test('probes and hooks ask the host, port, path, scheme and httpHeaders that they name', async () => {
    const httpGet = (path: string) => ({
      host: '127.0.0.1',
      port: port(),
      path,
      scheme: 'HTTP',
      httpHeaders: [{ name: 'X-Who', value: path }],
    });
    await node.run('asking', {
      args: ['while :; do sleep 0.05; done'],
      readinessProbe: { httpGet: httpGet('/probe'), timeoutSeconds: 5 },
      livenessProbe: { tcpSocket: { host: '127.0.0.1', port: port() }, periodSeconds: 1 },
      lifecycle: { postStart: { httpGet: httpGet('/after-start') }, preStop: { httpGet: httpGet('/before-stop') } },
    });
    await node.until('asking', 'ready', isReady);
    await node.client.delete(builtin('Pod'), 'asking', 'default');
    await node.untilGone('asking');
    for (const path of ['/probe', '/after-start', '/before-stop']) {
      expect(visits(path)[0]?.['x-who']).toBe(path);
    }
  });

  test('a probe that takes longer than timeoutSeconds has failed', async () => {
    await node.run('slow', {
      args: ['while :; do sleep 0.05; done'],
      readinessProbe: { exec: { command: ['sleep', '20'] }, timeoutSeconds: 1, periodSeconds: 1 },
    });
    expect((await node.events('slow', 'Unhealthy'))[0]).toMatch(/^Readiness probe (failed|errored).*/);
  });

  test('a liveness probe may leave less time to end than the pod does', async () => {
    await node.run('stubborn', {
      containers: [
        {
          name: 'main',
          image: 'sh',
          args: ["trap '' TERM; while :; do sleep 0.05; done"],
          livenessProbe: {
            exec: { command: ['false'] },
            periodSeconds: 1,
            failureThreshold: 1,
            terminationGracePeriodSeconds: 1,
          },
        },
      ],
      terminationGracePeriodSeconds: 3_600,
    });
    const pod = await node.until(
      'stubborn',
      'restarted',
      ({ status }) => status?.containerStatuses?.[0]?.restartCount === 1,
    );
    expect(pod.status?.containerStatuses?.[0]?.lastState?.terminated?.exitCode).toBe(137);
  });

  test('a hook may sleep for some seconds before the end begins', async () => {
    await node.run('sleeper', {
      args: ["trap 'exit 0' TERM; while :; do sleep 0.05; done"],
      lifecycle: { preStop: { sleep: { seconds: 1 } } },
    });
    await node.until('sleeper', 'running', ({ status }) => status?.phase === 'Running');
    const began = performance.now();
    await node.client.delete(builtin('Pod'), 'sleeper', 'default');
    await node.untilGone('sleeper');
    expect(performance.now() - began).toBeGreaterThan(990);
  });

  test('a container without a termination file may have the end of its log told', async () => {
    await node.run('fallen', {
      containers: [
        {
          name: 'main',
          image: 'sh',
          args: ['echo it broke; exit 3'],
          terminationMessagePolicy: 'FallbackToLogsOnError',
        },
      ],
      restartPolicy: 'Never',
    });
    expect(lastWords(await node.until('fallen', 'failed', ended))).toBe('it broke\n');
  });

  test('images are fetched by imagePullPolicy, and containers start in workingDir', async () => {
    await node.run('never', { image: 'nobody/has:1', imagePullPolicy: 'Never' });
    await node.until('never', 'refused', ({ status }) =>
      /ErrImageNeverPull/.test(status?.containerStatuses?.[0]?.state?.waiting?.reason ?? ''),
    );
    expect((await node.events('never', 'ErrImageNeverPull'))[0]).toMatch(
      /^Container image "nobody\/has:1" is not present/,
    );
    expect(await node.events('never', 'Failed')).toEqual(['Error: ErrImageNeverPull']);
    await node.run('misnamed', { image: 'Nobody HAS' });
    expect((await node.events('misnamed', 'InspectFailed'))[0]).toContain('couldn\'t parse image name "Nobody HAS"');
    expect(await node.events('misnamed', 'Failed')).toEqual(['Error: InvalidImageName']);
    await node.run('where', { restartPolicy: 'Never', containers: [speaker('pwd', { workingDir: '/usr' })] });
    expect(lastWords(await node.until('where', 'ended', ended)).trim()).toBe('/usr');
  });

  test('a plain process that cannot be who its securityContext says is told of by an event', async () => {
    await node.run('someone', {
      args: ['sleep 30'],
      securityContext: { runAsUser: 4321, readOnlyRootFilesystem: true },
    });
    const [message] = await node.events('someone', 'SecurityContextIgnored');
    expect(message).toMatch(
      /^runAsUser, readOnlyRootFilesystem of the securityContext have no effect.*--network netns/,
    );
  });

  test('links to Services can be left out, and another container of the pod be asked for its limits', async () => {
    await node.client.create(builtin('Service'), {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'linked', namespace: 'default' },
      spec: { ports: [{ port: 80 }] },
    } as never);
    await node.until('where', 'seen', () => true);
    const env = [
      {
        name: 'OTHER',
        valueFrom: { resourceFieldRef: { containerName: 'other', resource: 'limits.cpu', divisor: '1m' } },
      },
    ];
    await node.run('unlinked', {
      restartPolicy: 'Never',
      enableServiceLinks: false,
      containers: [
        speaker('env | grep -c LINKED; echo $OTHER', { env }),
        { name: 'other', image: 'sh', args: ['true'], resources: { limits: { cpu: '250m' } } },
      ],
    });
    const pod = await node.until('unlinked', 'ended', ended);
    const main = pod.status?.containerStatuses?.find(({ name }) => name === 'main');
    expect(main?.state?.terminated?.message?.trim().split('\n')).toEqual(['0', '250']);
  });

  test('a pod in the network of its node has the address of the node', async () => {
    await node.run('at-home', {
      hostNetwork: true,
      containers: [{ name: 'main', image: 'sh', args: ['while :; do sleep 0.05; done'] }],
    });
    const pod = await node.until('at-home', 'running', ({ status }) => status?.phase === 'Running');
    expect(pod.status?.podIP).toBe(pod.status?.hostIP);
  });
});

/** A container that writes what the script says where its last words are read. */
function speaker(script: string, rest: Partial<Container> = {}): Container {
  // In a root of its own the file is at its usual place, elsewhere a variable names it.
  const target = '"$' + '{EVENKEEL_TERMINATION_LOG:-/dev/termination-log}"';
  return { name: 'main', image: 'sh', args: [`{ ${script}\n} > ${target} 2>&1 || true`], ...rest };
}

describe.runIf(kernelAllows(await isolationObstacle(), 'rights of containers'))('apart from the machine', () => {
  let node: TestNode;
  beforeAll(async () => {
    node = await startTestNode({ kubelet: { network: isolatedNetwork() } });
  });
  afterAll(() => node.close());

  async function words(name: string, script: string, container: Partial<Container> = {}, pod: Partial<PodSpec> = {}) {
    await node.run(name, { restartPolicy: 'Never', ...pod, containers: [speaker(script, container)] });
    return lastWords(await node.until(name, 'ended', ended))
      .trimEnd()
      .split('\n');
  }

  test('capabilities are added and dropped, and privileges cannot be won back', async () => {
    const securityContext = {
      capabilities: { drop: ['ALL'], add: ['NET_BIND_SERVICE'] },
      allowPrivilegeEscalation: false,
    };
    const lines = await words('rights', 'grep -E "CapBnd|NoNewPrivs" /proc/self/status', { securityContext });
    expect(lines.map((line) => line.split(/\s+/)[1])).toEqual(['0000000000000400', '1']);
  });

  test('a root may be read-only, and the kernel may be hidden or shown', async () => {
    const closed = await words('closed', 'touch /x && echo written || echo refused', {
      securityContext: { readOnlyRootFilesystem: true },
    });
    expect(closed.at(-1)).toBe('refused');
    const script = '[ -w /proc/sys/vm/drop_caches ] && echo 0 || echo 1';
    const masked = await words('masked', script);
    const shown = await words('shown', script, { securityContext: { procMount: 'Unmasked' } as never });
    expect([masked.at(-1), shown.at(-1)]).toEqual(['1', '0']);
  });

  test('groups are those of the pod, and of the image only when nothing else is said', async () => {
    const securityContext = {
      runAsUser: 1_000,
      runAsGroup: 1_000,
      supplementalGroups: [2_001, 2_002],
      supplementalGroupsPolicy: 'Strict',
    };
    expect(await words('groups', 'id -G', {}, { securityContext })).toEqual(['1000 2001 2002']);
  });

  test('a pod sees the processes and the shared memory of its node only when it asks', async () => {
    const script = 'ls /proc | grep -c "^[0-9]"';
    const [own = ''] = await words('alone', script);
    const [all = ''] = await words('among', script, {}, { hostPID: true, hostIPC: true });
    expect(Number(own)).toBeLessThan(10);
    expect(Number(all)).toBeGreaterThan(Number(own));
  });
});
