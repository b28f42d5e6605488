// What pods keep on their node: bounded on the disk by eviction, in memory by the kernel.
import { readFileSync } from 'node:fs';
import type { Container, Pod, PodSpec } from 'kubernetes-types/core/v1.js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { builtin } from '#kube/api/resources.ts';
import { kernelAllows } from '#test/support/kernel.ts';
import { startTestNode, type TestNode } from './testing.ts';

let node: TestNode;
beforeAll(async () => {
  node = await startTestNode({ kubelet: { storageCheckMs: 200 } });
});
afterAll(() => node.close());

const failed = ({ status }: Pod): boolean => status?.phase === 'Failed';
const writer = (script: string, rest: Partial<Container> = {}): Container => ({
  name: 'main',
  image: 'sh',
  args: [`${script}; trap 'exit 0' TERM; while :; do sleep 0.05; done`],
  volumeMounts: [{ name: 'cache', mountPath: '/cache' }],
  ...rest,
});

describe('a pod that takes too much of the disk', () => {
  const run = async (name: string, emptyDir: object, container: Container): Promise<Pod> => {
    await node.run(name, { containers: [container], volumes: [{ name: 'cache', emptyDir }] } as PodSpec);
    return await node.until(name, 'evicted', failed);
  };

  test('by an emptyDir with a sizeLimit is evicted, and says why', async () => {
    const script = 'dd if=/dev/zero of=$EVENKEEL_MOUNT_CACHE/file bs=1024 count=2048 2>/dev/null';
    const { status } = await run('hoarder', { sizeLimit: '1Mi' }, writer(script));
    const message = 'Usage of EmptyDir volume "cache" exceeds the limit "1Mi". ';
    expect(status).toMatchObject({ phase: 'Failed', reason: 'Evicted', message });
    expect(status?.containerStatuses?.[0]?.state?.terminated).toBeDefined();
    expect(await node.events('hoarder', 'Evicted')).toEqual([message]);
    await node.restart();
    const again = await node.until('hoarder', 'still failed', failed);
    expect(again.status).toMatchObject({ reason: 'Evicted', message });
  });

  test('by what a container writes beside its volumes is evicted as well', async () => {
    const script = 'dd if=/dev/zero of=$TMPDIR/file bs=1024 count=2048 2>/dev/null';
    const resources = { limits: { 'ephemeral-storage': '1Mi' } };
    const { status } = await run('writer', {}, writer(script, { resources }));
    expect(status).toMatchObject({ reason: 'Evicted' });
    expect(status?.message).toContain('exceeds the total limit of containers 1Mi');
  });
});

const obstacle = process.getuid?.() === 0 && process.platform === 'linux' ? undefined : 'this is not root on Linux';
describe.runIf(kernelAllows(obstacle, 'volumes in memory'))('an emptyDir of medium Memory', () => {
  test('is a file system of its own that holds no more than its sizeLimit, and is gone with its pod', async () => {
    const script = [
      'cd "$EVENKEEL_MOUNT_CACHE"',
      'stat -f -c %T . > "$EVENKEEL_TERMINATION_LOG"',
      'dd if=/dev/zero of=file bs=1024 count=4096 2>/dev/null || true',
      'stat -c %s file >> "$EVENKEEL_TERMINATION_LOG"',
      'exit 0',
    ].join('; ');
    await node.run('quick', {
      restartPolicy: 'Never',
      containers: [writer(script)],
      volumes: [{ name: 'cache', emptyDir: { medium: 'Memory', sizeLimit: '1Mi' } }],
    });
    const { status, metadata } = await node.until('quick', 'ended', (pod) => pod.status?.phase === 'Succeeded');
    const message = status?.containerStatuses?.[0]?.state?.terminated?.message ?? '';
    expect(message.trim().split('\n')).toEqual(['tmpfs', String(1024 * 1024)]);
    await node.client.delete(builtin('Pod'), 'quick', 'default');
    await node.untilGone('quick');
    expect(readFileSync('/proc/self/mountinfo', 'utf8')).not.toContain(metadata?.uid);
  });

  test('is given back when the kubelet ends, and made anew when it comes back', async () => {
    const script = 'stat -f -c %T "$EVENKEEL_MOUNT_CACHE" > "$EVENKEEL_MOUNT_CACHE/type"';
    const { metadata } = await node.run('lasting', {
      containers: [writer(script)],
      volumes: [{ name: 'cache', emptyDir: { medium: 'Memory', sizeLimit: '1Mi' } }],
    });
    const running = (count: number) => (pod: Pod) =>
      pod.status?.containerStatuses?.[0]?.restartCount === count && pod.status.phase === 'Running';
    await node.until('lasting', 'running', running(0));
    const mounts = (): number =>
      readFileSync('/proc/self/mountinfo', 'utf8')
        .split('\n')
        .filter((line) => line.includes(metadata?.uid ?? '-')).length;
    expect(mounts()).toBe(1);
    await node.kubelet.stop({ graceMs: 2_000 });
    expect(mounts()).toBe(0);
    await node.restart();
    await node.until('lasting', 'running again', running(1));
    expect(mounts()).toBe(1);
    await node.client.delete(builtin('Pod'), 'lasting', 'default');
    await node.untilGone('lasting');
  });

  test('of another medium than the disk and the memory is refused', async () => {
    await node.run('huge', {
      containers: [writer('true')],
      volumes: [{ name: 'cache', emptyDir: { medium: 'HugePages' } }],
    });
    expect((await node.events('huge', 'FailedMount'))[0]).toContain('medium "HugePages" cannot be had');
  });
});
