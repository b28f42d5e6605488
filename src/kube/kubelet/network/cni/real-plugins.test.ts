// The plugins that everybody runs, as Debian packages them, keep the contract through our runtime.
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { systemClock } from '#lib/clock.ts';
import { silentLogger } from '#lib/log.ts';
import { tempDir } from '#test/support/temp-dir.ts';
import { createNetnsNetwork } from '../create-network.ts';
import { type PodNetworkTraits, podNetworkContract } from '../pod-network.contract.ts';
import { labAllowed } from '../testing/node-lab.ts';

const BIN = ['/usr/lib/cni', '/opt/cni/bin'].find((dir) => existsSync(join(dir, 'bridge'))) ?? '/usr/lib/cni';
const DEFAULT_ROUTES = [{ dst: '0.0.0.0/0' }, { dst: '::/0' }];

let ranges = 0;

function realContract(name: string, traits: PodNetworkTraits, plugins: (bridge: string) => unknown[]): void {
  podNetworkContract(name, traits, (lab, owner) => {
    const state = tempDir('cni');
    const range = ranges++ % 200;
    const confDir = join(state.path, 'net.d');
    mkdirSync(confDir);
    const list = { cniVersion: '1.0.0', name: owner, plugins: plugins(`cni-${range}`) };
    writeFileSync(join(confDir, '10-pods.conflist'), JSON.stringify(list));
    return {
      open: () =>
        createNetnsNetwork({
          owner,
          stateDir: join(state.path, 'state'),
          podCidrs: [`10.92.${range}.0/24`, `fd00:92:${range}::/64`],
          cni: { confDir, binDirs: [BIN] },
          nodeNetns: lab.node,
          clock: systemClock,
          log: silentLogger,
        }),
      cleanUp: () => {
        // Where host-local has its files unless it is told otherwise.
        const left = existsSync(join('/var/lib/cni/networks', owner));
        state.remove();
        expect(left).toBe(false);
      },
    };
  });
}

const tools = ['bridge', 'ptp', 'host-local', 'portmap'].map((plugin) => join(BIN, plugin));

describe.runIf(labAllowed('real CNI plugins', [...tools, 'iptables']))('real plugins', () => {
  const ipam = { type: 'host-local', routes: DEFAULT_ROUTES };
  realContract(
    'bridge, host-local and portmap',
    { namespaces: true, families: [4, 6], hostPorts: [4, 6], atOnce: false },
    (bridge) => [
      {
        type: 'bridge',
        bridge,
        isGateway: true,
        hairpinMode: true,
        capabilities: { ipRanges: true },
        ipam,
      },
      { type: 'portmap', snat: true, capabilities: { portMappings: true } },
    ],
  );
  realContract('ptp and host-local', { namespaces: true, families: [4, 6], hostPorts: [], atOnce: false }, () => [
    { type: 'ptp', capabilities: { ipRanges: true }, ipam },
  ]);
});
