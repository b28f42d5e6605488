// What the runtime keeps in mind of a pod's network: through failures, restarts and changes of the configuration.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { FakeClock, systemClock } from '#lib/clock.ts';
import { silentLogger } from '#lib/log.ts';
import { eventually } from '#test/support/eventually.ts';
import { type TempDir, tempDir } from '#test/support/temp-dir.ts';
import { ScriptPlugins } from './cni/testing.ts';
import { createNetnsNetwork } from './create-network.ts';
import { request } from './pod-network.contract.ts';
import type { PodNetwork } from './pod-network.ts';
import { labAllowed, NodeLab } from './testing/node-lab.ts';

const ANSWER = `echo '{"cniVersion":"1.1.0","ips":[{"address":"10.93.0.2/24"}]}'`;

describe.runIf(labAllowed('the runtime of CNI plugins'))('a network of CNI plugins', () => {
  let lab: NodeLab;
  let owner: string;
  let state: TempDir;
  let confDir: string;
  let plugins: ScriptPlugins;
  let network: PodNetwork;
  const open = (clock = systemClock): PodNetwork =>
    createNetnsNetwork({
      owner,
      stateDir: join(state.path, 'state'),
      podCidrs: ['10.93.0.0/24'],
      cni: { confDir, binDirs: [plugins.binDir] },
      nodeNetns: lab.node,
      clock,
      log: silentLogger,
    });
  const configure = (name: string, types: string[], version = '1.1.0', more: Record<string, unknown> = {}): void => {
    const list = { cniVersion: version, name, plugins: types.map((type) => ({ type, ...more })) };
    writeFileSync(join(confDir, '10.conflist'), JSON.stringify(list));
  };
  const commands = (): string[] => plugins.calls.map(({ plugin, command }) => `${plugin} ${command}`);

  beforeEach(() => {
    lab = new NodeLab();
    owner = `${lab.id}-a`;
    state = tempDir('cni');
    confDir = join(state.path, 'net.d');
    mkdirSync(confDir);
    plugins = new ScriptPlugins();
    plugins.add('good', { ADD: ANSWER });
    configure('pods', ['good']);
    network = open();
  });
  afterEach(async () => {
    plugins.add('good', { ADD: ANSWER });
    await network.close();
    plugins.remove();
    state.remove();
    await lab.close();
  });

  test('after a failed ADD everybody is told to DEL, and nothing is left', async () => {
    plugins.add('bad', { ADD: `echo '{"code":7,"msg":"no subnet"}'; exit 1` });
    configure('pods', ['good', 'bad', 'good']);
    await expect(network.setUp(request('web'))).rejects.toThrow(
      'failed to setup network for sandbox "uid-of-web": plugin type="bad" name="pods" failed (add): no subnet',
    );
    expect(commands()).toEqual(['good ADD', 'bad ADD', 'good DEL', 'bad DEL', 'good DEL']);
    expect(lab.inventory(owner).namespaces).toEqual([]);
  });

  test('plugins are told of the pod in the words that Kubernetes runtimes use', async () => {
    configure('pods', ['good'], '1.1.0', {
      capabilities: {
        bandwidth: true,
        ipRanges: true,
        dns: true,
        portMappings: true,
        'io.kubernetes.cri.pod-annotations': true,
      },
    });
    const annotations = { 'kubernetes.io/ingress-bandwidth': '10M' };
    const dns = { servers: ['10.96.0.10'], searches: ['svc.cluster.local'], options: ['ndots:5'] };
    await network.setUp(
      request('web', { annotations, dns, hostPorts: [{ hostPort: 80, containerPort: 8080, protocol: 'TCP' }] }),
    );
    const [call] = plugins.calls;
    expect(call?.args).toBe(
      'IgnoreUnknown=1;K8S_POD_NAMESPACE=shop;K8S_POD_NAME=web;K8S_POD_INFRA_CONTAINER_ID=uid-of-web;K8S_POD_UID=uid-of-web',
    );
    expect(call?.config.runtimeConfig).toEqual({
      bandwidth: { ingressRate: 10_000_000, ingressBurst: 4_294_967_295 },
      ipRanges: [[{ subnet: '10.93.0.0/24' }]],
      dns,
      portMappings: [{ hostPort: 80, containerPort: 8080, protocol: 'tcp', hostIP: '' }],
      'io.kubernetes.cri.pod-annotations': annotations,
    });
  });

  test('what no plugin has a capability for is told, and keeps nobody from running', async () => {
    const annotations = { 'kubernetes.io/egress-bandwidth': '10M', 'evenkeel.dev/pod-mac': '0a:00:00:00:00:07' };
    const pod = await network.setUp(
      request('web', { annotations, hostPorts: [{ hostPort: 80, containerPort: 8080, protocol: 'TCP' }] }),
    );
    expect(pod.unmet).toEqual([
      'hostPort without effect: no plugin of network "pods" has the capability portMappings',
      'Annotations kubernetes.io/ingress-bandwidth and kubernetes.io/egress-bandwidth without effect: ' +
        'no plugin of network "pods" has the capability bandwidth',
      'Annotation evenkeel.dev/pod-mac without effect: no plugin of network "pods" has the capability mac',
    ]);
  });

  test('a rate that is none is named with its annotation', async () => {
    const annotations = { 'kubernetes.io/egress-bandwidth': 'fast' };
    await expect(network.setUp(request('web', { annotations }))).rejects.toThrow(
      'annotation kubernetes.io/egress-bandwidth: "fast" is no rate between 1k and 1P, like "10M"',
    );
  });

  test('a pod leaves the network that it joined, whatever the configuration says by then', async () => {
    await network.setUp(request('web'));
    plugins.add('other', { ADD: ANSWER });
    configure('others', ['other']);
    network = open();
    await network.tearDown('uid-of-web');
    expect(commands()).toEqual(['good ADD', 'good DEL']);
    expect(plugins.calls[1]?.config).toMatchObject({
      name: 'pods',
      prevResult: { ips: [{ address: '10.93.0.2/24' }] },
    });
  });

  test('a pod that plugins do not let go stays known, and goes at the next try', async () => {
    await network.setUp(request('web'));
    plugins.add('good', { ADD: ANSWER, DEL: `echo '{"code":11,"msg":"busy"}'; exit 1` });
    await expect(network.tearDown('uid-of-web')).rejects.toThrow(
      'failed to destroy network for sandbox "uid-of-web": plugin type="good" name="pods" failed (delete): busy',
    );
    plugins.add('good', { ADD: ANSWER });
    await network.tearDown('uid-of-web');
    expect(lab.inventory(owner).namespaces).toEqual([]);
  });

  test('a live pod is checked after a restart, once, and made anew when a plugin finds it broken', async () => {
    await network.setUp(request('web'));
    network = open();
    for (let times = 0; times < 2; times++) await network.setUp(request('web'));
    expect(commands()).toEqual(['good ADD', 'good CHECK']);
    plugins.add('good', { ADD: ANSWER, CHECK: 'exit 1' });
    network = open();
    await network.setUp(request('web'));
    expect(commands().slice(2)).toEqual(['good CHECK', 'good DEL', 'good ADD']);
  });

  test('the sweep lets plugins collect what belongs to no live pod', async () => {
    for (const name of ['live', 'gone']) await network.setUp(request(name));
    network = open();
    await network.sweep(new Set(['uid-of-live']));
    expect(commands().slice(2)).toEqual(['good DEL', 'good GC']);
    expect(plugins.calls.at(-1)?.config['cni.dev/valid-attachments']).toEqual([
      { containerID: 'uid-of-live', ifname: 'eth0' },
    ]);
  });

  test('an answer without an address is a failure', async () => {
    plugins.add('good', { ADD: "echo '{}'" });
    await expect(network.setUp(request('web'))).rejects.toThrow('the network plugins gave no address: {}');
    expect(lab.inventory(owner).namespaces).toEqual([]);
  });

  test('the node is told why it has no network: no configuration, then what plugins say of themselves', async () => {
    const clock = new FakeClock();
    network = open(clock);
    rmSync(join(confDir, '10.conflist'));
    const missing = `no network config found in ${confDir}: cni plugin not initialized`;
    expect(network.problem()).toBe(`Network plugin returns error: ${missing}`);
    await expect(network.setUp(request('web'))).rejects.toThrow(missing);
    plugins.add('good', { ADD: ANSWER, STATUS: `echo '{"code":50,"msg":"agent is starting"}'; exit 1` });
    configure('pods', ['good']);
    await eventually('the plugin is asked', () => {
      expect(network.problem()).toBe(
        'Network plugin returns error: plugin type="good" name="pods" failed (status): agent is starting',
      );
    });
    plugins.add('good', { ADD: ANSWER });
    clock.advance(5_000);
    await eventually('the plugin is asked again', () => expect(network.problem()).toBeUndefined());
  });
});
