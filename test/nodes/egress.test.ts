// The way of pods out of the machine. Machine and outside are network namespaces of the test: nothing leaves them.
import { readdirSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { clusterOwner } from '#app/up/choose-network.ts';
import { labAllowed, NodeLab, nodeAddress, outsideAddress } from '#kube/kubelet/network/testing/node-lab.ts';
import { freePorts } from '../support/cluster.ts';
import { eventually } from '../support/eventually.ts';
import { evenkeelBinary, type Running, start } from '../support/run.ts';
import { type TempDir, tempDir } from '../support/temp-dir.ts';
import { ownRanges } from './inventory.ts';

const PORT = 8080;
/** Of a server that the test starts beside the pod's own, on both families. */
const OTHER = 9090;
const manifest = `
apiVersion: v1
kind: Pod
metadata: { name: web }
spec: { containers: [{ name: web, image: evenkeel.dev/echo, ports: [{ containerPort: ${PORT} }] }] }
`;

describe.runIf(labAllowed('the way of pods out of the machine', ['unshare']))('pods', () => {
  const ranges = ownRanges();
  let lab: NodeLab;
  let data: TempDir;
  let running: Running | undefined;

  beforeEach(async () => {
    data = tempDir('egress');
    lab = new NodeLab();
    await lab.serve('outside', lab.outside, PORT);
  });
  afterEach(async () => {
    running?.child.kill('SIGTERM');
    await running?.finished;
    await lab.close();
    data.remove();
  }, 60_000);

  async function up(...args: string[]): Promise<string> {
    const command = [evenkeelBinary, 'up', '-', '--data', data.path, ...freePorts, '--nodes', '2', ...ranges.arguments];
    running = start('nsenter', [`--net=${lab.node}`, '--', ...command, ...args], { input: manifest });
    const { output } = running;
    return await eventually(
      'it is up',
      () => {
        if (!output().stdout.includes('export KUBECONFIG=')) throw new Error(output().stdout + output().stderr);
        return output().stdout;
      },
      90_000,
    );
  }

  async function down(): Promise<void> {
    running?.child.kill('SIGINT');
    expect((await running?.finished)?.code).toBe(0);
  }

  const podNetns = (): string =>
    `/run/netns/${readdirSync('/run/netns').find((name) => name.startsWith(clusterOwner({ root: data.path })) && name.includes('.'))}`;
  const ofMachine = (): string =>
    lab.sh(
      'cat /proc/sys/net/ipv4/ip_forward /proc/sys/net/ipv6/conf/all/forwarding; nft list tables; ip route; ip -6 route',
      lab.node,
    );
  const podAddresses = (): string[] =>
    [...lab.sh('ip -o addr show dev eth0 scope global', podNetns()).matchAll(/inet6? ([^/]+)/g)].map(
      ([, address]) => address ?? '',
    );

  test('reach the outside with the address of the machine, are not reached from there, and all is given back', async () => {
    const before = ofMachine();
    expect(before).toMatch(/^0\n0\n/);
    expect(await up('--egress')).toMatch(/^Network netns: .*\(--egress\), by IPv4 and IPv6$/m);
    await lab.serve('pod', podNetns(), OTHER);
    for (const family of [4, 6] as const) {
      expect(await lab.ask(podNetns(), outsideAddress[family], PORT)).toBe(`outside ${nodeAddress[family]}`);
    }
    const [v4 = '', v6 = ''] = podAddresses();
    lab.sh(`ip route add ${v4} via ${nodeAddress[4]}; ip -6 route add ${v6} via ${nodeAddress[6]}`, lab.outside);
    for (const address of [v4, v6]) {
      expect(await lab.ask(lab.node, address, OTHER)).toContain('pod ');
      await expect(lab.ask(lab.outside, address, OTHER)).rejects.toThrow('No answer');
    }
    await down();
    expect(ofMachine()).toBe(before);
  }, 150_000);

  test('are confined without it, and the machine forwards nothing', async () => {
    const before = ofMachine();
    expect(await up()).toContain('nothing outside of it (--egress opens the way)');
    await lab.serve('pod', podNetns(), OTHER);
    for (const family of [4, 6] as const) {
      await expect(lab.ask(podNetns(), outsideAddress[family], PORT)).rejects.toThrow('No answer');
      // What it lacks is the way, and not the ability to ask.
      const [own = ''] = podAddresses().filter((address) => address.includes(':') === (family === 6));
      expect(await lab.ask(lab.node, own, OTHER)).toContain('pod ');
    }
    expect(ofMachine()).toMatch(/^0\n0\n(?!.*table)/);
    await down();
    expect(ofMachine()).toBe(before);
  }, 150_000);
});
