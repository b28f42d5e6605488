// The loopback range keeps the contract, as far as it has one device and no namespaces.

import { describe, expect, test } from 'vitest';
import { ownNumber } from '#test/support/own-number.ts';
import { LoopbackNetwork } from './loopback-network.ts';
import { podNetworkContract, request } from './pod-network.contract.ts';
import { labAllowed } from './testing/node-lab.ts';

const CIDR = `127.245.${ownNumber()}.0/24`;

describe.runIf(labAllowed('the loopback network beside a node of its own'))('loopback', () => {
  podNetworkContract('loopback', { namespaces: false, families: [4], hostPorts: [], atOnce: true }, () => ({
    open: () => new LoopbackNetwork(CIDR),
    cleanUp() {},
  }));
});

test('the loopback network says which ports of the node it cannot give, and where to ask instead', async () => {
  const network = new LoopbackNetwork('127.245.255.0/24');
  const hostPorts = [{ hostPort: 80, containerPort: 8080, protocol: 'TCP' }] as const;
  expect((await network.setUp(request('web', { hostPorts }))).unmet).toEqual([
    'Host port 80/TCP has no effect: network loopback leads no port of the node to a pod; ask 127.245.255.2:8080',
  ]);
});
