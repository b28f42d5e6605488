// `evenkeel explain --from --to`: what the Services of manifests do with a packet, and what is said of wrong questions.
// The verdicts themselves are tested with the rules; here they reach a person.
import { expect, test } from 'vitest';
import { evenkeel } from '#test/support/run.ts';

const manifests = `
apiVersion: v1
kind: Node
metadata: {name: n1}
spec: {podCIDRs: [10.244.0.0/24]}
status: {addresses: [{type: InternalIP, address: 192.0.2.1}]}
---
apiVersion: v1
kind: Node
metadata: {name: n2}
spec: {podCIDRs: [10.244.1.0/24]}
status: {addresses: [{type: InternalIP, address: 192.0.2.2}]}
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec:
  type: NodePort
  externalTrafficPolicy: Local
  clusterIP: 10.96.0.10
  clusterIPs: [10.96.0.10]
  ports: [{port: 80, nodePort: 30080}]
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: web-1, namespace: shop, labels: {kubernetes.io/service-name: web}}
addressType: IPv4
ports: [{name: "", port: 8080}]
endpoints:
  - {addresses: [10.244.0.2], nodeName: n1, targetRef: {kind: Pod, name: web-a, namespace: shop}}
  - {addresses: [10.244.0.3], nodeName: n1}
`;

const ask = (...args: string[]) => evenkeel(['explain', '-f', '-', ...args], { input: manifests });

test('a packet from a pod is explained by the rules of its node', async () => {
  const { code, stdout, stderr } = await ask('--from', '10.244.1.9', '--to', '10.96.0.10:80');
  expect([code, stderr]).toEqual([0, '']);
  expect(stdout).toBe(`TCP 10.244.1.9 -> 10.96.0.10:80, by the rules of node n2

Goes to Service port shop/web:80/TCP/IPv4, to one of 2 endpoints.

1. 10.244.1.9 is the address of a pod
2. 10.96.0.10:80/TCP is the ClusterIP of Service "shop/web"
3. One of 2 endpoints takes it
4. Endpoints see 10.244.1.9

ENDPOINT          POD          CHANCE   WHERE   SEES
10.244.0.2:8080   shop/web-a   50.0%            the client's address
10.244.0.3:8080                50.0%            the client's address
`);
});

test('a pod that another node leads back to itself is told to lose the packet', async () => {
  const asked = ['--from', '10.244.0.2', '--to', '192.0.2.2:30080'];
  const { code, stdout } = await ask(...asked, '--cluster-cidr', '10.244.0.0/16');
  expect(code).toBe(0);
  expect(stdout).toContain('10.244.0.2 is one of them, on another node: it drops what comes back from its own address');
  expect(stdout).toMatch(/^10\.244\.0\.2:8080 .* its own address, and drops it$/m);
  // Where only pods of the node count, that of another one is sent to endpoints of the node, and here are none.
  expect((await ask(...asked)).stdout).toContain('dropped');
  const own = await ask('--from', '10.244.0.2', '--to', '192.0.2.1:30080', '--node', 'n1');
  expect(own.stdout).toMatch(/^10\.244\.0\.2:8080 .* this node +the node's address$/m);
});

test('the node that is named decides', async () => {
  const at = async (node: string): Promise<{ verdict: string; endpoints: unknown[] }> => {
    const address = node === 'n1' ? '192.0.2.1' : '192.0.2.2';
    const { stdout } = await ask('--from', '198.51.100.7', '--to', `${address}:30080`, '--node', node, '-o', 'json');
    return JSON.parse(stdout) as { verdict: string; endpoints: unknown[] };
  };
  expect(await at('n1')).toMatchObject({ verdict: 'forward', endpoints: [{ local: true }, { local: true }] });
  expect(await at('n2')).toMatchObject({ verdict: 'drop', endpoints: [] });
});

test.each([
  [['--from', '10.244.0.9'], 'Only one of --from and --to is given', 2],
  [['--from', 'nobody', '--to', '10.96.0.10:80'], '"nobody" is neither an address nor a pod', 2],
  [['--from', '10.244.0.9', '--to', '10.96.0.10'], '"10.96.0.10" is no address with a port', 2],
  [['--from', '10.244.0.9', '--to', '10.96.0.10:80', '--proto', 'icmp'], '"icmp" is no protocol of Services', 2],
  [['--from', 'fd00::1', '--to', '10.96.0.10:80'], 'they are of different families', 2],
  [['--from', '10.244.0.9', '--to', '10.96.0.10:80', '--cluster-cidr', 'all'], '--cluster-cidr "all" is no range', 2],
  [['--from', 'shop/gone', '--to', '10.96.0.10:80'], 'There is no pod "shop/gone"', 1],
  [['--from', '10.244.0.9', '--to', '10.96.0.10:80', '--node', 'n3'], 'There is no node "n3"', 1],
])('%j is told as "%s"', async (args, message, exit) => {
  const { code, stderr } = await ask(...args);
  expect(stderr).toContain(message);
  expect(code).toBe(exit);
});

test('what is left out for the silence of its node is named, by the last word of the node that is asked', async () => {
  const said = (reason: string, host: string, lastTimestamp: string): string => `---
apiVersion: v1
kind: Event
metadata: {name: ${host}-${reason.toLowerCase()}, namespace: default}
involvedObject: {kind: Node, name: n1}
source: {component: evenkeel-speaker, host: ${host}}
reason: ${reason}
lastTimestamp: "${lastTimestamp}"
`;
  const elsewhere = '  - {addresses: [10.244.1.2], nodeName: n2}\n';
  const input = `${manifests}${elsewhere}${said('NodeSilent', 'n2', '2026-01-01T00:00:02Z')}`;
  const from = (text: string) =>
    evenkeel(['explain', '-f', '-', '--from', '10.244.1.9', '--to', '10.96.0.10:80'], { input: text });
  const { stdout, stderr } = await from(input);
  expect(stderr).toBe('');
  expect(stdout).toContain(
    '2 endpoints of node "n1" (10.244.0.2:8080, 10.244.0.3:8080) are left out: the node is silent',
  );
  expect(stdout).toContain('to one of 1 endpoint.');
  const heard = await from(input + said('NodeHeard', 'n2', '2026-01-01T00:00:03Z'));
  expect(heard.stdout).toContain('to one of 3 endpoints.');
  const others = await from(`${manifests}${elsewhere}${said('NodeSilent', 'n3', '2026-01-01T00:00:02Z')}`);
  expect(others.stdout).toContain('to one of 3 endpoints.');
});
