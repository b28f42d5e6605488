// The life of a cluster as its owner sees it: started, stopped, started again, killed, and started wrongly.
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { startCluster, upArguments } from '#test/support/cluster.ts';
import { eventually } from '#test/support/eventually.ts';
import { ask } from '#test/support/http.ts';
import { echoManifests } from '#test/support/manifests.ts';
import { podsOf, processesOf, settled } from '#test/support/pods.ts';
import { evenkeel } from '#test/support/run.ts';
import { type TempDir, tempDir } from '#test/support/temp-dir.ts';
import { withoutPortNotice } from '../support/low-ports.ts';

const cleanups: Array<() => void | Promise<void>> = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

function directory(): TempDir {
  const dir = tempDir('up');
  cleanups.push(() => dir.remove());
  return dir;
}

const namespace = 'home';
const host = 'echo.test';
const manifests = echoManifests({ name: 'echo', namespace, replicas: 2, host });

test('Ctrl-C leaves nothing behind, and the next start finds the same objects', async () => {
  const data = directory();
  const first = await startCluster(['-'], { data, input: manifests });
  cleanups.push(async () => void (await first.stop()));
  const pods = await settled(first, 'echo', 2, namespace);
  const deployment = await first.get('Deployment', 'echo', namespace);
  expect(pods.flatMap(processesOf)).toHaveLength(2);
  expect((await ask(first.http, { host })).status).toBe(200);

  const { code, stdout } = await first.stop();
  expect({ code, stdout: stdout.trimEnd().split('\n').at(-1) }).toEqual({ code: 0, stdout: 'Stopping' });
  expect(pods.flatMap(processesOf)).toEqual([]);
  expect(existsSync(join(data.path, 'instance.json'))).toBe(false);
  await expect(ask(first.http, { host })).rejects.toThrow('ECONNREFUSED');

  const second = await startCluster(['-'], { data, input: manifests });
  cleanups.push(async () => void (await second.stop()));
  expect(second.running.output().stdout).toContain('deployment.apps/echo unchanged');
  expect((await second.get('Deployment', 'echo', namespace)).metadata?.uid).toBe(deployment.metadata?.uid);
  expect((await ask(second.http, { host })).status).toBe(200);
}, 120_000);

test('after kill -9 the next start ends what was left running, and all is served again', async () => {
  const data = directory();
  const first = await startCluster(['-'], { data, input: manifests });
  const before = (await settled(first, 'echo', 2, namespace)).flatMap(processesOf);
  await first.client.close();
  first.running.child.kill('SIGKILL');
  await first.running.finished;

  const second = await startCluster(['-'], { data, input: manifests });
  cleanups.push(async () => void (await second.stop()));
  const pods = await podsOf(second, 'echo', namespace);
  const after = pods.flatMap(processesOf);
  expect(after).toHaveLength(2);
  expect(after.filter((pid) => before.includes(pid))).toEqual([]);
  expect((await ask(second.http, { host })).status).toBe(200);
}, 120_000);

test('down ends what a killed cluster left running, before its traces are wiped', async () => {
  const data = directory();
  const cluster = await startCluster(['-'], { data, input: manifests });
  const pods = await settled(cluster, 'echo', 2, namespace);
  await cluster.client.close();
  cluster.running.child.kill('SIGKILL');
  await cluster.running.finished;
  expect(pods.flatMap(processesOf)).toHaveLength(2);
  const groups = controlGroupsOf(data.path);

  const get = await evenkeel(['get', 'pods', '--data', data.path]);
  expect(get).toMatchObject({ code: 1, stderr: expect.stringContaining('Start the cluster with "evenkeel up"') });
  const down = await evenkeel(['down', '--data', data.path, '--wipe']);
  expect(down).toMatchObject({ code: 0, stdout: expect.stringMatching(/^Ended \d+ processes that a crash had left/) });
  await eventually('no process of a pod is left', () => expect(pods.flatMap(processesOf)).toEqual([]));
  expect(groups.filter(existsSync)).toEqual([]);
  expect(readdirSync(data.path)).toEqual([]);
}, 60_000);

/** Directories of the node's control groups; none where it may have none. */
function controlGroupsOf(data: string): string[] {
  const file = join(data, 'kubelet', 'cgroups.json');
  if (!existsSync(file)) return [];
  const { dirs, node } = JSON.parse(readFileSync(file, 'utf8')) as { dirs: Record<string, string>; node: string };
  return Object.values(dirs).map((base) => join(base, node, '..'));
}

test('without manifests it starts what is stored, by images that up or apply was told of before', async () => {
  const data = directory();
  const project = directory().path;
  const server =
    "import('node:http').then((http) => http.createServer((_, r) => r.end('ours')).listen(8080, process.env.POD_IP))";
  writeFileSync(join(project, 'server.js'), server);
  writeFileSync(join(project, 'evenkeel.yaml'), 'images: {our-app: {command: [node, server.js]}}\n');
  const ours = echoManifests({
    name: 'ours',
    namespace,
    host,
    container: { image: 'our-app:1', readinessProbe: null },
  });
  writeFileSync(join(project, 'app.yaml'), ours);

  const empty = await startCluster([], { data });
  cleanups.push(async () => void (await empty.stop()));
  expect(empty.running.output().stdout).toContain('No workload is stored yet');
  const apply = await evenkeel(['apply', project, '--data', data.path]);
  expect(apply).toMatchObject({ code: 0, stdout: expect.stringContaining('deployment.apps/ours created') });
  await settled(empty, 'ours', 1, namespace);
  expect((await empty.stop()).code).toBe(0);

  const again = await startCluster([], { data });
  cleanups.push(async () => void (await again.stop()));
  expect(again.running.output().stdout).toContain('deployment home/ours  1/1 ready');
  await eventually('the gateway leads there', async () => {
    expect(await ask(again.http, { host })).toMatchObject({ status: 200, text: 'ours' });
  });
}, 120_000);

test('a detached cluster runs on its own until down ends it, and no other takes its directory or addresses', async () => {
  const data = directory();
  cleanups.push(async () => void (await evenkeel(['down', '--data', data.path])));
  const up = await evenkeel(upArguments(['-'], data.path, ['--detach']), { input: manifests });
  expect({ code: up.code, stderr: withoutPortNotice(up.stderr) }).toEqual({ code: 0, stderr: '' });
  expect(up.stdout).toContain(`export KUBECONFIG=${data.path}/kubeconfig`);

  const get = await evenkeel(['get', 'deployments', '-A', '--data', data.path]);
  expect(get.stdout).toMatch(/^home +echo +2\/2 /m);

  const again = await evenkeel(upArguments(['-'], data.path), { input: manifests });
  expect(again.code).toBe(1);
  expect(again.stderr).toMatch(/in use by process \d+\n.*evenkeel down.*--data/);

  const neighbour = await evenkeel(upArguments(['-'], directory().path), { input: manifests });
  expect(neighbour.code).toBe(1);
  expect(neighbour.stderr).toMatch(/Addresses 127\.\S+ are in use by another cluster.*\n.*--pod-cidr/);

  // What restore keeps of clusters before this one goes as well, keys included.
  mkdirSync(join(data.path, 'before-restore-2026-01-01T00-00-00.000Z', 'pki'), { recursive: true });
  writeFileSync(join(data.path, 'salvaged-2026-01-01T00-00-00.000Z.backup'), '');
  const down = await evenkeel(['down', '--data', data.path, '--wipe']);
  expect(down).toMatchObject({ code: 0, stdout: expect.stringMatching(/^Stopped process \d+\n/) });
  expect(readdirSync(data.path)).toEqual([]);
}, 120_000);

test('a taken port is said before anything starts, with the flag that changes it', async () => {
  const data = directory();
  const server = createServer();
  cleanups.push(() => void server.close());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  for (const flag of ['--api-port', '--http-port', '--https-port', '--admin-port']) {
    const { code, stderr } = await evenkeel(upArguments(['-'], data.path, [flag, `${port}`]), { input: manifests });
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: `Error: Port ${port} on 127.0.0.1 is taken\nFree it, or choose another one with ${flag}.\n`,
    });
  }
}, 60_000);

test('a bad document is named with its place and what helps, and the others go in', async () => {
  const data = directory();
  const k8s = join(data.path, 'k8s');
  mkdirSync(k8s);
  writeFileSync(join(k8s, 'a.yaml'), manifests);
  writeFileSync(
    join(k8s, 'b.yaml'),
    [
      'apiVersion: v1\nkind: Service\nmetadata:\n  name: typo\n  namespace: home\nspec:\n  prots:\n    - port: 80\n',
      'apiVersion: v1\nkind: Service\nmetadata:\n  name: range\n  namespace: home\nspec:\n  ports:\n    - port: 70000\n',
      'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: good\n  namespace: home\ndata: {a: b}\n',
      'apiVersion: v1\nkind: Servise\nmetadata:\n  name: kind\n  namespace: home\n',
      'apiVersion: v1\nkind: [\n',
    ].join('---\n'),
  );
  const cluster = await startCluster([k8s], { data });
  cleanups.push(async () => void (await cluster.stop()));
  const { stdout, stderr } = cluster.running.output();
  const file = join(k8s, 'b.yaml');
  const lines = withoutPortNotice(stderr).trimEnd().split('\n');
  expect(lines).toEqual([
    expect.stringMatching(new RegExp(`^${file}:34:1: Document is not valid YAML: .+\\. .+\\.$`)),
    expect.stringMatching(new RegExp(`^${file}:7:3: service/typo: unknown field "spec\\.prots"\\. .+\\.$`)),
    expect.stringMatching(
      new RegExp(`^${file}:17:7: service/range: spec\\.ports\\[0\\]\\.port: Invalid value: 70000: .+\\. .+\\.$`),
    ),
    expect.stringMatching(
      new RegExp(`^${file}:17:7: service/range: spec\\.ports\\[0\\]\\.targetPort: Invalid value: 70000: .+`),
    ),
    expect.stringMatching(
      new RegExp(`^${file}:27:1: No resource of kind "Servise" in version "v1" is served\\. .+\\.$`),
    ),
  ]);
  expect(stdout).toContain('configmap/good created');
  expect((await cluster.stop()).code).toBe(1);
}, 60_000);

test('certificates, keys and kubeconfig are readable by their owner only', async () => {
  const data = directory();
  const cluster = await startCluster(['-'], { data, input: manifests });
  cleanups.push(async () => void (await cluster.stop()));
  const kubeconfig = JSON.parse(readFileSync(cluster.kubeconfig, 'utf8')) as { 'current-context': string };
  expect(kubeconfig['current-context']).toBe('evenkeel');
  const { statSync } = await import('node:fs');
  for (const path of [cluster.kubeconfig, join(data.path, 'pki', 'ca.pem'), data.path]) {
    expect(statSync(path).mode & 0o077).toBe(0);
  }
  const anonymous = await ask(
    `${JSON.parse(readFileSync(join(data.path, 'instance.json'), 'utf8')).apiUrl}/api/v1/secrets`,
    {
      ca: readFileSync(cluster.caFile, 'utf8'),
    },
  );
  expect(anonymous.status).toBe(403);
  await eventually('the admin page is served', async () => {
    expect((await ask(`${cluster.admin}/metrics`)).text).toContain('evenkeel_http_requests_total');
    expect((await ask(`${cluster.admin}/config_dump`)).text).not.toContain('PRIVATE KEY');
    expect((await ask(`${cluster.admin}/clusters`)).text).toContain('home/echo/http');
    expect((await ask(`${cluster.admin}/`, { host: 'evil.example' })).status).toBe(421);
  });
}, 60_000);
