// Every row of kube-proxy's table of outcomes, asked of the compiled rules through the tracer, in both families.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hasStaleFlows } from '#traffic/kernel/contract.ts';
import type { L4Endpoint, L4ServicePort } from '#traffic/model/l4/service-port.ts';
import type { NodeFacts } from './node-facts.ts';
import { RuleBook } from './rule-book.ts';
import { l4Endpoint, l4Port, nodeFacts } from './testing.ts';
import { type Packet, type Trace, trace } from './trace.ts';

function ask(port: Partial<L4ServicePort>, packet: Partial<Packet>, node: Partial<NodeFacts> = {}): Trace {
  const book = new RuleBook(nodeFacts(node));
  const one = l4Port(port);
  book.change(new Map([[one.name, one]]));
  return trace(book.model, { from: POD, to: '10.96.0.10', port: 80, protocol: 'TCP', ...packet });
}

const POD = '10.244.0.9';
const NODE = '192.0.2.1';
const OUTSIDE = '198.51.100.7';
const BALANCER = '203.0.113.5';
const here = l4Endpoint('10.244.0.2', { node: 'n1' });
const there = l4Endpoint('10.244.1.2', { node: 'n2' });
const gone: Partial<L4Endpoint> = { ready: false, serving: true, terminating: true };
const short = ({ verdict, endpoints }: Trace): unknown =>
  verdict === 'forward'
    ? endpoints.map(({ address, masqueraded, lost }) => `${address}${masqueraded ? ' masq' : lost ? ' lost' : ''}`)
    : verdict;

describe('a ClusterIP', () => {
  it('masquerades those who are no pods', () => {
    const port = { endpoints: [here, there] };
    expect(short(ask(port, {}))).toEqual(['10.244.0.2', '10.244.1.2']);
    expect(short(ask(port, { from: NODE }))).toEqual(['10.244.0.2 masq', '10.244.1.2 masq']);
    expect(short(ask(port, { from: OUTSIDE }))).toEqual(['10.244.0.2 masq', '10.244.1.2 masq']);
    expect(short(ask(port, {}, { masqueradeAll: true }))).toEqual(['10.244.0.2 masq', '10.244.1.2 masq']);
    expect(short(ask(port, { from: OUTSIDE }, { podRanges: [] }))).toEqual(['10.244.0.2', '10.244.1.2']);
  });

  it('masquerades a pod that reaches itself, and has one of another node lose what it gets back', () => {
    const both = { endpoints: [here, there] };
    expect(short(ask(both, { from: here.address }))).toEqual(['10.244.0.2 masq', '10.244.1.2']);
    expect(short(ask(both, { from: there.address }))).toEqual(['10.244.0.2', '10.244.1.2 lost']);
    expect(short(ask(both, { from: there.address }, { masqueradeAll: true }))).toEqual([
      '10.244.0.2 masq',
      '10.244.1.2 masq',
    ]);
  });

  it('rejects without endpoints, and drops without local ones where its policy is Local', () => {
    expect(short(ask({}, {}))).toBe('reject');
    expect(short(ask({ internalLocal: true }, {}))).toBe('reject');
    expect(short(ask({ internalLocal: true, endpoints: [there] }, {}))).toBe('drop');
    expect(short(ask({ internalLocal: true, endpoints: [here, there] }, {}))).toEqual(['10.244.0.2']);
  });

  it('rejects a port it has not, and drops an address of the range that no Service has', () => {
    expect(short(ask({ endpoints: [here] }, { port: 81 }))).toBe('reject');
    expect(short(ask({ endpoints: [here] }, { protocol: 'UDP' }))).toBe('reject');
    expect(short(ask({ endpoints: [here] }, { to: '10.96.0.11' }))).toBe('drop');
    expect(short(ask({ endpoints: [here] }, { to: '10.96.0.11' }, { serviceRanges: [] }))).toBe('pass');
    expect(short(ask({ endpoints: [here] }, { to: OUTSIDE }))).toBe('pass');
  });

  it('uses terminating endpoints only when no other is ready', () => {
    expect(short(ask({ endpoints: [here, { ...there, ...gone }] }, {}))).toEqual(['10.244.0.2']);
    expect(short(ask({ endpoints: [{ ...there, ...gone }] }, {}))).toEqual(['10.244.1.2']);
    expect(short(ask({ endpoints: [{ ...there, ...gone, serving: false }] }, {}))).toBe('reject');
    const local = { internalLocal: true, endpoints: [{ ...here, ...gone }, there] };
    expect(short(ask(local, {}))).toEqual(['10.244.0.2']);
  });
});

describe.each([
  ['a load-balancer address', { loadBalancerIPs: [BALANCER] }, { to: BALANCER }],
  ['an external IP', { externalIPs: [BALANCER] }, { to: BALANCER }],
  ['a node port', { nodePort: 30_080 }, { to: NODE, port: 30_080 }],
] as const)('%s', (_, front, packet) => {
  it('masquerades everybody where its policy is Cluster', () => {
    for (const from of [POD, NODE, OUTSIDE]) {
      expect(short(ask({ ...front, endpoints: [there] }, { ...packet, from })), from).toEqual(['10.244.1.2 masq']);
    }
    expect(short(ask(front, { ...packet, from: OUTSIDE }))).toBe('reject');
  });

  it('keeps the source where its policy is Local, and takes pods and the node to everybody', () => {
    const local = { ...front, externalLocal: true, endpoints: [here, there] };
    expect(short(ask(local, { ...packet, from: OUTSIDE }))).toEqual(['10.244.0.2']);
    expect(short(ask(local, { ...packet, from: POD }))).toEqual(['10.244.0.2', '10.244.1.2']);
    expect(short(ask(local, { ...packet, from: NODE }))).toEqual(['10.244.0.2 masq', '10.244.1.2 masq']);
    const elsewhere = { ...local, endpoints: [there] };
    expect(short(ask(elsewhere, { ...packet, from: OUTSIDE }))).toBe('drop');
    expect(short(ask(elsewhere, { ...packet, from: POD }))).toEqual(['10.244.1.2']);
    expect(short(ask(elsewhere, { ...packet, from: NODE }))).toEqual(['10.244.1.2 masq']);
    expect(short(ask({ ...local, endpoints: [] }, { ...packet, from: OUTSIDE }))).toBe('reject');
  });
});

describe('source ranges', () => {
  const port = {
    loadBalancerIPs: [BALANCER],
    externalIPs: ['203.0.113.6'],
    nodePort: 30_080,
    loadBalancerSources: ['198.51.100.0/24'],
    endpoints: [here],
  };
  it('hold for the load balancer alone', () => {
    expect(short(ask(port, { from: OUTSIDE, to: BALANCER }))).toEqual(['10.244.0.2 masq']);
    expect(short(ask(port, { from: '192.0.2.77', to: BALANCER }))).toBe('drop');
    expect(short(ask({ ...port, endpoints: [] }, { from: '192.0.2.77', to: BALANCER }))).toBe('drop');
    expect(short(ask(port, { from: '192.0.2.77', to: '203.0.113.6' }))).toEqual(['10.244.0.2 masq']);
    expect(short(ask(port, { from: '192.0.2.77', to: NODE, port: 30_080 }))).toEqual(['10.244.0.2 masq']);
  });

  it('let the balancer address itself through where they let the node through', () => {
    const withNode = { ...port, loadBalancerSources: ['192.0.2.0/30'] };
    expect(short(ask(withNode, { from: BALANCER, to: BALANCER }))).toEqual(['10.244.0.2 masq']);
    expect(short(ask(port, { from: BALANCER, to: BALANCER }))).toBe('drop');
  });
});

describe('hints', () => {
  const zones = (...forZones: string[]): Partial<L4Endpoint> => ({ hintedZones: forZones });
  it('count when every ready endpoint has them and one means this zone', () => {
    const both = [l4Endpoint('10.244.0.2', zones('a')), l4Endpoint('10.244.1.2', zones('b'))];
    expect(short(ask({ endpoints: both }, {}))).toEqual(['10.244.0.2']);
    expect(short(ask({ endpoints: both }, {}, { zone: 'c' }))).toHaveLength(2);
    expect(short(ask({ endpoints: [...both, l4Endpoint('10.244.2.2')] }, {}))).toHaveLength(3);
    const starting = l4Endpoint('10.244.2.2', { ready: false, serving: false });
    expect(short(ask({ endpoints: [...both, starting] }, {}))).toEqual(['10.244.0.2']);
  });

  it('of nodes go before those of zones', () => {
    const near = l4Endpoint('10.244.0.2', { ...zones('a'), hintedNodes: ['n1'] });
    const far = l4Endpoint('10.244.1.2', { ...zones('a'), hintedNodes: ['n2'] });
    expect(short(ask({ endpoints: [near, far] }, {}))).toEqual(['10.244.0.2']);
    expect(short(ask({ endpoints: [near, far] }, {}, { name: 'n3' }))).toHaveLength(2);
  });
});

describe('a silent node', () => {
  const third = l4Endpoint('10.244.2.2', { node: 'n3' });
  const askWith = (port: Partial<L4ServicePort>, silent: readonly string[], packet: Partial<Packet> = {}): Trace => {
    const book = new RuleBook(nodeFacts());
    const one = l4Port(port);
    book.change(new Map([[one.name, one]]));
    book.changeSilent(new Set(silent));
    return trace(book.model, { from: POD, to: '10.96.0.10', port: 80, protocol: 'TCP', ...packet });
  };

  it.each([
    ['a ClusterIP', {}, {}],
    ['a load-balancer address', { loadBalancerIPs: [BALANCER] }, { from: OUTSIDE, to: BALANCER }],
    ['a node port', { nodePort: 30_080 }, { from: OUTSIDE, to: NODE, port: 30_080 }],
  ])('is not chosen at %s, and the trace says why', (_, front, packet) => {
    const found = askWith({ ...front, endpoints: [here, there, third] }, ['n2'], packet);
    expect(found.endpoints.map(({ address }) => address)).toEqual(['10.244.0.2', '10.244.2.2']);
    expect(found.steps).toContain('An endpoint of node "n2" (10.244.1.2:8080) is left out: the node is silent');
  });

  it('is chosen when nobody else is left', () => {
    const all = askWith({ endpoints: [there, third] }, ['n2', 'n3']);
    expect(short(all)).toEqual(['10.244.1.2', '10.244.2.2']);
    expect(all.steps.join()).not.toContain('silent');
    expect(short(askWith({ endpoints: [there, { ...third, ready: false, serving: false }] }, ['n2']))).toEqual([
      '10.244.1.2',
    ]);
  });

  it('comes after those that are about to leave elsewhere', () => {
    expect(short(askWith({ endpoints: [there, { ...third, ...gone }] }, ['n2']))).toEqual(['10.244.2.2']);
  });

  it('takes no hint along: whoever was meant for its zone has all others', () => {
    const near = l4Endpoint('10.244.1.2', { node: 'n2', hintedZones: ['a'] });
    const far = l4Endpoint('10.244.2.2', { node: 'n3', hintedZones: ['b'] });
    expect(short(askWith({ endpoints: [near, far] }, []))).toEqual(['10.244.1.2']);
    expect(short(askWith({ endpoints: [near, far] }, ['n2']))).toEqual(['10.244.2.2']);
  });

  it('is never the own one, and changes nothing of what is local', () => {
    expect(short(askWith({ endpoints: [here, there] }, ['n1']))).toEqual(['10.244.0.2', '10.244.1.2']);
    const local = { loadBalancerIPs: [BALANCER], externalLocal: true, endpoints: [here, there] };
    expect(short(askWith(local, ['n2'], { from: OUTSIDE, to: BALANCER }))).toEqual(['10.244.0.2']);
    expect(short(askWith({ ...local, endpoints: [there, third] }, ['n2'], { from: OUTSIDE, to: BALANCER }))).toBe(
      'drop',
    );
  });

  it('loses its UDP flows, so that clients begin anew with others', () => {
    const book = new RuleBook(nodeFacts());
    const dns = l4Port({ protocol: 'UDP', endpoints: [here, there] });
    book.change(new Map([[dns.name, dns]]));
    const before = book.model.ports.get(dns.name);
    const update = book.changeSilent(new Set(['n2']));
    expect(hasStaleFlows(before, update?.ports.get(dns.name))).toBe(true);
  });
});

describe('shares', () => {
  it('follow the weights', () => {
    const endpoints = [l4Endpoint('10.244.0.2', { weight: 300 }), l4Endpoint('10.244.0.3', { weight: 100 })];
    expect(ask({ endpoints }, {}).endpoints.map(({ chance }) => chance)).toEqual([0.75, 0.25]);
    const [first = 0, second = 0] = ask({ endpoints, pick: 'source_hash' }, {}).endpoints.map(({ chance }) => chance);
    expect(first).toBeCloseTo(0.75, 1);
    expect(first + second).toBeCloseTo(1);
  });
});

describe('the book of a node', () => {
  it('gives an address and port to the Service that is named first', () => {
    const book = new RuleBook(nodeFacts());
    const shared = { externalIPs: [BALANCER], endpoints: [here] };
    const b = l4Port({ ...shared, service: 'shop/b', clusterIP: '10.96.0.2' });
    const a = l4Port({ ...shared, service: 'shop/a', clusterIP: '10.96.0.1' });
    book.change(new Map([[b.name, b]]));
    const taken = book.change(new Map([[a.name, a]]));
    expect([...(taken?.ports.keys() ?? [])].sort()).toEqual([a.name, b.name]);
    expect(book.conflicts()).toEqual([{ front: `${BALANCER} 80 TCP`, has: a.name, wants: b.name }]);
    const to = { from: OUTSIDE, to: BALANCER, port: 80, protocol: 'TCP' as const };
    expect(trace(book.model, to).service).toBe(a.name);
    book.change(new Map([[a.name, undefined]]));
    expect(trace(book.model, to).service).toBe(b.name);
    expect(book.conflicts()).toEqual([]);
  });

  it.each([
    ['the ClusterIP', { clusterIP: '10.96.0.2' }, '10.96.0.2'],
    ['the address of the load balancer', { loadBalancerIPs: [BALANCER] }, BALANCER],
  ])('lets nobody have %s of another Service as an external address', (_what, owns, address) => {
    const book = new RuleBook(nodeFacts());
    const owner = l4Port({ service: 'shop/web', clusterIP: '10.96.0.9', endpoints: [here], ...owns });
    const thief = l4Port({ service: 'a/thief', clusterIP: '10.96.0.1', endpoints: [there], externalIPs: [address] });
    const wants = { from: OUTSIDE, to: address, port: 80, protocol: 'TCP' as const };
    book.change(new Map([[thief.name, thief]]));
    expect(trace(book.model, wants).service).toBe(thief.name);
    book.change(new Map([[owner.name, owner]]));
    expect(trace(book.model, wants).service).toBe(owner.name);
    expect(book.conflicts()).toEqual([{ front: `${address} 80 TCP`, has: owner.name, wants: thief.name }]);
  });

  it('keeps the source ranges of an address that is an external one as well', () => {
    const port = { endpoints: [here], loadBalancerIPs: [BALANCER], loadBalancerSources: ['192.0.2.0/24'] };
    const from = { from: OUTSIDE, to: BALANCER };
    expect(short(ask(port, from))).toBe('drop');
    expect(short(ask({ ...port, externalIPs: [BALANCER] }, from))).toBe('drop');
  });

  it('tells only what changed, and ends up as if everything had come at once', () => {
    const arbitrary = fc.record({
      service: fc.constantFrom('a/a', 'a/b', 'a/c'),
      port: fc.option(
        fc.record({
          externalIPs: fc.subarray([BALANCER, '203.0.113.6', '10.96.0.97']),
          nodePort: fc.constantFrom(0, 30_001, 30_002),
          endpoints: fc.subarray([here, there]),
          externalLocal: fc.boolean(),
        }),
      ),
    });
    fc.assert(
      fc.property(fc.array(arbitrary, { maxLength: 12 }), (changes) => {
        const book = new RuleBook(nodeFacts());
        const told = new Map<string, unknown>();
        const last = new Map<string, L4ServicePort>();
        for (const { service, port } of changes) {
          const one = l4Port({ ...port, service, clusterIP: `10.96.0.${service.charCodeAt(2)}` });
          if (port === null) last.delete(one.name);
          else last.set(one.name, one);
          const update = book.change(new Map([[one.name, port === null ? undefined : one]]));
          for (const [name, rules] of update?.ports ?? []) {
            if (rules === undefined) told.delete(name);
            else told.set(name, rules);
          }
        }
        const whole = new RuleBook(nodeFacts());
        whole.change(last);
        expect(new Map([...told].sort())).toEqual(new Map([...whole.whole().ports].sort()));
      }),
    );
  });

  it('tells of silence only what it changes, and all of it again when the node is heard', () => {
    const book = new RuleBook(nodeFacts());
    const near = l4Port({ service: 'shop/near', clusterIP: '10.96.0.1', endpoints: [here] });
    const both = l4Port({ service: 'shop/both', clusterIP: '10.96.0.2', endpoints: [here, there] });
    book.change(new Map([near, both].map((port) => [port.name, port])));
    const before = book.whole().ports;
    const silent = book.changeSilent(new Set(['n2']));
    expect([[...(silent?.ports.keys() ?? [])], silent?.node, book.leftOut]).toEqual([[both.name], undefined, 1]);
    expect(book.changeSilent(new Set(['n2']))).toBeUndefined();
    expect(book.changeSilent(new Set(['n2', 'n9']))).toBeUndefined();
    expect([...(book.changeSilent(new Set())?.ports.keys() ?? [])]).toEqual([both.name]);
    expect([book.whole().ports, book.leftOut]).toEqual([before, 0]);
  });

  it('keeps the health port out of the silence of nodes', () => {
    const book = new RuleBook(nodeFacts());
    const port = l4Port({ healthCheckNodePort: 31_000, endpoints: [here, there] });
    book.change(new Map([[port.name, port]]));
    book.changeSilent(new Set(['n1', 'n2']));
    expect(book.healthChecks()).toEqual([{ service: 'shop/web', port: 31_000, localEndpoints: 1 }]);
  });

  it('counts ready endpoints of the node for the health port', () => {
    const book = new RuleBook(nodeFacts());
    const port = l4Port({
      healthCheckNodePort: 31_000,
      endpoints: [here, there, { ...here, address: '10.244.0.3', ...gone }],
    });
    book.change(new Map([[port.name, port]]));
    expect(book.healthChecks()).toEqual([{ service: 'shop/web', port: 31_000, localEndpoints: 1 }]);
  });
});
