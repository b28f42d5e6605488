// Which driver is taken, and what is said where the wanted one cannot run.
// Brings nothing into force.
import { expect, it } from 'vitest';
import { kernelAllows } from '#test/support/kernel.ts';
import { bpfObstacle } from '#traffic/kernel/ebpf/testing/obstacle.ts';
import { nftObstacle } from '#traffic/kernel/nftables/nft.ts';
import { chooseDriver } from './drivers.ts';

const warn = (message: string): void => expect.unreachable(message);

it('does not give the sockets of the machine to one of its nodes', async () => {
  await expect(chooseDriver('ebpf', { warn, netns: '/run/netns/n1' })).rejects.toThrow(
    'Driver ebpf cannot run here: ebpf: it serves the sockets of the whole machine, which is more than this node',
  );
});

const obstacle = bpfObstacle() ?? (await nftObstacle(undefined));

it('says of a mode what that mode needs', async () => {
  await expect(chooseDriver('ebpf', { warn, netns: '/run/netns/n1' })).rejects.toMatchObject({
    remedy: expect.stringContaining('control groups of version 2'),
  });
});

it.runIf(kernelAllows(obstacle, 'the choice of eBPF'))('takes eBPF when asked, and not by itself', async () => {
  const asked = await chooseDriver('ebpf', { warn });
  expect(asked).toMatchObject({ reason: 'as asked for', driver: { name: 'ebpf' } });
  await asked.driver.close();
  expect((await chooseDriver('auto', { warn })).driver.name).toBe('nftables');
});
