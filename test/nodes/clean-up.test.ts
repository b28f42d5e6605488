// Whatever ends a cluster of several nodes, in whatever order: nothing of it stays on the machine.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { namespaceObstacle } from '#app/nodes/agent/privileges.ts';
import { hasControlGroups } from '#kube/kubelet/testing.ts';
import { startCluster, type TestCluster } from '../support/cluster.ts';
import { eventually } from '../support/eventually.ts';
import { kernelAllows } from '../support/kernel.ts';
import { evenkeel } from '../support/run.ts';
import { type TempDir, tempDir } from '../support/temp-dir.ts';
import { inventory, ownRanges } from './inventory.ts';

const ranges = ownRanges();
const nothing = { namespaces: [], links: [], routes: [], tables: [], groups: [], processes: [] };
let data: TempDir;
let mark: string;
let cluster: TestCluster;

function pods(): string {
  return `
apiVersion: apps/v1
kind: Deployment
metadata: { name: web }
spec:
  replicas: 4
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec:
      containers:
        - name: web
          image: evenkeel.dev/echo
          ports: [{ containerPort: 8080 }]
          env: [{ name: MARK, value: ${mark} }]
`;
}

async function up(): Promise<TestCluster> {
  return await startCluster(['-'], { data, input: pods(), args: ['--nodes', '3', ...ranges.arguments] });
}

beforeEach(async () => {
  data = tempDir('nodes');
  mark = `mark-${process.pid}-${data.path.split('-').at(-1)}`;
  expect(inventory(data.path, ranges, mark)).toEqual(nothing);
  cluster = await up();
  const there = inventory(data.path, ranges, mark);
  // A count that never sees anything would prove nothing.
  expect(there.namespaces?.length).toBeGreaterThanOrEqual(4 + 4);
  expect(there.links).toHaveLength(1);
  expect(there.routes?.length).toBeGreaterThan(6);
  expect(there.processes?.length).toBeGreaterThan(3 + 4);
  if (await hasControlGroups()) expect(there.groups).not.toEqual([]);
}, 120_000);

afterEach(async () => {
  await cluster.stop();
  await evenkeel(['down', '--data', data.path]);
  data.remove();
}, 60_000);

function kill9(file: string): void {
  const { pid } = JSON.parse(readFileSync(join(data.path, file), 'utf8')) as { pid: number };
  process.kill(pid, 'SIGKILL');
}

function left(): Record<string, string[]> {
  return inventory(data.path, ranges, mark);
}

const wanted = 'that clusters of several nodes leave nothing behind';

describe.runIf(kernelAllows(namespaceObstacle(), wanted))('nothing stays', () => {
  test('after Ctrl-C', async () => {
    expect((await cluster.stop()).code).toBe(0);
    expect(left()).toEqual(nothing);
  }, 60_000);

  test('after a second Ctrl-C that waits for nothing', async () => {
    let over = false;
    void cluster.running.finished.then(() => {
      over = true;
    });
    // One that comes at once counts as the same.
    await eventually('the process ends', () => {
      cluster.running.child.kill('SIGINT');
      if (!over) throw new Error('It runs');
    });
    await eventually('the killed are gone', () => expect(left()).toEqual(nothing));
  }, 60_000);

  test('after kill -9 of the cluster: its nodes end, and down removes the rest', async () => {
    kill9('instance.json');
    await eventually('nodes and pods notice, and end', () => expect(left().processes).toEqual([]));
    expect((await evenkeel(['down', '--data', data.path])).stdout).toContain('removed the network');
    expect(left()).toEqual(nothing);
  }, 60_000);

  test('after kill -9 of a node, and of the cluster before it could bring it back', async () => {
    kill9('nodes/node-2/process.json');
    kill9('instance.json');
    await evenkeel(['down', '--data', data.path]);
    expect(left()).toEqual(nothing);
  }, 60_000);

  test('after kill -9 of a cluster that does not end when down asks it to', async () => {
    const { pid } = JSON.parse(readFileSync(join(data.path, 'instance.json'), 'utf8')) as { pid: number };
    process.kill(pid, 'SIGSTOP');
    const down = evenkeel(['down', '--data', data.path]);
    setTimeout(() => process.kill(pid, 'SIGKILL'), 500);
    expect(await down).toMatchObject({ code: 0, stdout: expect.stringContaining('removed the network') });
    expect(left()).toEqual(nothing);
  }, 60_000);

  test('after kill -9 of the cluster and then of a node; the next start takes it all over', async () => {
    kill9('instance.json');
    kill9('nodes/node-1/process.json');
    cluster = await up();
    expect(left().namespaces?.length).toBeGreaterThanOrEqual(4 + 4);
    expect((await cluster.stop()).code).toBe(0);
    expect(left()).toEqual(nothing);
  }, 120_000);
});
