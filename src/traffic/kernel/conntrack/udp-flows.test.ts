// Which flows are stale, by lines as conntrack prints them; that they end is the drivers' contract.
import { expect, it } from 'vitest';
import { compilePort } from '#traffic/snapshot/rules/compile.ts';
import { l4Endpoint, l4Port, nodeFacts } from '#traffic/snapshot/rules/testing.ts';
import { type Flow, parseFlow } from './conntrack.ts';
import { staleFlows } from './udp-flows.ts';

const line = (to: string, reply: string): string => {
  const [address, port] = to.split(' ');
  const [from, fromPort] = reply.split(' ');
  return `udp      17 25 src=10.244.0.9 dst=${address} sport=41234 dport=${port} src=${from} dst=10.244.0.9 sport=${fromPort} dport=41234 mark=0 use=1`;
};
const flow = (to: string, reply: string): Flow => {
  const found = parseFlow(line(to, reply));
  if (found === undefined) throw new Error(`No flow: ${to}`);
  return found;
};

it('reads lines of either family, answered or not', () => {
  expect(flow('10.96.0.10 53', '10.244.0.2 5353')).toEqual({
    source: '10.244.0.9',
    sourcePort: 41_234,
    destination: '10.96.0.10',
    destinationPort: 53,
    replySource: '10.244.0.2',
    replySourcePort: 5353,
  });
  const six =
    'udp      17 29 src=fd00:0:0:0:0:0:0:9 dst=fd00:10:96::10 sport=1 dport=53 [UNREPLIED] src=fd00:10:244::2 dst=fd00::9 sport=53 dport=1 [OFFLOAD] mark=0';
  expect(parseFlow(six)).toMatchObject({ source: 'fd00::9', replySource: 'fd00:10:244::2' });
  for (const wrong of ['', 'conntrack v1.4.7 (conntrack-tools): 3 flow entries have been shown.', 'udp src=a dst=b']) {
    expect(parseFlow(wrong)).toBeUndefined();
  }
});

it('are stale when their Service serves, and not by them', () => {
  const ports = (endpoints: string[]) => [
    compilePort(
      l4Port({
        protocol: 'UDP',
        port: 53,
        nodePort: 30_053,
        loadBalancerIPs: ['203.0.113.5'],
        endpoints: endpoints.map((address) => l4Endpoint(address, { port: 5353 })),
      }),
      nodeFacts(),
    ),
  ];
  const alive = flow('10.96.0.10 53', '10.244.0.2 5353');
  const gone = flow('10.96.0.10 53', '10.244.0.3 5353');
  const byNodePort = flow('198.51.100.77 30053', '10.244.0.3 5353');
  const byBalancer = flow('203.0.113.5 53', '10.244.0.3 5353');
  const older = flow('10.96.0.10 53', '10.96.0.10 53');
  const others = [flow('10.96.0.10 54', '10.244.0.3 5353'), flow('198.51.100.77 30053', '198.51.100.77 30053')];
  const all = [alive, gone, byNodePort, byBalancer, older, ...others];
  expect(staleFlows(all, ports(['10.244.0.2']))).toEqual([gone, byNodePort, byBalancer, older]);
  expect(staleFlows(all, ports([]))).toEqual([]);
});
