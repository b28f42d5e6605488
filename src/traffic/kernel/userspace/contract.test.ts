// The user-space driver runs the suite of all layer-4 drivers, in namespaces of its own.
// Knows of its routes only what somebody needs to damage them.
import { libcObstacle } from '#lib/sys/libc.ts';
import { kernelAllows } from '#test/support/kernel.ts';
import { describeL4Driver } from '../l4-driver.contract.ts';
import { families } from '../testing/lab-layout.ts';
import { sh } from '../testing/lab-namespaces.ts';
import { createUserspaceDriver } from './driver.ts';
import { clusterWay, command, marksOf, portWay } from './ways.ts';

const sockets = 'connections and sessions are sockets of its process, and end with it';

if (kernelAllows(libcObstacle(), 'the layer-4 driver userspace in other namespaces')) {
  describeL4Driver('userspace', {
    create: (netns, owner, warn) => createUserspaceDriver({ netns, owner, warn }),
    tracked: false,
    lacks: {
      source: 'endpoints are asked by sockets of the node, so that they see its address',
      established: sockets,
      keep: sockets,
      takeover: sockets,
    },
    sabotage: (netns, owner) => {
      const marks = marksOf(owner);
      for (const family of families) {
        const v4 = family === 'IPv4';
        const ip = `ip ${v4 ? '-4' : '-6'}`;
        const [lost, foreign] = v4 ? ['10.96.0.10', '10.96.0.99'] : ['fd00:10:96::a', 'fd00:10:96::99'];
        const balancer = v4 ? '203.0.113.10' : '2001:db8:e::a';
        sh(
          [
            `${ip} ${command('del', clusterWay(lost, marks))}`,
            `${ip} ${command('del', portWay(balancer, 'tcp', 80, marks))}`,
            `${ip} ${command('add', clusterWay(foreign, marks))}`,
          ].join('\n'),
          netns,
        );
      }
    },
  });
}
