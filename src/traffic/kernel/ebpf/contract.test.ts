// The eBPF driver in the contract suite: clients on the node and in its pods are in its control group, others are not.
// Beneath is the nftables driver.
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe } from 'vitest';
import { kernelAllows } from '#test/support/kernel.ts';
import { describeL4Driver } from '../l4-driver.contract.ts';
import { tableName } from '../nftables/layout.ts';
import { sh } from '../testing/lab-namespaces.ts';
import { createForContract, groupOf, leftOf, pinsOf, removeGroup } from './testing/contract-driver.ts';
import { bpfObstacle } from './testing/obstacle.ts';

let lab = '';
describe.runIf(kernelAllows(bpfObstacle(), 'the layer-4 driver ebpf'))('sockets of control groups', () => {
  describeL4Driver('ebpf', {
    create: (netns, owner, warn) => createForContract({ netns, owner, warn }),
    tracked: true,
    tools: ['nft', 'conntrack'],
    groupOf: (id, place) => {
      lab = id;
      return ['n1', 'p1', 'p2'].includes(place) ? groupOf(id) : undefined;
    },
    sabotage: (netns, owner) => {
      rmSync(join(pinsOf(owner), 'connect4'));
      const table = tableName(owner);
      for (const ip of ['ip', 'ip6']) {
        const address = ip === 'ip' ? '10.96.0.10' : 'fd00:10:96::a';
        sh(`nft flush map ${ip} ${table} services`, netns);
        sh(`nft add element ${ip} ${table} firewalled '{ ${address} . tcp . 80 }'`, netns);
      }
    },
    inventory: () => leftOf(lab),
    program: {
      module: new URL('./testing/contract-driver.ts', import.meta.url).href,
      create: createForContract.name,
    },
  });
});

afterAll(() => {
  if (lab !== '') removeGroup(lab);
});
