// Services as programs of the machine meet them where nodes have a network of their own: what `explain` says is what happens.
// Knows the CLI, curl and ip from the outside.
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Event, Service } from 'kubernetes-types/core/v1.js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { namespaceObstacle } from '#app/nodes/agent/privileges.ts';
import type { KubeObject } from '#kube/api/object.ts';
import { builtin } from '#kube/api/resources.ts';
import { ownRanges } from '../nodes/inventory.ts';
import { startCluster, type TestCluster } from '../support/cluster.ts';
import { eventually } from '../support/eventually.ts';
import { kernelAllows } from '../support/kernel.ts';
import { evenkeel, mustRun, run } from '../support/run.ts';

const service = (name: string, spec: string): string => `---
apiVersion: v1
kind: Service
metadata: {name: ${name}, namespace: default}
spec: {ports: [{port: 80, targetPort: http}], selector: {app: web}, ${spec}}
`;

/** All of them on the node that does not lead the machine. */
const pods = (node: string): string => `apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: default}
spec:
  replicas: 3
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      nodeSelector: {kubernetes.io/hostname: ${node}}
      containers: [{name: web, image: evenkeel.dev/echo, ports: [{name: http, containerPort: 8080}]}]
`;

const manifests = `${service('web', 'ipFamilyPolicy: PreferDualStack')}
${service('sticky', 'sessionAffinity: ClientIP')}
${service('local', 'internalTrafficPolicy: Local, type: NodePort, externalTrafficPolicy: Local')}
${service('balanced', 'type: LoadBalancer, externalTrafficPolicy: Local, ipFamilyPolicy: PreferDualStack')}
---
apiVersion: v1
kind: Service
metadata: {name: none, namespace: default}
spec: {selector: {app: nobody}, ports: [{port: 80, name: tcp}, {port: 80, protocol: UDP, name: udp}, {port: 81, protocol: SCTP, name: sctp}]}
`;

/** Where many other tests run beside this one, everything takes its time. */
const PATIENT = { timeout: 120_000 };

interface Explained {
  readonly verdict: string;
  readonly node: string;
  readonly pods: Readonly<Record<string, string>>;
}

describe.runIf(kernelAllows(namespaceObstacle(), 'Services of nodes with namespaces'))('the machine', PATIENT, () => {
  const ranges = ownRanges();
  const [fabric = '', , services = ''] = ['201', '202', '203'].map(
    (part) => ranges.beginnings.find((one) => one.startsWith(`10.${part}.`)) ?? '',
  );
  const machine = [`${fabric}1`, `${ranges.beginnings.find((one) => one.startsWith('fd00:201')) ?? ''}:1`];
  let cluster: TestCluster;
  /** The node that was ready first leads the machine; the other one has the pods. */
  let leader = '';
  let other = '';
  beforeAll(async () => {
    const args = ['--network', 'netns', '--nodes', '2', ...ranges.arguments];
    cluster = await startCluster(['-'], { input: manifests, args });
    leader = await eventually('a node leads the machine', async () => {
      const { node } = await explain(`${await clusterIP('none')}:80`, 'tcp');
      expect(node).toMatch(/^node-[12]$/);
      return node;
    });
    other = leader === 'node-1' ? 'node-2' : 'node-1';
    await cluster.apply(pods(other));
  }, 180_000);
  afterAll(async () => {
    await cluster?.remove();
  }, 60_000);

  const explain = async (to: string, proto: string): Promise<Explained> => {
    const from = machine[to.startsWith('[') ? 1 : 0] ?? '';
    const args = ['explain', '--from', from, '--to', to, '--proto', proto, '-o', 'json'];
    const { stdout, stderr } = await evenkeel([...args, '--kubeconfig', cluster.kubeconfig]);
    expect(stderr).toBe('');
    return JSON.parse(stdout) as Explained;
  };

  /** What a packet meets; `forward` names the pod that answered. */
  const send = async (to: string, proto: string): Promise<{ verdict: string; pod?: string }> => {
    if (proto === 'udp') return { verdict: await sendDatagram(to) };
    const { code, stdout } = await run('curl', ['-sS', '--max-time', '2', `http://${to}/`]);
    if (code === 0) return { verdict: 'forward', pod: `default/${(JSON.parse(stdout) as { pod: string }).pod}` };
    return { verdict: code === 7 ? 'reject' : code === 28 ? 'drop' : `curl ${code}` };
  };

  /** Twice in a row the same, as objects may be on their way to the kernel. */
  const agree = (to: string, verdict: string, proto = 'tcp'): Promise<void> =>
    eventually(`${proto} to ${to}: ${verdict}`, async () => {
      const explained = await explain(to, proto);
      const sent = await send(to, proto);
      expect([explained.verdict, sent.verdict]).toEqual([verdict, verdict]);
      if (sent.pod !== undefined) expect(Object.values(explained.pods)).toContain(sent.pod);
    });

  const addresses = async (name: string): Promise<Service & KubeObject> =>
    await cluster.get('Service', name, 'default');
  const clusterIP = async (name: string, at = 0): Promise<string> =>
    (await addresses(name)).spec?.clusterIPs?.[at] ?? '';

  test('meets what a client from outside meets at the node that leads it', async () => {
    await agree(`${await clusterIP('web')}:80`, 'forward');
    await agree(`[${await clusterIP('web', 1)}]:80`, 'forward');
    await agree(`${await clusterIP('web')}:81`, 'reject');
    // Its pods are on the other node.
    await agree(`${await clusterIP('local')}:80`, 'drop');
    const nodePort = (await addresses('local')).spec?.ports?.[0]?.nodePort;
    await agree(`${fabric}1${leader.at(-1)}:${nodePort}`, 'drop');
    await agree(`${fabric}1${other.at(-1)}:${nodePort}`, 'forward');
    const none = await clusterIP('none');
    await agree(`${none}:80`, 'reject');
    await agree(`${none}:80`, 'reject', 'udp');
    await agree(`${services}250:80`, 'drop');
    await agree(`${services}250:80`, 'drop', 'udp');
  });

  test('meets the node that announces a load-balancer address, in both families', async () => {
    const balanced = await eventually('the Service has its addresses', async () => {
      const ips = ((await addresses('balanced')).status?.loadBalancer?.ingress ?? []).map(({ ip = '' }) => ip);
      expect(ips).toHaveLength(2);
      return ips;
    });
    for (const ip of balanced) await agree(ip.includes(':') ? `[${ip}]:80` : `${ip}:80`, 'forward');
  });

  test('stays with its endpoint where a Service asks for it', async () => {
    const sticky = `${await clusterIP('sticky')}:80`;
    await agree(sticky, 'forward');
    const pods = new Set<string | undefined>();
    for (let asked = 0; asked < 8; asked += 1) pods.add((await send(sticky, 'tcp')).pod);
    expect(pods.size).toBe(1);
  });

  test('is led to a range that comes, and not to one that it needs itself, and neither is left', async () => {
    const more = services.replace('10.203.', '10.204.');
    const cidr = (name: string, range: string): string => `---
apiVersion: networking.k8s.io/v1
kind: ServiceCIDR
metadata: {name: ${name}}
spec: {cidrs: [${range}]}
`;
    await cluster.apply(
      `${cidr('more', `${more}0/24`)}${cidr('clash', `${fabric.replace('10.201.', '10.202.')}0/28`)}`,
    );
    await eventually('an address of it is given', async () => {
      await cluster.apply(service('far', `clusterIP: ${more}9`));
    });
    await agree(`${more}9:80`, 'forward');
    await agree(`${more}8:80`, 'drop');
    const told = await eventually('the other one is told of', async () => {
      const events = await cluster.list<Event & KubeObject>('Event', 'default');
      return events.find(({ reason }) => reason === 'NotRouted') ?? Promise.reject(new Error('no event yet'));
    });
    expect(told.involvedObject.name).toBe('clash');
    await cluster.client.delete(builtin('Service'), 'far', 'default');
    await cluster.client.delete(builtin('ServiceCIDR'), 'more');
    await eventually('its routes go', async () => {
      expect(await mustRun('ip', ['route', 'show'])).not.toContain(more);
    });
    // Taken away at the end of all, with what is left of the cluster.
    await cluster.apply(cidr('stays', `${more}0/24`));
    await eventually('it is led there again', async () => {
      expect(await mustRun('ip', ['route', 'show'])).toContain(`${more}0/24 via`);
    });
  });

  test('is led by another node when that one dies, and nothing is left at the end', async () => {
    const local = `${await clusterIP('local')}:80`;
    expect((await explain(local, 'tcp')).node).toBe(leader);
    await mustRun(...killNode(cluster.data, leader));
    await agree(`${await clusterIP('web')}:80`, 'forward');
    await agree(local, 'forward');
    expect((await explain(local, 'tcp')).node).toBe(other);
    const plan = readFileSync(join(cluster.data, 'fabric.json'), 'utf8');
    expect(plan).toContain(services.replace('10.203.', '10.204.'));
    await cluster.stop();
    const routes = await mustRun('ip', ['route', 'show', 'table', 'all']);
    for (const part of ['201', '202', '203', '204']) expect(routes).not.toContain(services.replace('203', part));
  });
});

function killNode(data: string, node: string): [string, string[]] {
  return [join(import.meta.dirname, '../../bin/evenkeel'), ['node', 'kill', node, '--data', data]];
}

/** Nobody of ours answers datagrams: silence, or a refusal. */
async function sendDatagram(to: string): Promise<string> {
  const at = to.lastIndexOf(':');
  const socket = createSocket('udp4');
  try {
    socket.connect(Number(to.slice(at + 1)), to.slice(0, at));
    await once(socket, 'connect');
    const refused = once(socket, 'error').then(
      () => 'reject',
      () => 'reject',
    );
    socket.send('anybody?');
    const silence = new Promise<string>((resolve) => setTimeout(resolve, 1_000, 'drop'));
    return await Promise.race([refused, silence]);
  } finally {
    socket.close();
  }
}
