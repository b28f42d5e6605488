// What a Service says about who may ask and who answers, from `kubectl apply` to the packet: the API server, the
// controller of EndpointSlices and `evenkeel service-proxy` are real, and so are the clients beyond the node.
import { spawnSync } from 'node:child_process';
import { mkdirSync, rmdirSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { mountPoints } from '#lib/sys/mounts.ts';
import { privilegedObstacle } from '#lib/sys/testing.ts';
import { ebpfObstacle } from '#traffic/kernel/ebpf/driver/ebpf-driver.ts';
import { eventually } from '../support/eventually.ts';
import { kernelAllows } from '../support/kernel.ts';
import { findKubectl } from '../support/kubectl.ts';
import { evenkeelBinary, type Running } from '../support/run.ts';
import { end, ProxyLab } from './lab.ts';

const tools = ['nft', 'iptables', 'conntrack', 'curl'];
const missing = tools.find((tool) => spawnSync(tool, ['--version']).error !== undefined);
const obstacle = privilegedObstacle() ?? (missing === undefined ? undefined : `${missing} is not installed`);
const found = await findKubectl('current');
const lacks = obstacle ?? ('missing' in found ? found.missing : undefined);

const groups = mountPoints('cgroup2')[0];
const lacksEbpf = lacks ?? ebpfObstacle() ?? (groups === undefined ? 'no cgroup2 is mounted' : undefined);
const MODES = [
  'nftables',
  'iptables',
  'userspace',
  ...(kernelAllows(lacksEbpf, 'policies of Services by eBPF') ? ['ebpf'] : []),
];

/** The node of the proxy, another one of its zone, and one of another zone. */
const PODS = { n1: '192.0.2.1', n2: '192.0.2.2', n3: '192.0.2.3' } as const;
const ZONES = { n1: 'a', n2: 'a', n3: 'b' } as const;
const PORT = 9100;
const CLUSTER_IP = '127.96.0.77';
const BALANCER = '198.18.0.1';
/** Of a client beyond the node, which has both. */
const [FRIEND, STRANGER] = ['198.51.100.2', '203.0.113.2'];
const ANSWER = `
for (const address of ${JSON.stringify(Object.values(PODS))}) {
  require('node:http').createServer((q, s) => s.end(address + '\\n')).listen(${PORT}, address);
}`;

type Name = keyof typeof PODS;

describe.runIf(kernelAllows(lacks, 'policies of Services'))('a Service', () => {
  const lab = new ProxyLab();
  const outside = `${lab.name}-out`;
  const others: Running[] = [];

  const kubectl = async (...args: string[]): Promise<string> => {
    const path = 'path' in found ? found.path : '';
    const home = `${lab.data}/home`;
    const words = ['env', `HOME=${home}`, path, '--kubeconfig', `${lab.data}/kubeconfig`, ...args];
    const { code, stdout, stderr } = await lab.within(...words);
    expect(code, stderr).toBe(0);
    return stdout;
  };
  const setReady = (node: Name, ready: boolean): Promise<string> => {
    const conditions = [{ type: 'Ready', status: ready ? 'True' : 'False' }];
    const status = { phase: 'Running', podIP: PODS[node], podIPs: [{ ip: PODS[node] }], conditions };
    const patch = ['--subresource=status', '--type=merge', '-p', JSON.stringify({ status })];
    return kubectl('patch', 'pod', `on-${node}`, ...patch);
  };
  /** The Service as `spec` has it, from nothing. */
  const serve = async (spec: object): Promise<void> => {
    await kubectl('delete', 'service', 'asked', '--ignore-not-found');
    const ports = [{ port: 80, targetPort: PORT, nodePort: 30_090 }];
    const base = { type: 'LoadBalancer', clusterIP: CLUSTER_IP, selector: { app: 'asked' }, ports };
    const service = { apiVersion: 'v1', kind: 'Service', metadata: { name: 'asked' }, spec: { ...base, ...spec } };
    await lab.apply(JSON.stringify(service));
    const status = { loadBalancer: { ingress: [{ ip: BALANCER }] } };
    await kubectl(
      'patch',
      'service',
      'asked',
      '--subresource=status',
      '--type=merge',
      '-p',
      JSON.stringify({ status }),
    );
  };
  /** Everybody that answers 60 connections, in order; or how it ended. */
  const answers = async (url: string, from?: string, group?: string): Promise<string> => {
    const options = ['-s', '--max-time', '5', '--connect-timeout', '1', '--fail-early', '-H', 'Connection: close'];
    const words = ['curl', ...options, ...(from === undefined ? [] : ['--interface', from]), `${url}/[1-60]`];
    const joining = ['sh', '-c', 'echo $$ > $0/cgroup.procs; exec "$@"', group ?? '', ...words];
    const here = group === undefined ? words : joining;
    const asked = from === undefined ? here : ['ip', 'netns', 'exec', outside, ...words];
    const { stdout, code } = await lab.within(...asked);
    const names = [...new Set(stdout.trim().split('\n'))].sort().join(' ');
    return code === 0 ? names : `${names}curl ended with ${code}`;
  };
  /** With eBPF, where its sockets are asked. */
  const group = `${groups}/${lab.name}`;
  let own: string | undefined;
  const inCluster = (): Promise<string> => answers(`http://${CLUSTER_IP}`, undefined, own);
  const begin = async (mode: string): Promise<void> => {
    own = mode === 'ebpf' ? group : undefined;
    if (own !== undefined) mkdirSync(own, { recursive: true });
    await lab.proxy('--mode', mode, ...(own === undefined ? [] : ['--cgroup', own]));
  };
  const come = (what: string, ask: () => Promise<string>, expected: string): Promise<void> =>
    eventually(what, async () => expect(await ask()).toBe(expected), 30_000);

  beforeAll(async () => {
    await lab.start();
    mkdirSync(`${lab.data}/home`, { recursive: true });
    const script = `
      ip -n ${lab.name} addr add 192.0.2.3/32 dev lo
      ip netns add ${outside}; ip -n ${outside} link set lo up
      ip -n ${lab.name} link add eth0 type veth peer name eth0 netns ${outside}
      ip -n ${lab.name} addr add 198.51.100.1/24 dev eth0; ip -n ${lab.name} link set eth0 up
      ip -n ${lab.name} route add ${STRANGER}/32 dev eth0
      ip -n ${outside} addr add ${FRIEND}/24 dev eth0; ip -n ${outside} addr add ${STRANGER}/32 dev eth0
      ip -n ${outside} link set eth0 up; ip -n ${outside} route add default via 198.51.100.1`;
    expect(spawnSync('sh', ['-ec', script], { encoding: 'utf8' })).toMatchObject({ stderr: '', status: 0 });
    others.push(lab.begin(process.execPath, '-e', ANSWER));
    const kubeconfig = ['--kubeconfig', `${lab.data}/kubeconfig`];
    others.push(lab.begin(evenkeelBinary, 'controllers', ...kubeconfig, '--only', 'endpointslice'));
    for (const node of Object.keys(PODS) as Name[]) {
      const labels = { 'topology.kubernetes.io/zone': ZONES[node] };
      const meta = { apiVersion: 'v1', metadata: { name: node, labels } };
      const addresses = [{ type: 'InternalIP', address: PODS[node] }];
      // The pod range that the first node has had before is its for good.
      const spec = node === 'n1' ? { podCIDRs: ['10.244.1.0/24'] } : {};
      const items = [
        { ...meta, kind: 'Node', spec, status: { addresses } },
        {
          apiVersion: 'v1',
          kind: 'Pod',
          metadata: { name: `on-${node}`, labels: { app: 'asked' } },
          spec: { nodeName: node, containers: [{ name: 'asked', image: 'asked' }] },
        },
      ];
      await lab.apply(JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
      await kubectl('label', 'node', node, `topology.kubernetes.io/zone=${ZONES[node]}`, '--overwrite');
      await setReady(node, true);
    }
  }, 120_000);
  afterEach(async () => {
    await lab.endProxies();
    // The next one would take away what this one left only after it serves, with another mode's answers until then.
    await lab.within(evenkeelBinary, 'service-proxy', '--cleanup');
    if (own !== undefined) await eventually('the group is empty', () => rmdirSync(group));
    own = undefined;
    await setReady('n1', true);
  });
  afterAll(async () => {
    for (const running of others) await end(running, 'SIGTERM');
    await lab.remove();
    spawnSync('ip', ['netns', 'del', outside]);
  }, 60_000);

  const all = Object.values(PODS).join(' ');

  describe.each(MODES)('with --mode %s', (mode) => {
    it('prefers endpoints of the node, or of the zone, by trafficDistribution', { timeout: 120_000 }, async () => {
      await serve({});
      await begin(mode);
      await come('all answer', inCluster, all);
      await serve({ trafficDistribution: 'PreferSameZone' });
      await come('those of the zone answer', inCluster, `${PODS.n1} ${PODS.n2}`);
      await serve({ trafficDistribution: 'PreferSameNode' });
      await come('that of the node answers', inCluster, PODS.n1);
      await setReady('n1', false);
      // The next best is the zone.
      await come('that of the zone answers when it is not ready', inCluster, PODS.n2);
    });

    it('is answered on the node alone by internalTrafficPolicy: Local', { timeout: 120_000 }, async () => {
      await serve({ internalTrafficPolicy: 'Local' });
      await begin(mode);
      await come('that of the node answers', inCluster, PODS.n1);
      // From beyond, any endpoint may answer.
      await come('all answer at the node port', () => answers(`http://${PODS.n1}:30090`, FRIEND), all);
      await setReady('n1', false);
      await come('nobody answers', inCluster, 'curl ended with 28');
    });

    it('has its balancer’s address for loadBalancerSourceRanges alone', { timeout: 120_000 }, async () => {
      await serve({ loadBalancerSourceRanges: ['198.51.100.0/24'] });
      await begin(mode);
      const balancer = `http://${BALANCER}`;
      await come('a friend is answered', () => answers(balancer, FRIEND), all);
      expect(await answers(balancer, STRANGER)).toBe('curl ended with 28');
      // Node ports are not what the ranges are about.
      expect(await answers(`http://${PODS.n1}:30090`, STRANGER)).toBe(all);
      await serve({});
      await come('anybody is answered without ranges', () => answers(balancer, STRANGER), all);
    });

    it('stays with an endpoint by sessionAffinity: ClientIP', { timeout: 120_000 }, async () => {
      const sticky = { sessionAffinity: 'ClientIP', sessionAffinityConfig: { clientIP: { timeoutSeconds: 600 } } };
      await serve(sticky);
      await begin(mode);
      const [balancer, nodePort] = [`http://${BALANCER}`, `http://${PODS.n1}:30090`];
      await eventually('somebody answers', async () => expect(await answers(balancer, FRIEND)).toMatch(/^192/), 30_000);
      const chosen = await answers(balancer, FRIEND);
      expect(Object.values(PODS)).toContain(chosen);
      // By the client and the Service, whichever address is asked.
      expect(await answers(nodePort, FRIEND)).toBe(chosen);
      expect(Object.values(PODS)).toContain(await answers(balancer, STRANGER));
      expect(Object.values(PODS)).toContain(await inCluster());
      await serve({});
      await come('anybody answers without it', () => answers(balancer, FRIEND), all);
    });
  });

  it.runIf(MODES.includes('ebpf'))(
    'is decided at the socket, before there is a packet, with --mode ebpf',
    { timeout: 120_000 },
    async () => {
      await serve({ internalTrafficPolicy: 'Local' });
      await begin('ebpf');
      await come('that of the node answers', inCluster, PODS.n1);
      await lab.within('conntrack', '-F');
      expect(await inCluster()).toBe(PODS.n1);
      // No packet had the address of the Service.
      expect(await lab.says('conntrack', '-L', '--orig-dst', CLUSTER_IP)).toBe('');
    },
  );
});
