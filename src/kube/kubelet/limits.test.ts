// Limits of pods as people see them: what is ended, what is slowed down, and what goes on working meanwhile.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { kernelAllows } from '#test/support/kernel.ts';
import { hasControlGroups, isReady, PODS, startTestNode, type TestNode } from './testing.ts';

const obstacle = (await hasControlGroups()) ? undefined : 'no control groups may be used here';

describe.runIf(kernelAllows(obstacle, 'limits of pods'))('limits', () => {
  let node: TestNode;
  beforeAll(async () => {
    node = await startTestNode({ kubelet: { podPidsLimit: 64 } });
  });
  afterAll(() => node.close());

  test('a container that allocates past its limit is OOMKilled and started again', async () => {
    await node.run('eater', {
      image: 'node',
      // The second start finds the file of the first, and behaves.
      args: [
        'const { existsSync, writeFileSync } = require("fs"); const seen = existsSync("seen"); writeFileSync("seen", "");' +
          'if (seen) setInterval(() => {}, 1000); else { const all = []; for (;;) all.push(Buffer.alloc(1 << 20, 1)); }',
      ],
      resources: { limits: { memory: '96Mi' } },
    });
    const pod = await node.until(
      'eater',
      'ended for its use of memory, and running again',
      ({ status }) =>
        status?.containerStatuses?.[0]?.lastState?.terminated !== undefined &&
        status.containerStatuses[0].state?.running !== undefined,
    );
    expect(pod.status?.containerStatuses?.[0]).toMatchObject({
      restartCount: 1,
      lastState: { terminated: { reason: 'OOMKilled', exitCode: 137 } },
    });
  });

  test('a CPU hog gets no more than its limit', async () => {
    await node.run('hog', {
      restartPolicy: 'Never',
      containers: [
        {
          name: 'main',
          image: 'node',
          // It says itself how much CPU time it got in two seconds of wall time and how much there was, in milliseconds.
          args: [
            'const from = performance.now(); const before = process.cpuUsage(); while (performance.now() - from < 2000);' +
              'const { user, system } = process.cpuUsage(before); const wall = performance.now() - from;' +
              'require("fs").writeFileSync(process.env.EVENKEEL_TERMINATION_LOG, (user + system) / 1000 + " " + wall)',
          ],
          resources: { limits: { cpu: '250m' } },
        },
      ],
    });
    const { status } = await node.until('hog', 'ended', (pod) => pod.status?.phase === 'Succeeded');
    const [used = 0, wall = 0] = (status?.containerStatuses?.[0]?.state?.terminated?.message ?? '')
      .split(' ')
      .map(Number);
    expect(used).toBeGreaterThan(0);
    // A quarter of each period of 100 ms, of which one may have begun before; unlimited it would be nearly all of them.
    expect(used).toBeLessThan(((wall + 100) / 4) * 1.1);
  }, 120_000);

  test('a fork bomb is held by the bound for processes, and the node goes on', async () => {
    await node.run('bomb', {
      args: ['i=0; while [ $i -lt 500 ]; do sleep 30 & i=$((i+1)); done; wait'],
    });
    await node.run('neighbour', { args: ['sleep 30'], readinessProbe: { exec: { command: ['true'] } } });
    await node.until('neighbour', 'ready', isReady);
    await node.client.delete(PODS, 'bomb', 'default', { gracePeriodSeconds: 1 });
    await node.untilGone('bomb');
  });
});
