// `evenkeel explain --from --to` with what service proxies are told by flags, and for clients of load balancers.
// Manifests alone; the verdicts themselves are tested with the rules.
import { describe, expect, test } from 'vitest';
import { evenkeel } from '#test/support/run.ts';

const node = (name: string, host: number): string => `---
apiVersion: v1
kind: Node
metadata: {name: ${name}}
spec: {podCIDRs: [10.244.${host}.0/24]}
status: {addresses: [{type: InternalIP, address: 192.0.2.${host}}, {type: InternalIP, address: 203.0.113.${host}}]}
`;
const manifests = `${node('n1', 1)}${node('n2', 2)}---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec:
  type: LoadBalancer
  externalTrafficPolicy: Local
  clusterIP: 10.96.0.10
  clusterIPs: [10.96.0.10]
  ports: [{port: 80, nodePort: 30080}]
status: {loadBalancer: {ingress: [{ip: 198.18.0.1}]}}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: web-1, namespace: shop, labels: {kubernetes.io/service-name: web}}
addressType: IPv4
ports: [{name: "", port: 8080}]
endpoints: [{addresses: [10.244.2.2], nodeName: n2}]
`;
const assigned = (name: string, second: number, protocol = 'layer2'): string => `---
apiVersion: v1
kind: Event
metadata: {name: web.${name}${second}, namespace: shop}
involvedObject: {kind: Service, namespace: shop, name: web}
reason: nodeAssigned
message: announcing from node "${name}" with protocol "${protocol}"
lastTimestamp: "2026-01-01T00:00:0${second}Z"
`;

const ask = (input: string, ...args: string[]) => evenkeel(['explain', '-f', '-', ...args], { input });
const BALANCER = ['--from', '198.51.100.7', '--to', '198.18.0.1:80'];

describe('a client of a load balancer', () => {
  test('meets the node that was the last to say that it answers', async () => {
    const { stdout, stderr } = await ask(manifests + assigned('n2', 2) + assigned('n1', 1), ...BALANCER);
    expect(stderr).toBe('');
    expect(stdout).toContain('by the rules of node n2, which answers for 198.18.0.1\n');
    expect(stdout).toMatch(/^10\.244\.2\.2:8080 .* this node +the client's address$/m);
    // The other one has no endpoint, and would drop it.
    const moved = await ask(manifests + assigned('n2', 2) + assigned('n1', 3), ...BALANCER);
    expect(moved.stdout).toContain('by the rules of node n1, which answers for 198.18.0.1\n\nIs dropped');
  });

  test.each([
    ['', 'Which node answers for 198.18.0.1 is not known: no speaker has told of it'],
    [assigned('n1', 1, 'bgp') + assigned('n2', 1, 'bgp'), 'Routers share 198.18.0.1 among nodes n1, n2'],
    [assigned('n9', 1), 'Node "n9", which was the last to answer for 198.18.0.1, is gone'],
  ])('is asked for the node where that is not known: %#', async (events, message) => {
    const { code, stderr } = await ask(manifests + events, ...BALANCER);
    expect(code).toBe(1);
    expect(stderr).toContain(message);
    expect(stderr).toContain('Give --node one of n1, n2');
    const named = await ask(manifests + events, ...BALANCER, '--node', 'n2');
    expect(named.stdout).toContain('by the rules of node n2\n');
  });
});

describe('what the service proxies are told', () => {
  const masquerade = async (...args: string[]): Promise<boolean> => {
    const { stdout, stderr } = await ask(manifests, '--to', '10.96.0.10:80', '--node', 'n1', ...args);
    expect(stderr).toBe('');
    return stdout.includes("Endpoints see the node's address");
  };

  test('decides who is a pod, and who is masqueraded', async () => {
    // Of another node of the cluster.
    const from = ['--from', '10.244.2.9'];
    expect(await masquerade(...from)).toBe(true);
    expect(await masquerade(...from, '--cluster-cidr', '10.244.0.0/16')).toBe(false);
    expect(await masquerade(...from, '--cluster-cidr', '10.244.0.0/16', '--detect-local-mode', 'NodeCIDR')).toBe(true);
    expect(await masquerade(...from, '--detect-local-mode', 'None')).toBe(false);
    expect(await masquerade('--from', '10.244.1.9')).toBe(false);
    expect(await masquerade('--from', '10.244.1.9', '--masquerade-all')).toBe(true);
  });

  test('decides where node ports answer', async () => {
    const at = async (address: string, ...args: string[]): Promise<string> =>
      (await ask(manifests, '--from', '198.51.100.7', '--to', `${address}:30080`, '--node', 'n2', ...args)).stdout;
    expect(await at('203.0.113.2')).toContain('Is for no Service');
    expect(await at('203.0.113.2', '--nodeport-addresses', '203.0.113.0/24')).toContain('Goes to Service port');
    expect(await at('192.0.2.2', '--nodeport-addresses', '203.0.113.0/24')).toContain('Is for no Service');
    expect(await at('192.0.2.2', '--nodeport-addresses', 'primary')).toContain('Goes to Service port');
  });

  test.each([
    [['--detect-local-mode', 'ClusterCIDR'], '--detect-local-mode ClusterCIDR has no addresses to tell pods by'],
    [['--nodeport-addresses', 'first'], '--nodeport-addresses "first" is no range'],
    [['--detect-local-mode', 'Any'], "'Any' is invalid. Allowed choices are ClusterCIDR, NodeCIDR, None"],
  ])('is refused as they refuse it: %j', async (args, message) => {
    const { code, stderr } = await ask(manifests, '--from', '10.244.1.9', '--to', '10.96.0.10:80', ...args);
    expect([code, stderr]).toEqual([2, expect.stringContaining(message)]);
  });
});
