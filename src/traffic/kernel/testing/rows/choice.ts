// Rows on which endpoint is chosen: shares, weights, the same one for the same client, and affinity with its end.
// Bounds are six standard deviations wide: chance fails nobody's work.
import { expect, it } from 'vitest';
import type { Family } from '#lib/ip.ts';
import { eventually } from '#test/support/eventually.ts';
import type { L4Endpoint, L4ServicePort } from '#traffic/model/l4/service-port.ts';
import { type Compared, traceOf } from '../as-traced.ts';
import type { DriverUnderTest } from '../driver-under-test.ts';
import { addressOf, answererOf, clusterIP, externalIP, outsideClient } from '../lab-layout.ts';
import type { Probe } from '../service-lab.ts';
import { endpointAt, protocols, repeat, type Scene, twice } from './scene.ts';

const CLIENTS = 60;

export function choiceRows(scene: Scene, family: Family): void {
  const virtual = clusterIP(family, 10);
  const external = externalIP(family, 11);
  const node = addressOf.n1[family];
  const five = [
    endpointAt(family, 'p1'),
    endpointAt(family, 'p1', { port: 8081 }),
    endpointAt(family, 'p2'),
    endpointAt(family, 'p2', { port: 8081 }),
    endpointAt(family, 'p3'),
  ];
  const web = (endpoints: readonly L4Endpoint[], facts: Partial<L4ServicePort> = {}): L4ServicePort[] =>
    twice(family, { nodePort: 30_080, externalIPs: [external], endpoints, ...facts });
  const probesOfClients = (protocol: Probe['protocol'], to = virtual, port = 80): Probe[] =>
    Array.from({ length: CLIENTS }, (_, number) => {
      return { at: 'outside', from: outsideClient(family, number + 10), protocol, to, port };
    });

  it.each(protocols)(
    'each endpoint has its share, %s',
    async (protocol) => {
      const driver = await scene.begin(web(five.slice(0, 4)));
      await expectShares(driver, { at: 'p3', protocol, to: virtual, port: 80 });
    },
    scene.patience(),
  );

  scene.rowOf('weights', 'each endpoint has a share by its weight, also after it changed', async () => {
    const weighted = (...weights: number[]) =>
      weights.map((weight, at) => ({ ...(five[at] ?? five[0]), weight }) as L4Endpoint);
    const driver = await scene.begin(web(weighted(1, 2, 5)));
    await expectShares(driver, { at: 'outside', protocol: 'TCP', to: external, port: 80 });
    await driver.set(...web(weighted(5, 1, 2, 2)));
    await expectShares(driver, { at: 'p1', protocol: 'UDP', to: virtual, port: 80 });
    await driver.set(...web(weighted(1, 1000)));
    await expectShares(driver, { at: 'n1', protocol: 'TCP', to: node, port: 30_080 });
  });

  scene.rowOf(
    'source_hash',
    'a client has the same endpoint each time, and few have another when one leaves',
    async () => {
      let driver = await scene.begin(web(five, { pick: 'source_hash' }));
      for (const protocol of protocols) {
        const before = answers(await driver.expectAsTraced(probesOfClients(protocol)));
        expect(answers(await driver.expectAsTraced(probesOfClients(protocol)))).toEqual(before);
        expect(answers(await driver.expectAsTraced(probesOfClients(protocol, external)))).toEqual(before);
        expect(new Set(before).size).toBe(five.length);
        await driver.set(...web(five.slice(0, 4), { pick: 'source_hash' }));
        const after = answers(await driver.expectAsTraced(probesOfClients(protocol)));
        const moved = before.filter((one, at) => one !== 'p3:8080' && one !== after[at]).length;
        expect(moved).toBeLessThan(CLIENTS / 4);
        await driver.set(...web(five, { pick: 'source_hash' }));
        expect(answers(await driver.expectAsTraced(probesOfClients(protocol)))).toEqual(before);
        // Another run, as on another node or after a restart, chooses alike.
        await driver.close();
        scene.forget(driver);
        driver = await scene.begin(web(five, { pick: 'source_hash' }));
        expect(answers(await driver.expectAsTraced(probesOfClients(protocol)))).toEqual(before);
      }
    },
  );

  scene.rowOf('affinity', 'a client stays with its endpoint over every address of the Service port', async () => {
    const driver = await scene.begin(web(five, { affinitySeconds: 600 }));
    for (const protocol of protocols) {
      const first = answers(await driver.expectAsTraced(probesOfClients(protocol)));
      expect(new Set(first).size).toBe(five.length);
      for (const [to, port] of [
        [virtual, 80],
        [external, 80],
        [node, 30_080],
      ] as const) {
        expect(answers(await driver.expectAsTraced(probesOfClients(protocol, to, port)))).toEqual(first);
      }
      // Only those whose endpoint left go to others, and they stay there when it comes back.
      await driver.set(...web(five.slice(1), { affinitySeconds: 600 }));
      const second = answers(await driver.expectAsTraced(probesOfClients(protocol)));
      for (const [at, one] of first.entries()) {
        if (one !== 'p1:8080') expect(second[at]).toBe(one);
      }
      await driver.set(...web(five, { affinitySeconds: 600 }));
      expect(answers(await driver.expectAsTraced(probesOfClients(protocol)))).toEqual(second);
    }
  });

  scene.rowOf('affinity_ends', 'a client is free again after the time of its affinity', async () => {
    const driver = await scene.begin(web(five, { affinitySeconds: 1 }));
    const before = answers(await driver.expectAsTraced(probesOfClients('TCP')));
    await eventually('clients went to other endpoints', async () => {
      // Each connection begins the time anew, so that they have to keep away for longer than it.
      await new Promise((resolve) => setTimeout(resolve, 1500));
      const after = answers(await driver.expectAsTraced(probesOfClients('TCP')));
      expect(after.filter((one, at) => one !== before[at]).length).toBeGreaterThan(CLIENTS / 4);
    });
  });

  scene.rowOf('affinity', 'affinity can be switched on and off, and survives other changes', async () => {
    const driver = await scene.begin(web(five));
    await driver.set(...web(five, { affinitySeconds: 600 }));
    const first = answers(await driver.expectAsTraced(probesOfClients('TCP')));
    await driver.set(
      ...web([...five, endpointAt(family, 'p3', { port: 8081 })], { affinitySeconds: 600, nodePort: 0 }),
    );
    expect(answers(await driver.expectAsTraced(probesOfClients('TCP')))).toEqual(first);
    await driver.set(...web(five));
    const later = answers(await driver.expectAsTraced(probesOfClients('TCP')));
    expect(later.filter((one, at) => one !== first[at]).length).toBeGreaterThan(CLIENTS / 4);
  });
}

async function expectShares(driver: DriverUnderTest, probe: Probe): Promise<void> {
  const times = 400;
  const { endpoints } = traceOf(driver.model, probe);
  const compared: Compared[] = [];
  for (let made = 0; made < times; made += 200) compared.push(...(await driver.expectAsTraced(repeat(200, probe))));
  const found = answers(compared);
  for (const { address, port, chance } of endpoints) {
    const name = `${answererOf(address, port, probe.protocol)}:${port}`;
    const count = found.filter((one) => one === name).length;
    const slack = 6 * Math.sqrt(times * chance * (1 - chance)) + 1;
    expect(Math.abs(count - times * chance), `${name} took ${count} of ${times}, wanted ${chance}`).toBeLessThan(slack);
  }
}

function answers(compared: readonly Compared[]): string[] {
  return compared.map(({ result }) => (result.kind === 'answered' ? result.by : result.kind));
}
