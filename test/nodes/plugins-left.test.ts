// CNI plugins of others after a cluster that was killed whole: `down` tells them of the end of every pod.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { namespaceObstacle } from '#app/nodes/agent/privileges.ts';
import { clusterOwner } from '#app/up/choose-network.ts';
import { startCluster, type TestCluster } from '../support/cluster.ts';
import { kernelAllows } from '../support/kernel.ts';
import { evenkeel } from '../support/run.ts';
import { type TempDir, tempDir } from '../support/temp-dir.ts';
import { ownRanges } from './inventory.ts';

const BIN = ['/usr/lib/cni', '/opt/cni/bin'].find((dir) => existsSync(join(dir, 'bridge')));
const obstacle = namespaceObstacle() ?? (BIN === undefined ? 'the CNI plugins are not installed' : undefined);

const PODS = `
apiVersion: apps/v1
kind: Deployment
metadata: { name: web }
spec:
  replicas: 2
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec: { containers: [{ name: web, image: evenkeel.dev/echo }] }
`;

let data: TempDir;
let plugins: TempDir;
let cluster: TestCluster;

/** Addresses that host-local holds, in a directory that no cluster removes. */
function held(): string[] {
  return readdirSync(join(plugins.path, 'ipam', 'pods')).filter((name) => isIP(name) !== 0);
}

function killAll(): void {
  for (const file of ['nodes/node-1/process.json', 'instance.json']) {
    const { pid } = JSON.parse(readFileSync(join(data.path, file), 'utf8')) as { pid: number };
    // The node first, and stopped before: it is to have no moment to say good-bye.
    process.kill(pid, 'SIGSTOP');
  }
  for (const file of ['nodes/node-1/process.json', 'instance.json']) {
    const { pid } = JSON.parse(readFileSync(join(data.path, file), 'utf8')) as { pid: number };
    process.kill(pid, 'SIGKILL');
  }
}

function namespaces(): string[] {
  const { stdout } = spawnSync('ip', ['netns', 'list'], { encoding: 'utf8' });
  return stdout.split('\n').map((line) => line.split(' ', 1)[0] ?? '');
}

describe.runIf(kernelAllows(obstacle, 'that plugins of a killed cluster are told'))('plugins of others', () => {
  beforeEach(async () => {
    data = tempDir('plugins-left');
    plugins = tempDir('plugins-left-cni');
    const confDir = join(plugins.path, 'net.d');
    mkdirSync(confDir);
    const ipam = { type: 'host-local', dataDir: join(plugins.path, 'ipam'), ranges: [[{ subnet: '10.93.0.0/24' }]] };
    const bridge = { type: 'bridge', bridge: 'cni0', isGateway: true, ipam };
    const list = { cniVersion: '1.0.0', name: 'pods', plugins: [bridge] };
    writeFileSync(join(confDir, '10-pods.conflist'), JSON.stringify(list));
    const args = ['--network', 'netns', '--cni-conf', confDir, '--cni-bin', BIN ?? '', ...ownRanges().arguments];
    cluster = await startCluster(['-'], { data, input: PODS, args });
    expect(held()).toHaveLength(2);
  }, 120_000);

  afterEach(async () => {
    await cluster.stop();
    await evenkeel(['down', '--data', data.path]);
    data.remove();
    plugins.remove();
  }, 60_000);

  test('give back what they hold when all was killed at once', async () => {
    killAll();
    const { code, stdout, stderr } = await evenkeel(['down', '--wipe', '--data', data.path]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain('Told the CNI plugins of the end of 2 pods');
    expect(held()).toEqual([]);
  }, 60_000);

  test('do so also where the namespaces of node and pods are gone, as after a start of the machine', async () => {
    killAll();
    const owner = `${clusterOwner({ root: data.path })}-node-1`;
    const own = namespaces().filter((name) => name.startsWith(owner));
    expect(own).toHaveLength(1 + 2);
    for (const name of own) spawnSync('ip', ['netns', 'delete', name]);
    const { code, stderr } = await evenkeel(['down', '--wipe', '--data', data.path]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(held()).toEqual([]);
    expect(namespaces().filter((name) => name.startsWith(owner))).toEqual([]);
  }, 60_000);

  test('are told of a node that was killed, when the cluster goes down for good', async () => {
    expect((await evenkeel(['node', 'kill', 'node-1', '--data', data.path])).code).toBe(0);
    expect(held()).toHaveLength(2);
    expect((await evenkeel(['down', '--wipe', '--data', data.path])).code).toBe(0);
    expect(held()).toEqual([]);
  }, 60_000);

  test('that are not there any more are named', async () => {
    killAll();
    const file = join(data.path, 'nodes', 'node-1', 'data', 'network', 'plugins.json');
    const written = JSON.parse(readFileSync(file, 'utf8')) as { cni: { binDirs: string[] } };
    written.cni.binDirs = ['/nope'];
    writeFileSync(file, JSON.stringify(written));
    const { code, stderr } = await evenkeel(['down', '--data', data.path]);
    expect(code).toBe(0);
    expect(stderr).toContain('could not be told of the end of 2 pods');
    expect(stderr).toContain('failed to find plugin "bridge" in path [/nope]');
  }, 60_000);
});
