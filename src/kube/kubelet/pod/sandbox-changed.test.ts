// A pod whose sandbox has ended under it: all of its containers start anew, in the order of a new pod.
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import type { Pod } from 'kubernetes-types/core/v1.js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { kernelAllows } from '#test/support/kernel.ts';
import { isolatedNetwork, isolationObstacle, isReady, startTestNode, type TestNode } from '../testing.ts';

/** The process that holds the memory which the containers of the only pod share: our child, in a namespace not ours. */
function pauseOfPod(): number {
  const ours = readlinkSync('/proc/self/ns/ipc');
  const found = readdirSync('/proc').find((pid) => {
    try {
      const parent = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ')[1];
      if (parent !== String(process.pid) || readlinkSync(`/proc/${pid}/ns/ipc`) === ours) return false;
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8') === 'sleep\0infinity\0';
    } catch {
      // No process, or one that has just ended.
      return false;
    }
  });
  if (found === undefined) throw new Error('Found no process that holds the memory of the pod');
  return Number(found);
}

describe.runIf(kernelAllows(await isolationObstacle(), 'sandboxes of pods'))('a pod that has lost its sandbox', () => {
  let node: TestNode;
  beforeAll(async () => {
    node = await startTestNode({ kubelet: { network: isolatedNetwork() } });
  });
  afterAll(() => node.close());

  test('says so, and starts anew with its init containers, at the same address', async () => {
    const stay = ['trap "exit 0" TERM; while :; do sleep 0.05; done'];
    await node.run('changed', {
      initContainers: [{ name: 'first', image: 'sh', args: ['true'] }],
      containers: ['one', 'two'].map((name) => ({ name, image: 'sh', args: stay })),
    });
    const before = await node.until('changed', 'ready', isReady);
    process.kill(pauseOfPod(), 'SIGKILL');
    expect(await node.events('changed', 'SandboxChanged')).toEqual([
      'Pod sandbox changed, it will be killed and re-created.',
    ]);
    const after = await node.until(
      'changed',
      'ready again',
      (pod) => isReady(pod) && restarts(pod).every((n) => n === 1),
    );
    expect(restarts(after)).toEqual([1, 1, 1]);
    expect(after.status?.podIP).toBe(before.status?.podIP);
  });
});

function restarts({ status }: Pod): number[] {
  const all = [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])];
  return all.map(({ restartCount }) => restartCount);
}
