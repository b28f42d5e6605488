// A run that sets up pods, with ports of the node, until somebody kills it.
// Knows its options from the command line; says the name of each pod that it has set up.
import { systemClock } from '#lib/clock.ts';
import { silentLogger } from '#lib/log.ts';
import { createNetnsNetwork } from '../create-network.ts';

const options = JSON.parse(process.argv[2] ?? '{}') as {
  owner: string;
  stateDir: string;
  podCidrs: string[];
  nodeNetns: string;
};
const network = createNetnsNetwork({ ...options, clock: systemClock, log: silentLogger });

await Promise.all(
  Array.from({ length: 24 }, async (_, at) => {
    await network.setUp({
      podUid: `uid-of-pod-${at}`,
      podName: `pod-${at}`,
      namespace: 'shop',
      hostPorts: [{ hostPort: 7100 + at, containerPort: 80, protocol: 'TCP' }],
    });
    console.log(`pod-${at}`);
  }),
);
