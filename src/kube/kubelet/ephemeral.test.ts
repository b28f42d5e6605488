// Containers that are added to a pod while it runs: they run once, show themselves, and see the one they are for.
import type { EphemeralContainer, Pod } from 'kubernetes-types/core/v1.js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { builtin } from '#kube/api/resources.ts';
import { kernelAllows } from '#test/support/kernel.ts';
import { isolatedNetwork, isolationObstacle, startTestNode, type TestNode } from './testing.ts';

const PODS = builtin('Pod');
const LOOP = "trap 'exit 0' TERM; while :; do sleep 0.05; done";
const words = (script: string): string => `{ ${script}; } > "\${EVENKEEL_TERMINATION_LOG:-/dev/termination-log}" 2>&1`;

async function add(node: TestNode, pod: string, container: EphemeralContainer): Promise<Pod> {
  const spec = { ephemeralContainers: [container] };
  return await node.client.patch<Pod>(
    PODS,
    pod,
    'default',
    'strategic',
    { spec },
    { subresource: 'ephemeralcontainers' },
  );
}
const statusOf = (pod: Pod, name: string) =>
  pod.status?.ephemeralContainerStatuses?.find((status) => status.name === name);
const running = ({ status }: Pod): boolean => status?.phase === 'Running';
const said = async (node: TestNode, pod: string, name: string): Promise<string> => {
  const done = await node.until(pod, `${name} ended`, (each) => statusOf(each, name)?.state?.terminated !== undefined);
  return statusOf(done, name)?.state?.terminated?.message ?? '';
};

describe('a container that is added', () => {
  let node: TestNode;
  beforeAll(async () => {
    node = await startTestNode();
    await node.run('host', { args: [LOOP] });
    await node.until('host', 'running', running);
  });
  afterAll(() => node.close());

  test('runs once beside the others, and changes nothing of the pod', async () => {
    await add(node, 'host', { name: 'look', image: 'sh', args: [words('echo here; exit 3')] });
    expect(await said(node, 'host', 'look')).toBe('here\n');
    const pod = await node.until('host', 'still running', running);
    expect(statusOf(pod, 'look')).toMatchObject({
      ready: false,
      restartCount: 0,
      state: { terminated: { exitCode: 3 } },
    });
    expect(pod.status?.containerStatuses?.map(({ name, restartCount }) => [name, restartCount])).toEqual([['main', 0]]);
    expect((await node.events('host', 'Started', 2)).length).toBe(2);
  });

  test('can be added while the pod waits for its first container', async () => {
    await node.run('stuck', { image: 'nobody/has:1' });
    await node.until('stuck', 'waiting', ({ status }) => status?.containerStatuses?.[0]?.state?.waiting !== undefined);
    await add(node, 'stuck', { name: 'look', image: 'sh', args: [words('echo here')] });
    expect(await said(node, 'stuck', 'look')).toBe('here\n');
  });

  test('ends with its pod, and is known to have ended when the kubelet comes back', async () => {
    await node.run('second', { args: [LOOP] });
    await add(node, 'second', { name: 'stay', image: 'sh', args: [LOOP] });
    await node.until('second', 'stays', (pod) => statusOf(pod, 'stay')?.state?.running !== undefined);
    await node.restart();
    const pod = await node.until('second', 'ended', (each) => statusOf(each, 'stay')?.state?.terminated !== undefined);
    expect(statusOf(pod, 'stay')?.restartCount).toBe(0);
    await add(node, 'second', { name: 'again', image: 'sh', args: [LOOP] });
    await node.until('second', 'stays again', (each) => statusOf(each, 'again')?.state?.running !== undefined);
    await node.client.delete(PODS, 'second', 'default');
    await node.untilGone('second');
  });

  test('waits for the container that it is for', async () => {
    await node.run('late', { image: 'nobody/has:1' });
    await add(node, 'late', { name: 'look', image: 'sh', args: [LOOP], targetContainerName: 'main' });
    const pod = await node.until(
      'late',
      'told',
      (each) => statusOf(each, 'look')?.state?.waiting?.message !== undefined,
    );
    expect(statusOf(pod, 'look')?.state?.waiting?.message).toBe('unable to find target container "main"');
  });
});

describe.runIf(kernelAllows(await isolationObstacle(), 'containers that see another one'))(
  'apart from the machine',
  () => {
    let node: TestNode;
    beforeAll(async () => {
      node = await startTestNode({ kubelet: { network: isolatedNetwork() } });
      await node.run('host', { args: [`: this is the one; ${LOOP}`] });
      await node.until('host', 'running', running);
    });
    afterAll(() => node.close());

    test('targetContainerName names the one whose processes are seen, and others are not', async () => {
      const script = words('cat /proc/[0-9]*/cmdline | tr "\\0" " "');
      await add(node, 'host', { name: 'with', image: 'sh', args: [script], targetContainerName: 'main' });
      await add(node, 'host', { name: 'without', image: 'sh', args: [script] });
      expect(await said(node, 'host', 'with')).toContain('this is the one');
      expect(await said(node, 'host', 'without')).not.toContain('this is the one');
      const pod = await node.until('host', 'still running', running);
      expect(pod.status?.containerStatuses?.[0]?.restartCount).toBe(0);
    });

    test('the file system of the other one is seen through its process', async () => {
      await node.run('files', { args: [`echo secret > /etc/only-here; ${LOOP}`] });
      await node.until('files', 'running', running);
      const script = words(
        'for p in /proc/[0-9]*; do cat $p/root/etc/only-here 2>/dev/null && break; done; ls /etc/only-here',
      );
      await add(node, 'files', { name: 'look', image: 'sh', args: [script], targetContainerName: 'main' });
      const message = await said(node, 'files', 'look');
      expect(message).toContain('secret');
      expect(message).toContain('No such file');
    });
  },
);
