// A kubelet whose pods have namespaces: what the API shows of their network, and what is left of it afterwards.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Node, NodeCondition } from 'kubernetes-types/core/v1.js';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { builtin } from '#kube/api/resources.ts';
import { systemClock } from '#lib/clock.ts';
import { silentLogger } from '#lib/log.ts';
import { eventually } from '#test/support/eventually.ts';
import { type TempDir, tempDir } from '#test/support/temp-dir.ts';
import { PODS, startTestNode, type TestNode } from '../testing.ts';
import { ScriptPlugins } from './cni/testing.ts';
import { type CniOptions, createNetnsNetwork } from './create-network.ts';
import { labAllowed, NodeLab, nodeAddress } from './testing/node-lab.ts';

const RUNNING = { image: 'sh', args: ['sleep 600'] };

describe.runIf(labAllowed('pods with namespaces under a kubelet'))('a kubelet', () => {
  let lab: NodeLab;
  let state: TempDir;
  let node: TestNode;
  let owner: string;
  const start = async (podCidrs: string[], cni?: CniOptions): Promise<void> => {
    const common = { owner, stateDir: join(state.path, 'state'), podCidrs, nodeNetns: lab.node };
    const network = createNetnsNetwork({
      ...common,
      ...(cni === undefined ? {} : { cni }),
      clock: systemClock,
      log: silentLogger,
    });
    node = await startTestNode({ kubelet: { network } });
  };
  beforeEach(() => {
    lab = new NodeLab();
    owner = `${lab.id}-a`;
    state = tempDir('kubelet-network');
  });
  afterEach(async () => {
    await node.close();
    state.remove();
    await lab.close();
  });

  test('shows both addresses of a pod, and takes its namespace away with it', async () => {
    await start(['10.94.0.0/24', 'fd00:94::/64']);
    await node.run('web', RUNNING);
    const pod = await node.until('web', 'it runs', ({ status }) => status?.phase === 'Running');
    expect(pod.status?.podIPs).toEqual([{ ip: '10.94.0.2' }, { ip: 'fd00:94::2' }]);
    expect(lab.inventory(owner).namespaces).toEqual([expect.stringContaining(`${owner}.web.`)]);
    await node.client.delete(PODS, 'web', 'default', { gracePeriodSeconds: 5 });
    await node.untilGone('web');
    expect(lab.inventory(owner).namespaces).toEqual([]);
  });

  test('runs the containers of a pod in its namespace, where their servers answer on its addresses', async () => {
    await start(['10.94.3.0/24', 'fd00:94:3::/64']);
    const hostPorts = [{ containerPort: 8080, hostPort: 7000 }];
    const script = "require('http').createServer((q, s) => s.end(require('os').hostname())).listen(8080, '::')";
    await node.run('web', { image: 'node', args: [script], ports: hostPorts });
    const pod = await node.until('web', 'it runs', ({ status }) => status?.phase === 'Running');
    for (const { ip = '' } of pod.status?.podIPs ?? []) {
      expect(await eventually('the server answers', () => lab.ask(lab.node, ip, 8080))).toBe('web');
    }
    expect(await lab.ask(lab.outside, nodeAddress[4], 7000)).toBe('web');
  });

  test('leaves nothing of any pod when it stops', async () => {
    await start(['10.94.1.0/24']);
    const untouched = lab.inventory(owner);
    for (const name of ['web', 'cart']) await node.run(name, RUNNING);
    for (const name of ['web', 'cart']) await node.until(name, 'it runs', ({ status }) => status?.phase === 'Running');
    await node.kubelet.stop({ graceMs: 0 });
    expect(lab.inventory(owner)).toEqual(untouched);
  });

  test('tells with an event and by its condition why a pod has no network, and tries until it has', async () => {
    const plugins = new ScriptPlugins();
    const confDir = join(state.path, 'net.d');
    mkdirSync(confDir);
    await start(['10.94.2.0/24'], { confDir, binDirs: [plugins.binDir] });
    await node.run('web', { ...RUNNING, ports: [{ containerPort: 80, hostPort: 7000 }] });
    expect(await node.events('web', 'FailedCreatePodSandBox')).toEqual([
      expect.stringMatching(
        /^Failed to create pod sandbox: failed to setup network for sandbox "\S+": no network config found in .*: cni plugin not initialized$/,
      ),
    ]);
    const ready = async (): Promise<NodeCondition | undefined> => {
      const { status } = await node.client.get<Node>(builtin('Node'), 'node-1');
      return status?.conditions?.find(({ type }) => type === 'Ready');
    };
    expect(await ready()).toMatchObject({
      status: 'False',
      reason: 'KubeletNotReady',
      message:
        'container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady message:' +
        `Network plugin returns error: no network config found in ${confDir}: cni plugin not initialized`,
    });
    plugins.add('good', { ADD: `echo '{"cniVersion":"1.0.0","ips":[{"address":"10.94.2.9/24"}]}'` });
    const list = { cniVersion: '1.0.0', name: 'pods', plugins: [{ type: 'good' }] };
    writeFileSync(join(confDir, '10.conflist'), JSON.stringify(list));
    const pod = await node.until('web', 'it runs', ({ status }) => status?.phase === 'Running');
    expect(pod.status?.podIP).toBe('10.94.2.9');
    expect(await node.events('web', 'NetworkRequestUnmet')).toEqual([
      'hostPort without effect: no plugin of network "pods" has the capability portMappings',
    ]);
    await eventually('the node is ready', async () => expect(await ready()).toMatchObject({ status: 'True' }));
    await node.kubelet.stop({ graceMs: 0 });
    plugins.remove();
  });
});
