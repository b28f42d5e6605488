// A kubelet that starts again: what the API says of pods whose sandboxes went with the run before.
import { afterEach, expect, test } from 'vitest';
import { ownNumber } from '#test/support/own-number.ts';
import { LoopbackNetwork } from './network/loopback-network.ts';
import { NetworkError, type PodNetwork } from './network/pod-network.ts';
import { startTestNode, type TestNode } from './testing.ts';

let node: TestNode;
afterEach(() => node.close());

/** Each run of the kubelet gets the next one. */
async function start(networks: PodNetwork[]): Promise<void> {
  const options = {
    get network(): PodNetwork {
      const next = networks.shift();
      if (next === undefined) throw new Error('There is no network for another run');
      return next;
    },
  };
  node = await startTestNode({ kubelet: options });
}

/** One that gives nobody an address. */
function without(network: PodNetwork): PodNetwork {
  return {
    name: network.name,
    setUp: () => Promise.reject(new NetworkError('no address is to be had')),
    tearDown: (uid) => network.tearDown(uid),
    sweep: (live) => network.sweep(live),
    problem: () => undefined,
    close: () => network.close(),
  };
}

const range = (): string => `127.243.${ownNumber()}.0/24`;
const RUNNING = { image: 'sh', args: ['sleep 600'] };

test('pods whose network cannot be made anew wait without the addresses that they had', async () => {
  const network = new LoopbackNetwork(range());
  await start([network, without(new LoopbackNetwork(range()))]);
  await node.run('web', RUNNING);
  await node.until('web', 'it runs', ({ status }) => status?.phase === 'Running');
  await node.restart();
  const { status } = await node.until(
    'web',
    'it waits',
    (pod) => pod.status?.containerStatuses?.[0]?.state?.waiting !== undefined,
  );
  expect({ podIP: status?.podIP, podIPs: status?.podIPs }).toEqual({});
  expect(status?.hostIPs).toEqual([{ ip: '127.0.0.1' }]);
  expect(status?.conditions?.find(({ type }) => type === 'Ready')?.status).toBe('False');
  expect(await node.events('web', 'FailedCreatePodSandBox')).toEqual([
    'Failed to create pod sandbox: no address is to be had',
  ]);
});

test('pods that get other addresses have none of those before', async () => {
  await start([new LoopbackNetwork(range()), new LoopbackNetwork(range())]);
  await node.run('web', RUNNING);
  const before = await node.until('web', 'it runs', ({ status }) => status?.phase === 'Running');
  await node.restart();
  const { status } = await node.until('web', 'it runs again', (pod) => {
    const ip = pod.status?.podIP;
    return ip !== undefined && ip !== before.status?.podIP && pod.status?.containerStatuses?.[0]?.ready === true;
  });
  expect(status?.podIPs).toEqual([{ ip: status?.podIP }]);
});

test('a pod that has ended keeps its address as a record', async () => {
  await start([new LoopbackNetwork(range()), new LoopbackNetwork(range())]);
  const once = { restartPolicy: 'Never' as const, containers: [{ name: 'main', image: 'sh', args: ['exit 0'] }] };
  await node.run('job', once);
  const ended = await node.until('job', 'it ends', ({ status }) => status?.phase === 'Succeeded');
  await node.restart();
  await node.run('web', RUNNING);
  await node.until('web', 'it runs', ({ status }) => status?.phase === 'Running');
  const now = await node.until('job', 'it is there', () => true);
  expect(ended.status?.podIPs).toHaveLength(1);
  expect(now.status?.podIPs).toEqual(ended.status?.podIPs);
});
