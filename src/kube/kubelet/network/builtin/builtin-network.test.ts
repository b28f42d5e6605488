// The built-in bridge keeps the contract, and what it promises beyond it.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '#lib/clock.ts';
import { silentLogger } from '#lib/log.ts';
import { eventually } from '#test/support/eventually.ts';
import { type TempDir, tempDir } from '#test/support/temp-dir.ts';
import { createNetnsNetwork } from '../create-network.ts';
import { podNetworkContract, request } from '../pod-network.contract.ts';
import type { HostPort, PodNetwork } from '../pod-network.ts';
import { labAllowed, NodeLab, nodeAddress, UPLINK_MTU } from '../testing/node-lab.ts';

const allowed = labAllowed('the built-in pod network', ['conntrack']);
const PORT = 8080;
const CRASHER = fileURLToPath(new URL('../testing/crash.ts', import.meta.url));

let ranges = 0;
const nextRanges = (): string[] => {
  const range = ranges++ % 200;
  return [`10.91.${range}.0/24`, `fd00:91:${range}::/64`];
};

describe.runIf(allowed)('built-in', () => {
  podNetworkContract(
    'bridge',
    { namespaces: true, families: [4, 6], hostPorts: [4, 6], atOnce: true },
    (lab, owner) => {
      const state = tempDir('pod-network');
      const podCidrs = nextRanges();
      return {
        open: () => open(lab, owner, state.path, podCidrs),
        cleanUp: () => state.remove(),
      };
    },
  );
});

function open(lab: NodeLab, owner: string, stateDir: string, podCidrs: readonly string[]): PodNetwork {
  return createNetnsNetwork({ owner, stateDir, podCidrs, nodeNetns: lab.node, clock: systemClock, log: silentLogger });
}

describe.runIf(allowed)('built-in bridge', () => {
  let lab: NodeLab;
  let owner: string;
  let state: TempDir;
  let network: PodNetwork;
  let podCidrs: string[];
  beforeEach(() => {
    lab = new NodeLab();
    owner = `${lab.id}-a`;
    state = tempDir('pod-network');
    podCidrs = nextRanges();
    network = open(lab, owner, state.path, podCidrs);
  });
  afterEach(async () => {
    lab.stopServers();
    await network.close();
    state.remove();
    await lab.close();
  });

  test('carries both families to a pod of another node, under the address of the one that asks', async () => {
    // The machine outside becomes a node, too; whoever joins nodes adds such routes.
    const far = createNetnsNetwork({
      owner: `${lab.id}-b`,
      stateDir: join(state.path, 'far'),
      podCidrs: nextRanges(),
      nodeNetns: lab.outside,
      clock: systemClock,
      log: silentLogger,
    });
    const [web, api] = [await network.setUp(request('web')), await far.setUp(request('api'))];
    await lab.serve('api', api.netns, PORT);
    for (const at of [0, 1]) {
      expect(await lab.ask(web.netns, api.podIps[at] ?? '', PORT)).toBe(`api ${web.podIps[at]}`);
      expect(await lab.askUdp(web.netns, api.podIps[at] ?? '', PORT)).toBe(`api ${web.podIps[at]}`);
    }
    await far.close();
  });

  test('packets are no larger than those that leave the node', async () => {
    const { netns } = await network.setUp(request('web'));
    expect(lab.sh('cat /sys/class/net/eth0/mtu || true; ip -o link show eth0', netns)).toContain(`mtu ${UPLINK_MTU}`);
  });

  test('a pod gets the addresses that it asks for, and is told when it cannot', async () => {
    const ips = podCidrs.map((cidr) => cidr.replace(/0\/24$/, '77').replace(/\/64$/, '77'));
    const annotations = { 'evenkeel.dev/pod-ips': ips.join(', '), 'evenkeel.dev/pod-mac': '0a:00:00:00:00:07' };
    const pod = await network.setUp(request('web', { annotations }));
    expect(pod.podIps).toEqual(ips);
    expect(lab.sh('ip -o link show eth0', pod.netns)).toContain('0a:00:00:00:00:07');
    await expect(network.setUp(request('cart', { annotations }))).rejects.toThrow(`Address "${ips[0]}" is in use`);
    const elsewhere = { 'evenkeel.dev/pod-ips': '10.1.2.3' };
    await expect(network.setUp(request('cart', { annotations: elsewhere }))).rejects.toThrow(
      'failed to setup network for sandbox "uid-of-cart": plugin type="evenkeel-bridge" name="evenkeel" failed (add): ' +
        'Address "10.1.2.3" is in use, or none that a pod can have of 10.91.',
    );
  });

  test.each([
    ['$(touch MARK)'],
    ['`touch MARK`'],
    ['0a:00:00:00:00:07\nEND\ntouch MARK\n'],
    ['0a:00:00:00:00:07 netns 1'],
    ['01:00:00:00:00:07'],
    [''],
  ])('a hardware address %j is refused, not run', async (mac) => {
    const mark = join(state.path, 'mark');
    const annotations = { 'evenkeel.dev/pod-mac': mac.replace('MARK', mark) };
    await expect(network.setUp(request('web', { annotations }))).rejects.toThrow(
      'is no hardware address of one machine',
    );
    expect(existsSync(mark)).toBe(false);
  });

  test('a uid that is no name of the specification is refused', async () => {
    const podUid = 'x" : 1.2.3.4 . 5 }; flush ruleset #';
    await expect(network.setUp(request('web', { podUid }))).rejects.toThrow('is no container id');
  });

  test('a range that is full says so, and has room again when a pod goes', async () => {
    await network.close();
    podCidrs = ['10.91.250.0/30'];
    network = open(lab, owner, state.path, podCidrs);
    await network.setUp(request('web'));
    await expect(network.setUp(request('cart'))).rejects.toThrow('All 1 pod addresses of the node are in use');
    await network.tearDown('uid-of-web');
    expect((await network.setUp(request('cart'))).podIps).toEqual(['10.91.250.2']);
  });

  test('a port of the node that is taken names its holder, and is free after it', async () => {
    const hostPorts: HostPort[] = [{ hostPort: 7000, containerPort: PORT, protocol: 'TCP' }];
    await network.setUp(request('web', { hostPorts }));
    await expect(network.setUp(request('cart', { hostPorts }))).rejects.toThrow(
      'host port 7000/TCP is taken by the pod with uid uid-of-web',
    );
    await network.tearDown('uid-of-web');
    const cart = await network.setUp(request('cart', { hostPorts }));
    await lab.serve('cart', cart.netns, PORT);
    expect(await lab.ask(lab.outside, nodeAddress[4], 7000)).toMatch(/^cart /);
  });

  test('a UDP flow that goes on comes to the pod that has the port now', async () => {
    const hostPorts: HostPort[] = [{ hostPort: 7001, containerPort: PORT, protocol: 'UDP' }];
    const ask = async (): Promise<string> => await lab.askUdp(lab.outside, nodeAddress[4], 7001, 40_000);
    // Before there is any pod: a flow that leads nowhere must not stay so either.
    await expect(ask()).rejects.toThrow('No answer');
    for (const name of ['first', 'second']) {
      const pod = await network.setUp(request(name, { hostPorts }));
      await lab.serve(name, pod.netns, PORT);
      expect(await ask()).toMatch(new RegExp(`^${name} `));
      await network.tearDown(`uid-of-${name}`);
    }
  });

  test('an address that no pod has is refused at once', async () => {
    const web = await network.setUp(request('web'));
    await network.tearDown('uid-of-web');
    for (const ip of web.podIps) {
      await expect(lab.ask(lab.node, ip, PORT)).rejects.toThrow(/No route to host|Couldn't connect|Failed to connect/);
      await expect(lab.ask(lab.outside, ip, PORT)).rejects.toThrow(
        /No route to host|Couldn't connect|Failed to connect/,
      );
    }
  });

  test('the node forwards while there are pods, and is as it was after the end', async () => {
    const settings = (): string =>
      lab.sh('cd /proc/sys/net; cat ipv4/ip_forward ipv6/conf/all/forwarding ipv4/conf/all/send_redirects', lab.node);
    const before = settings();
    await network.setUp(request('web'));
    expect(settings()).toBe('1\n1\n0\n');
    // A crash in between: the next run knows what there was before the first.
    network = open(lab, owner, state.path, podCidrs);
    await network.setUp(request('web'));
    await network.close();
    expect(settings()).toBe(before);
  });

  test('comes back by itself when somebody removes its bridge or its table', async () => {
    const hostPorts: HostPort[] = [{ hostPort: 7000, containerPort: PORT, protocol: 'TCP' }];
    await network.setUp(request('lost', { hostPorts }));
    lab.sh('nft flush ruleset; ip link delete dev $(ip -o link show type bridge | cut -d: -f2)', lab.node);
    await network.tearDown('uid-of-lost');
    const web = await eventually('a pod can be attached', () => network.setUp(request('web', { hostPorts })));
    await lab.serve('web', web.netns, PORT);
    expect(await lab.ask(lab.outside, nodeAddress[4], 7000)).toMatch(/^web /);
  });

  test.each([3, 9, 14])('after kill -9 with %d pods on their way, nothing is left once swept', async (pods) => {
    const untouched = lab.inventory(owner);
    const options = JSON.stringify({ owner, stateDir: state.path, podCidrs, nodeNetns: lab.node });
    const child = spawn(process.execPath, [CRASHER, options], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let done = 0;
    await new Promise<void>((resolve) => {
      child.stdout.on('data', (text: Buffer) => {
        done += text.toString().split('\n').length - 1;
        if (done >= pods) child.kill('SIGKILL');
      });
      child.once('close', () => resolve());
    });
    expect(lab.inventory(owner).namespaces.length).toBeGreaterThanOrEqual(pods);
    network = open(lab, owner, state.path, podCidrs);
    await network.sweep(new Set(['uid-of-pod-0']));
    expect(lab.inventory(owner).namespaces).toHaveLength(1);
    const kept = await network.setUp(request('pod-0'));
    expect(lab.sh('ip -o addr show eth0', kept.netns)).toContain(kept.podIps[0]);
    await network.close();
    expect(lab.inventory(owner)).toEqual(untouched);
  });
});
