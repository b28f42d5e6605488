// Rows on change: under traffic, and what becomes of connections and flows that were there before.
// Everything goes through the driver's own updates; nothing is restarted.
import { expect, it } from 'vitest';
import type { Family } from '#lib/ip.ts';
import { eventually } from '#test/support/eventually.ts';
import type { L4Endpoint, L4ServicePort } from '#traffic/model/l4/service-port.ts';
import { addressOf, clusterIP, externalIP } from '../lab-layout.ts';
import type { LabStream, Probe } from '../service-lab.ts';
import { endpointAt, fromAll, gone, leaving, protocols, type Scene, twice } from './scene.ts';

/** Probes of a stream that have to be made between two changes, so that each change has some on its way. */
export async function moreOf(streams: readonly LabStream[], atLeast = 3): Promise<void> {
  const before = await Promise.all(streams.map(async (stream) => (await stream.sofar()).made));
  await eventually('the streams go on', async () => {
    const now = await Promise.all(streams.map(async (stream) => await stream.sofar()));
    if (now.some(({ failed }) => failed > 0)) return;
    for (const [at, { made }] of now.entries()) expect(made).toBeGreaterThanOrEqual((before[at] ?? 0) + atLeast);
  });
}

export async function expectNoFailure(streams: readonly LabStream[]): Promise<void> {
  const reports = await Promise.all(streams.map(async (stream) => await stream.halt()));
  const told = reports.map(({ made, failures }) => `${failures.length} of ${made} failed`).join(', ');
  for (const { made, failures } of reports) {
    expect(failures.slice(0, 5), told).toEqual([]);
    expect(made).toBeGreaterThan(0);
  }
}

export function changeRows(scene: Scene, family: Family): void {
  const virtual = clusterIP(family, 10);
  const external = externalIP(family, 11);
  const node = addressOf.n1[family];
  const all = (['p1', 'p2', 'p3'] as const).flatMap((place) =>
    [8080, 8081, 8082].map((port) => endpointAt(family, place, { port })),
  );
  const web = (endpoints: readonly L4Endpoint[], facts: Partial<L4ServicePort> = {}): L4ServicePort[] =>
    twice(family, { nodePort: 30_080, externalIPs: [external], endpoints, ...facts });
  const names = web([]).map(({ name }) => name);

  scene.row('Services come and go, one by one', async () => {
    const service = (number: number): L4ServicePort[] =>
      twice(family, {
        service: `shop/s${number}`,
        clusterIP: clusterIP(family, 20 + number),
        nodePort: 30_100 + number,
        endpoints: all.slice(number, number + 3),
      });
    const probes = [0, 1, 2, 3].flatMap((number) => [
      ...fromAll(clusterIP(family, 20 + number), 80, ['p1', 'outside']),
      ...fromAll(node, 30_100 + number, ['p3', 'outside']),
    ]);
    const driver = await scene.begin([]);
    for (const number of [0, 1, 2, 3]) {
      await driver.set(...service(number));
      await driver.expectAsTraced(probes);
    }
    await driver.remove(...service(1).map(({ name }) => name));
    await driver.expectAsTraced(probes);
    await driver.change(
      new Map([
        ...service(1).map((port) => [port.name, port] as const),
        ...service(3).map(({ name }) => [name, undefined] as const),
      ]),
    );
    await driver.expectAsTraced(probes);
  });

  scene.row('no connection fails while endpoints and other Services change', async () => {
    const driver = await scene.begin(web(all));
    const probes: Probe[] = [
      { at: 'p1', protocol: 'TCP', to: virtual, port: 80 },
      { at: 'p2', protocol: 'UDP', to: virtual, port: 80 },
      { at: 'outside', protocol: 'TCP', to: node, port: 30_080 },
      { at: 'n1', protocol: 'UDP', to: external, port: 80 },
    ];
    const streams = await Promise.all(probes.map(async (probe) => await scene.lab.stream(probe, 2)));
    for (let step = 0; step < (scene.setup.pace?.steps ?? 24); step += 1) {
      const from = (step * 5) % all.length;
      const chosen = new Set([...all, ...all].slice(from, from + 1 + (step % 7)));
      // Those that leave still serve what is on its way to them.
      const some = all.map((one) => (chosen.has(one) ? one : { ...one, ...leaving }));
      if (step % 3 === 2) {
        const other = { service: `shop/other${step % 4}`, clusterIP: clusterIP(family, 60 + (step % 4)) };
        await driver.set(...twice(family, { ...other, endpoints: some }));
      }
      await driver.set(...web(some.map((one) => (step % 4 === 3 ? { ...one, weight: 1 + (one.port % 3) } : one))));
      await moreOf(streams, 1);
    }
    await expectNoFailure(streams);
    await driver.expectAsTraced([...fromAll(virtual), ...fromAll(node, 30_080)]);
  });

  scene.row(
    'an established connection goes on when its endpoint leaves, its Service goes or the driver ends',
    async () => {
      // Translation stops for what is established, too, once nobody in a namespace translates; on a node the network of
      // its pods does.
      const staysAlone = scene.has('established');
      if (staysAlone) {
        scene.lab.sh(`nft -f - <<'END'
        table inet pod-network {
          chain leave { type nat hook postrouting priority srcnat; oifname "elsewhere" masquerade; }
        }
END`);
      }
      const driver = await scene.begin(web(all.slice(0, 1)));
      const opened = await Promise.all(
        (['p2', 'outside', 'n1'] as const).flatMap((at) =>
          [
            [virtual, 80],
            [node, 30_080],
          ].map(
            async ([to, port]) => await scene.lab.open({ at, protocol: 'TCP', to: String(to), port: Number(port) }),
          ),
        ),
      );
      const goOn = async (): Promise<void> => {
        for (const flow of opened) {
          expect(flow.first).toMatchObject({ kind: 'answered', by: 'p1:8080' });
          expect(await flow.say()).toMatchObject({ ...flow.first, ms: expect.any(Number) });
        }
      };
      await goOn();
      await driver.set(...web(all.slice(0, 1).map((one) => ({ ...one, ...leaving }))));
      await goOn();
      await driver.set(...web(all.slice(1, 2)));
      await goOn();
      await driver.set(...web([]));
      await goOn();
      if (staysAlone) {
        await driver.remove(...names);
        await goOn();
        await driver.close();
        scene.forget(driver);
        await goOn();
      }
      await Promise.all(opened.map(async (flow) => await flow.shut()));
      if (staysAlone) scene.lab.sh('nft delete table inet pod-network');
    },
  );

  scene.rowOf('stale_flows', 'a UDP flow leaves an endpoint that serves no more, and only that', async () => {
    const [first, second] = [endpointAt(family, 'p1'), endpointAt(family, 'p2')];
    const driver = await scene.begin(web([first]));
    const ways: Probe[] = [
      { at: 'p3', protocol: 'UDP', to: virtual, port: 80 },
      { at: 'outside', protocol: 'UDP', to: external, port: 80 },
      { at: 'outside', protocol: 'UDP', to: node, port: 30_080 },
      { at: 'n1', protocol: 'UDP', to: virtual, port: 80 },
    ];
    const flows = await Promise.all(ways.map(async (probe) => await scene.lab.open(probe)));
    const sayAll = async (by: string): Promise<void> => {
      for (const flow of flows) expect(await flow.say()).toMatchObject({ kind: 'answered', by });
    };
    await sayAll('p1:8080');
    // It serves as long as it leaves, and whoever has it keeps it.
    await driver.set(...web([{ ...first, ...leaving }, second]));
    await sayAll('p1:8080');
    await driver.set(...web([{ ...first, ...gone }, second]));
    await sayAll('p2:8080');
    await driver.set(...web([first, second]));
    await sayAll('p2:8080');
    await driver.set(...web([first]));
    await sayAll('p1:8080');
    await Promise.all(flows.map(async (flow) => await flow.shut()));
  });

  scene.rowOf('stale_flows', 'a UDP flow that went elsewhere before its Service was there comes to it', async () => {
    const driver = await scene.begin([]);
    const flow = await scene.lab.open({ at: 'p1', protocol: 'UDP', to: node, port: 30_080 });
    expect(flow.first.kind).toBe('refused');
    await driver.set(...web(all.slice(3, 4)));
    await eventually('the flow is answered', async () => {
      expect(await flow.say()).toMatchObject({ kind: 'answered', by: 'p2:8080' });
    });
    await flow.shut();
  });

  it.each(protocols)(
    'a Service that loses and regains its endpoints refuses in between, %s',
    async (protocol) => {
      const driver = await scene.begin(web(all));
      const probes = [...fromAll(virtual), ...fromAll(node, 30_080)].filter((probe) => probe.protocol === protocol);
      for (const endpoints of [[], all.slice(0, 1), [], all]) {
        await driver.set(...web(endpoints));
        await driver.expectAsTraced(probes);
      }
    },
    scene.patience(),
  );
}
