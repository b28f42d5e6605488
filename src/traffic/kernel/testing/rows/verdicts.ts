// Rows on what becomes of a connection: each kind of address, each policy, each kind of client, in one family.
// The tracer says what should happen; here are only the situations.
import { expect } from 'vitest';
import type { Family } from '#lib/ip.ts';
import type { L4ServicePort } from '#traffic/model/l4/service-port.ts';
import { addressOf, clusterIP, externalIP, hostPort, labNode, outsideClient } from '../lab-layout.ts';
import { endpointAt, fromAll, gone, leaving, repeat, type Scene, twice } from './scene.ts';

export function verdictRows(scene: Scene, family: Family): void {
  const everywhere = (['p1', 'p2', 'p3'] as const).map((place) => endpointAt(family, place));
  const onlyFar = [endpointAt(family, 'p3')];
  const virtual = clusterIP(family, 10);
  const balancer = externalIP(family, 10);
  const external = externalIP(family, 11);
  const node = addressOf.n1[family];
  /** A Service with every kind of address. */
  const web = (facts: Partial<L4ServicePort>): L4ServicePort[] =>
    twice(family, { nodePort: 30_080, loadBalancerIPs: [balancer], externalIPs: [external], ...facts });
  const everyFront = [...fromAll(virtual), ...fromAll(node, 30_080), ...fromAll(balancer), ...fromAll(external)];

  scene.row('every kind of address leads every client to every endpoint', async () => {
    const driver = await scene.begin(web({ endpoints: everywhere }));
    await driver.expectAsTraced(everyFront);
    for (const to of [virtual, external]) {
      const compared = await driver.expectAsTraced(repeat(60, { at: 'outside', protocol: 'TCP', to, port: 80 }));
      const asked = new Set(compared.map(({ result }) => (result.kind === 'answered' ? result.by : result.kind)));
      expect([...asked].sort()).toEqual(['p1:8080', 'p2:8080', 'p3:8080']);
    }
  });

  scene.row('node ports are served on the addresses that are said, and on no other', async () => {
    const driver = await scene.begin(web({ endpoints: everywhere }));
    await driver.expectAsTraced([
      ...fromAll(addressOf.n1Uplink[family], 30_080),
      ...fromAll(addressOf.n1Pods[family], 30_080),
    ]);
    await driver.expectAsTraced(fromAll(node, hostPort));
  });

  scene.row("an endpoint in the node's own network is reached", async () => {
    const driver = await scene.begin(web({ endpoints: [endpointAt(family, 'n1', { port: hostPort })] }));
    await driver.expectAsTraced(everyFront);
  });

  scene.row('internal policy Local: endpoints of the node, or nobody', async () => {
    const driver = await scene.begin(web({ internalLocal: true, endpoints: everywhere }));
    await driver.expectAsTraced([...everyFront, ...fromAll(virtual)]);
    await driver.set(...web({ internalLocal: true, endpoints: onlyFar }));
    await driver.expectAsTraced(everyFront);
  });

  scene.row(
    'external policy Local: keeps the source and the node, with a short way for pods and the node itself',
    async () => {
      const driver = await scene.begin(web({ externalLocal: true, endpoints: everywhere }));
      await driver.expectAsTraced([...everyFront, ...everyFront]);
      await driver.set(...web({ externalLocal: true, endpoints: onlyFar }));
      await driver.expectAsTraced(everyFront);
      await driver.set(...web({ externalLocal: true, internalLocal: true, endpoints: onlyFar }));
      await driver.expectAsTraced(everyFront);
    },
  );

  scene.row('masquerades whom the node is told to', async () => {
    const driver = await scene.begin(web({ endpoints: everywhere }), labNode({ masqueradeAll: true }));
    await driver.expectAsTraced(everyFront);
    await driver.setNode(labNode({ podRanges: [] }));
    await driver.expectAsTraced(everyFront);
    await driver.setNode(labNode());
    await driver.expectAsTraced(everyFront);
  });

  scene.row('an endpoint reaches itself, as the node', async () => {
    for (const place of ['p1', 'p3'] as const) {
      const driver = await scene.begin(web({ endpoints: [endpointAt(family, place)] }));
      await driver.expectAsTraced(everyFront);
      await driver.set(...web({ externalLocal: true, endpoints: [endpointAt(family, place)] }));
      await driver.expectAsTraced(everyFront);
      await driver.close();
      scene.forget(driver);
    }
  });

  scene.row('source ranges hold for load-balancer addresses alone', async () => {
    const v4 = family === 'IPv4';
    const few = v4 ? '198.51.100.0/28' : '2001:db8:9::/124';
    const nodes = v4 ? '192.0.2.0/24' : '2001:db8:1::/64';
    const strangers = [200, 14, 16].map((number) => outsideClient(family, number));
    const probes = [
      ...everyFront,
      ...strangers.flatMap((from) => fromAll(balancer, 80, ['outside']).map((probe) => ({ ...probe, from }))),
    ];
    const driver = await scene.begin(web({ loadBalancerSources: [few], endpoints: everywhere }));
    await driver.expectAsTraced(probes);
    await driver.set(...web({ loadBalancerSources: [nodes, few], externalLocal: true, endpoints: everywhere }));
    await driver.expectAsTraced(probes);
    await driver.set(...web({ loadBalancerSources: [`${addressOf.p1[family]}/${v4 ? 32 : 128}`], endpoints: [] }));
    await driver.expectAsTraced(probes);
    await driver.set(...web({ endpoints: everywhere }));
    await driver.expectAsTraced(probes);
  });

  scene.row(
    'refuses ports that a ClusterIP has not, and leaves addresses of the range that nobody has without an answer',
    async () => {
      const driver = await scene.begin(web({ endpoints: everywhere }));
      const probes = [...fromAll(virtual, 81), ...fromAll(clusterIP(family, 50)), ...fromAll(external, 81)];
      await driver.expectAsTraced(probes);
      await driver.setNode(labNode({ serviceRanges: [] }));
      await driver.expectAsTraced(probes);
      await driver.setNode(labNode());
      await driver.remove(...driver.ports.map(({ name }) => name));
      await driver.expectAsTraced([...probes, ...everyFront]);
    },
  );

  scene.row('refuses at once where nobody is there, on every address', async () => {
    const driver = await scene.begin(web({ endpoints: [] }));
    await driver.expectAsTraced(everyFront);
    await driver.set(...web({ endpoints: everywhere }));
    await driver.expectAsTraced(everyFront);
    await driver.set(...web({ internalLocal: true, externalLocal: true, endpoints: [endpointAt(family, 'p1', gone)] }));
    await driver.expectAsTraced(everyFront);
  });

  scene.row('asks those that leave when nobody else is there', async () => {
    const left = [endpointAt(family, 'p1', leaving), endpointAt(family, 'p3', leaving), endpointAt(family, 'p2', gone)];
    const driver = await scene.begin(web({ endpoints: left }));
    await driver.expectAsTraced(everyFront);
    await driver.set(...web({ externalLocal: true, internalLocal: true, endpoints: left }));
    await driver.expectAsTraced(everyFront);
    await driver.set(...web({ externalLocal: true, endpoints: [...left, endpointAt(family, 'p3', { port: 8081 })] }));
    await driver.expectAsTraced(everyFront);
  });

  scene.row('stays near where every endpoint says for whom it is', async () => {
    const hints = (zone: string, of: string) => ({ hintedZones: [zone], hintedNodes: [of] });
    const [a, b, c] = [
      endpointAt(family, 'p1', hints('a', 'n1')),
      endpointAt(family, 'p2', hints('a', 'n2')),
      endpointAt(family, 'p3', hints('b', 'n2')),
    ];
    const driver = await scene.begin(web({ endpoints: [a, b, c] }));
    const probes = [...fromAll(virtual), ...fromAll(external), ...fromAll(virtual)];
    await driver.expectAsTraced(probes);
    await driver.setNode(labNode({ name: 'n3' }));
    await driver.expectAsTraced(probes);
    await driver.setNode(labNode({ name: 'n3', zone: 'b' }));
    await driver.expectAsTraced(probes);
    await driver.set(...web({ endpoints: [a, b, { ...c, hintedZones: [] }] }));
    await driver.expectAsTraced(probes);
  });

  scene.row('tells Services on one address apart by port and protocol', async () => {
    const [tcp, udp] = twice(family, { endpoints: [endpointAt(family, 'p1')], externalIPs: [external] });
    const others = twice(family, {
      portName: 'admin',
      port: 81,
      endpoints: [endpointAt(family, 'p2', { port: 8081 })],
      externalIPs: [external],
    });
    const stranger = twice(family, {
      service: 'shop/api',
      clusterIP: clusterIP(family, 11),
      port: 82,
      externalIPs: [external],
      nodePort: 30_081,
      endpoints: [endpointAt(family, 'p3', { port: 8082 })],
    });
    const probes = [80, 81, 82, 83].flatMap((port) =>
      [virtual, clusterIP(family, 11), external].flatMap((to) => fromAll(to, port)),
    );
    if (tcp === undefined || udp === undefined) throw new Error('No ports');
    const driver = await scene.begin([tcp, { ...udp, endpoints: [endpointAt(family, 'p2')] }, ...others, ...stranger]);
    await driver.expectAsTraced([...probes, ...fromAll(node, 30_081), ...fromAll(node, 30_080)]);
    await driver.remove(tcp.name);
    await driver.expectAsTraced(probes);
  });

  scene.row('one of two Services that want an address has it, and the other one takes it when that goes', async () => {
    const first = twice(family, {
      service: 'shop/a',
      externalIPs: [external],
      nodePort: 30_080,
      endpoints: everywhere.slice(0, 1),
    });
    const second = twice(family, {
      service: 'shop/b',
      clusterIP: clusterIP(family, 11),
      externalIPs: [external],
      nodePort: 30_080,
      endpoints: onlyFar,
    });
    const probes = [
      ...fromAll(external),
      ...fromAll(node, 30_080),
      ...fromAll(clusterIP(family, 11)),
      ...fromAll(virtual),
    ];
    const driver = await scene.begin(second);
    await driver.expectAsTraced(probes);
    await driver.set(...first);
    await driver.expectAsTraced(probes);
    await driver.remove(...first.map(({ name }) => name));
    await driver.expectAsTraced(probes);
  });
}
