// A node that ends in the middle of its work, with real plugins: whatever moment it is, no address stays in use.
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '#lib/clock.ts';
import { silentLogger } from '#lib/log.ts';
import { type TempDir, tempDir } from '#test/support/temp-dir.ts';
import { createNetnsNetwork, type NetnsNetworkOptions } from '../create-network.ts';
import { request } from '../pod-network.contract.ts';
import type { PodNetwork } from '../pod-network.ts';
import { labAllowed, NodeLab } from '../testing/node-lab.ts';

const BIN = ['/usr/lib/cni', '/opt/cni/bin'].find((dir) => existsSync(join(dir, 'bridge'))) ?? '/usr/lib/cni';
const tools = ['bridge', 'host-local', 'portmap'].map((plugin) => join(BIN, plugin));
const ROUNDS = 10;
const PODS = 4;
/** By when all pods have their network on a machine that has nothing else to do, in milliseconds. */
const WORK_MS = 600;

describe.runIf(labAllowed('CNI plugins that are ended early', [...tools, 'iptables']))('a node that ends', () => {
  let lab: NodeLab;
  let state: TempDir;
  let options: Omit<NetnsNetworkOptions, 'clock' | 'log'>;

  beforeEach(() => {
    lab = new NodeLab();
    state = tempDir('ended-early');
    const confDir = join(state.path, 'net.d');
    mkdirSync(confDir);
    const plugins = [
      {
        type: 'bridge',
        bridge: 'cni0',
        isGateway: true,
        ipMasq: true,
        ipam: {
          type: 'host-local',
          dataDir: join(state.path, 'reserved'),
          ranges: [[{ subnet: '10.94.0.0/24' }]],
          routes: [{ dst: '0.0.0.0/0' }],
        },
      },
      { type: 'portmap', snat: true, capabilities: { portMappings: true } },
    ];
    writeFileSync(join(confDir, '10-pods.conflist'), JSON.stringify({ cniVersion: '1.0.0', name: 'pods', plugins }));
    options = {
      owner: `${lab.id}-a`,
      stateDir: join(state.path, 'state'),
      podCidrs: ['10.94.0.0/24'],
      cni: { confDir, binDirs: [BIN] },
      nodeNetns: lab.node,
    };
  });
  afterEach(async () => {
    await open().close();
    state.remove();
    await lab.close();
  });

  const open = (): PodNetwork => createNetnsNetwork({ ...options, clock: systemClock, log: silentLogger });
  const reserved = (): string[] => {
    const dir = join(state.path, 'reserved', 'pods');
    return existsSync(dir) ? readdirSync(dir).filter((name) => /^\d/.test(name)) : [];
  };
  const left = (): string[] => [...reserved(), ...namespaces(), ...rules(), ...records()];
  const records = (): string[] => readdirSync(join(state.path, 'state', 'attachments'));
  const namespaces = (): string[] => readdirSync('/run/netns').filter((name) => name.startsWith(`${options.owner}.`));
  const rules = (): string[] =>
    lab
      .sh('iptables-save -t nat 2>/dev/null || :', lab.node)
      .split('\n')
      .filter((line) => line.includes('10.94.0.') && line.includes('id: '));

  test(`in order, in ${ROUNDS} rounds, whatever it was at`, async () => {
    for (let round = 0; round < ROUNDS; round += 1) {
      const network = open();
      const work = Array.from({ length: PODS }, async (_, at) => {
        const ports = [{ hostPort: 7200 + at, containerPort: 80, protocol: 'TCP' as const }];
        await network.setUp(request(`pod-${round}-${at}`, { hostPorts: ports }));
        if (at % 2 === 0) await network.tearDown(`uid-of-pod-${round}-${at}`);
      });
      const settled = Promise.allSettled(work);
      await new Promise((resolve) => setTimeout(resolve, Math.random() * WORK_MS));
      await network.close();
      // Who ends its process now would leave what is still under way.
      expect({ round, left: left() }).toEqual({ round, left: [] });
      await settled;
      expect({ round, late: left() }).toEqual({ round, late: [] });
    }
  }, 60_000);

  test('by kill -9, and the next start gives everything back', async () => {
    for (let round = 0; round < 2; round += 1) {
      const program = join(import.meta.dirname, '..', 'testing', 'crash.ts');
      const child = spawn(process.execPath, [program, JSON.stringify(options)], {
        stdio: ['ignore', 'pipe', 'ignore'],
      });
      await new Promise((resolve) => child.stdout.once('data', resolve));
      await new Promise((resolve) => setTimeout(resolve, Math.random() * WORK_MS));
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGKILL');
      await ended;
      expect(reserved().length).toBeGreaterThan(0);
      const next = open();
      await next.sweep(new Set());
      expect({ round, left: left() }).toEqual({ round, left: [] });
    }
  }, 60_000);
});
