// The built-in bridge keeps the contract, and what it promises beyond it.
import { describe } from 'vitest';
import { systemClock } from '#lib/clock.ts';
import { silentLogger } from '#lib/log.ts';
import { tempDir } from '#test/support/temp-dir.ts';
import { createNetnsNetwork } from '../create-network.ts';
import { podNetworkContract } from '../pod-network.contract.ts';
import { labAllowed } from '../testing/node-lab.ts';

let ranges = 0;

describe.runIf(labAllowed('the built-in pod network'))('built-in', () => {
  podNetworkContract(
    'bridge',
    { namespaces: true, families: [4, 6], hostPorts: [4, 6], atOnce: true },
    (lab, owner) => {
      const state = tempDir('pod-network');
      const range = ranges++ % 200;
      return {
        open: () =>
          createNetnsNetwork({
            owner,
            stateDir: state.path,
            podCidrs: [`10.91.${range}.0/24`, `fd00:91:${range}::/64`],
            nodeNetns: lab.node,
            clock: systemClock,
            log: silentLogger,
          }),
        cleanUp: () => state.remove(),
      };
    },
  );
});
