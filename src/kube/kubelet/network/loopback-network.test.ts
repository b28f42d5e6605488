// The loopback range keeps the contract, as far as it has one device and no namespaces.

import { describe } from 'vitest';
import { LoopbackNetwork } from './loopback-network.ts';
import { podNetworkContract } from './pod-network.contract.ts';
import { labAllowed } from './testing/node-lab.ts';

const CIDR = `127.245.${process.pid % 250}.0/24`;

describe.runIf(labAllowed('the loopback network beside a node of its own'))('loopback', () => {
  podNetworkContract('loopback', { namespaces: false, families: [4], hostPorts: [], atOnce: true }, () => ({
    open: () => new LoopbackNetwork(CIDR),
    cleanUp() {},
  }));
});
