// Services, nodes and probes drawn at random, changed step by step: every packet is held to the tracer.
// What is drawn may be odd, but is what the rule book can be told.
import fc from 'fast-check';
import { it } from 'vitest';
import type { Family } from '#lib/ip.ts';
import type { L4Endpoint, L4ServicePort } from '#traffic/model/l4/service-port.ts';
import type { NodeFacts } from '#traffic/snapshot/rules/node-facts.ts';
import { l4Port } from '#traffic/snapshot/rules/testing.ts';
import { DriverUnderTest } from '../driver-under-test.ts';
import { addressOf, clusterIP, externalIP, families, hostPort, labNode, outsideClient } from '../lab-layout.ts';
import type { Probe } from '../service-lab.ts';
import { clients, endpointAt, gone, leaving, protocols, type Scene } from './scene.ts';

const RUNS = 6;
const STEPS = 5;
const PROBES = 45;

const family = fc.constantFrom<Family>(...families);
const protocol = fc.constantFrom(...protocols);
const externalNumber = fc.integer({ min: 10, max: 12 });
const nodePort = fc.constantFrom(0, 0, 30_080, 30_081, 30_082);

function endpoint(of: Family): fc.Arbitrary<L4Endpoint> {
  return fc
    .record({
      place: fc.constantFrom<'p1' | 'p2' | 'p3' | 'n1'>('p1', 'p1', 'p2', 'p2', 'p3', 'p3', 'n1'),
      port: fc.constantFrom(8080, 8081),
      weight: fc.integer({ min: 1, max: 3 }),
      state: fc.constantFrom({}, {}, {}, leaving, gone),
      hints: fc.constantFrom({}, {}, {}, { hintedZones: ['a'] }, { hintedZones: ['b'], hintedNodes: ['n2'] }),
    })
    .map(({ place, port, weight, state, hints }) =>
      endpointAt(of, place, { port: place === 'n1' ? hostPort : port, weight, ...state, ...hints }),
    );
}

/** A change of one of few Service ports, so that the same ones come, change and go; some of them share addresses. */
function change(of: Family): fc.Arbitrary<readonly [string, L4ServicePort | undefined]> {
  const v4 = of === 'IPv4';
  const sources = fc.constantFrom(
    undefined,
    undefined,
    v4 ? ['198.51.100.0/28'] : ['2001:db8:9::/124'],
    v4 ? ['192.0.2.0/24', '10.244.0.2/31'] : ['2001:db8:1::/64', 'fd00:10:244::2/127'],
  );
  return fc
    .record({
      number: fc.integer({ min: 0, max: 5 }),
      protocol,
      removed: fc.constantFrom(false, false, false, true),
      nodePort,
      externalIPs: fc.uniqueArray(externalNumber, { maxLength: 1 }),
      loadBalancerIPs: fc.uniqueArray(externalNumber, { maxLength: 2 }),
      loadBalancerSources: sources,
      internalLocal: fc.boolean(),
      externalLocal: fc.boolean(),
      affinitySeconds: fc.constantFrom(0, 0, 600),
      pick: fc.constantFrom('random' as const, 'source_hash' as const),
      endpoints: fc.uniqueArray(endpoint(of), { maxLength: 5, selector: ({ address, port }) => `${address} ${port}` }),
    })
    .map(({ number, removed, externalIPs, loadBalancerIPs, ...facts }) => {
      const service = number >> 1;
      const port = l4Port({
        ...facts,
        family: of,
        service: `shop/s${service}`,
        portName: `p${number & 1}`,
        clusterIP: clusterIP(of, 10 + service),
        port: 80 + (number & 1),
        externalIPs: externalIPs.map((one) => externalIP(of, one)),
        loadBalancerIPs: loadBalancerIPs.map((one) => externalIP(of, one)),
      });
      return [port.name, removed ? undefined : port] as const;
    });
}

const node: fc.Arbitrary<NodeFacts> = fc
  .record({
    zone: fc.constantFrom('a', 'b', ''),
    masqueradeAll: fc.constantFrom(false, false, true),
    hasPods: fc.constantFrom(true, true, true, false),
    hasRanges: fc.constantFrom(true, true, false),
    hasNodePorts: fc.constantFrom(true, true, true, false),
  })
  .map(({ zone, masqueradeAll, hasPods, hasRanges, hasNodePorts }) =>
    labNode({
      zone,
      masqueradeAll,
      ...(hasPods ? {} : { podRanges: [] }),
      ...(hasRanges ? {} : { serviceRanges: [] }),
      ...(hasNodePorts ? {} : { nodePortAddresses: [addressOf.n1Uplink.IPv4, addressOf.n1.IPv6] }),
    }),
  );

const probe: fc.Arbitrary<Probe> = family.chain((of) => {
  const to = (address: string, ...ports: number[]): fc.Arbitrary<{ to: string; port: number }> =>
    fc.constantFrom(...ports).map((port) => ({ to: address, port }));
  const targets = fc.oneof(
    {
      weight: 6,
      arbitrary: fc.integer({ min: 10, max: 12 }).chain((number) => to(clusterIP(of, number), 80, 81, 80, 81, 82)),
    },
    { weight: 4, arbitrary: externalNumber.chain((number) => to(externalIP(of, number), 80, 81)) },
    { weight: 4, arbitrary: to(addressOf.n1[of], 30_080, 30_081, 30_082, hostPort) },
    { weight: 1, arbitrary: to(addressOf.n1Uplink[of], 30_080, 30_081) },
    { weight: 1, arbitrary: to(clusterIP(of, 50), 80) },
    { weight: 1, arbitrary: to(addressOf.p1[of], 8080, 80) },
  );
  const from = fc.oneof(
    fc.constantFrom(...clients).map((at) => ({ at })),
    fc.constantFrom(7, 14, 16, 200).map((number) => ({ at: 'outside' as const, from: outsideClient(of, number) })),
    fc
      .constantFrom(addressOf.n1Pods[of], addressOf.n1Uplink[of])
      .map((address) => ({ at: 'n1' as const, from: address })),
  );
  return fc
    .record({ protocol, target: targets, from })
    .map(({ target, from: source, ...rest }) => ({ ...rest, ...target, ...source }));
});

const step = fc.record({
  changes: fc.array(family.chain(change), { minLength: 1, maxLength: 5 }),
  node: fc.option(node, { nil: undefined, freq: 3 }),
  probes: fc.array(probe, { minLength: PROBES, maxLength: PROBES }),
});

export function drawnRows(scene: Scene): void {
  it(
    'packets go as traced, whatever Services and nodes become',
    async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: STEPS, maxLength: STEPS }), async (steps) => {
          const driver = await DriverUnderTest.begin(scene.setup, scene.lab);
          try {
            for (const { changes, node: facts, probes } of steps) {
              if (facts !== undefined) await driver.setNode(facts);
              await driver.change(new Map(changes));
              await driver.expectAsTraced(probes);
            }
          } finally {
            await driver.close();
          }
        }),
        // What failed is made smaller for a while; what was found by then is told.
        {
          numRuns: scene.setup.pace?.draws ?? RUNS,
          interruptAfterTimeLimit: scene.patience(200_000),
          markInterruptAsFailure: true,
        },
      );
    },
    scene.patience(300_000),
  );
}
