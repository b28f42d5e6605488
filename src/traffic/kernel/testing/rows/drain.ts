// Rows on TCP connections whose endpoint has gone: they go on for their time-out where one is asked for, and then end.
// Clients know it by RST, or by their own kernel; a connection that is only silent has not ended.
import { expect } from 'vitest';
import type { Family } from '#lib/ip.ts';
import { eventually } from '#test/support/eventually.ts';
import type { L4Endpoint, L4ServicePort } from '#traffic/model/l4/service-port.ts';
import { addressOf, clusterIP, externalIP, type Place } from '../lab-layout.ts';
import type { LabFlow, Probe } from '../service-lab.ts';
import { endpointAt, fromAll, gone, leaving, type Scene, twice } from './scene.ts';

export function drainRows(scene: Scene, family: Family): void {
  const virtual = clusterIP(family, 10);
  const external = externalIP(family, 11);
  const node = addressOf.n1[family];
  const drainMs = 700 * (scene.setup.pace?.slowness ?? 1);
  const at = (place: 'p1' | 'p2' | 'p3', facts: Partial<L4Endpoint> = {}): L4Endpoint =>
    endpointAt(family, place, facts);
  const web = (...endpoints: readonly L4Endpoint[]): L4ServicePort[] =>
    twice(family, { nodePort: 30_080, externalIPs: [external], endpoints, drainMs });
  const ways = (clients: readonly Place[]): Probe[] =>
    clients.flatMap((client): Probe[] => [
      { at: client, protocol: 'TCP', to: virtual, port: 80 },
      { at: client, protocol: 'TCP', to: node, port: 30_080 },
      { at: client, protocol: 'TCP', to: external, port: 80 },
    ]);
  const open = async (probes: readonly Probe[], by: string): Promise<LabFlow[]> => {
    const flows = await Promise.all(probes.map(async (probe) => await scene.lab.open(probe)));
    for (const flow of flows) expect(flow.first).toMatchObject({ kind: 'answered', by });
    return flows;
  };
  const goOn = async (flows: readonly LabFlow[]): Promise<void> => {
    for (const flow of flows) expect(await flow.say()).toMatchObject({ kind: 'answered' });
  };
  const over = async ([one, ...others]: readonly LabFlow[]): Promise<void> => {
    await eventually('a connection ends', async () => expect((await one?.say())?.kind).toBe('refused'));
    for (const flow of others) expect(await flow.say()).toMatchObject({ kind: 'refused' });
  };
  const shut = async (flows: readonly LabFlow[]): Promise<void> => {
    await Promise.all(flows.map(async (flow) => await flow.shut()));
  };

  scene.rowOf('cut', 'connections to an endpoint that has gone end after their time-out, and only those', async () => {
    const driver = await scene.begin(web(at('p1')));
    const clients = ways(['p2', 'p3', 'outside', 'n1']);
    const doomed = await open(clients, 'p1:8080');
    await driver.set(...web(at('p2')));
    const safe = await open(ways(['p3', 'outside', 'n1']), 'p2:8080');
    await over(doomed);
    await goOn(safe);
    // It comes back: whoever connects anew is served by it.
    await driver.set(...web(at('p1')));
    await shut(await open(clients, 'p1:8080'));
    await over(safe);
    await shut([...doomed, ...safe]);
  });

  scene.rowOf('cut', 'connections go on while their endpoint serves, and when it comes back in time', async () => {
    const driver = await scene.begin(web(at('p1')));
    const kept = await open(ways(['p3', 'n1']), 'p1:8080');
    await driver.set(...web(at('p2')));
    await driver.set(...web({ ...at('p1'), ...leaving }, at('p2')));
    await goOn(kept);
    // Nor is one gone that is not ready.
    await driver.set(...web(at('p1', { ready: false, serving: false }), at('p2')));
    const doomed = await open(ways(['p3', 'outside']), 'p2:8080');
    await driver.set(...web(at('p1'), { ...at('p2'), ...gone }));
    // Later than the first would have ended.
    await over(doomed);
    await goOn(kept);
    await shut([...kept, ...doomed]);
  });

  scene.rowOf('cut_of_gone', 'connections of a Service that has gone end as well', async () => {
    const driver = await scene.begin(web(at('p1')));
    const flows = await open(ways(['p2', 'outside', 'n1']), 'p1:8080');
    await driver.remove(...web().map(({ name }) => name));
    await over(flows);
    await driver.set(...web(at('p1')));
    await driver.expectAsTraced([...fromAll(virtual), ...fromAll(node, 30_080)]);
    await shut(flows);
  });
}
