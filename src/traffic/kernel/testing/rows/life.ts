// Rows on the life of a driver: repair, end, the next run that takes over, and what belongs to others.
// Both families at once, for a driver has both in its hands.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import type { L4ServicePort } from '#traffic/model/l4/service-port.ts';
import { addressOf, clusterIP, externalIP, families, hostPort } from '../lab-layout.ts';
import type { LabStream, Probe } from '../service-lab.ts';
import { expectNoFailure, moreOf } from './changes.ts';
import { endpointAt, fromAll, type Scene, twice } from './scene.ts';

const DRIVER_PROCESS = fileURLToPath(new URL('../driver-process.ts', import.meta.url));

/** Of another tool: a translation, and something that it throws away. */
const FOREIGN = `
table inet foreign-tool {
  set ports {
    type inet_service
    elements = { 6666 }
  }
  chain before {
    type nat hook prerouting priority dstnat; policy accept;
    tcp dport 7777 dnat ip to ${addressOf.n1.IPv4}:${hostPort} comment "of another tool"
  }
  chain through {
    type filter hook forward priority filter; policy accept;
    tcp dport @ports drop
  }
}`;

export function lifeRows(scene: Scene): void {
  const services = (): L4ServicePort[] =>
    families.flatMap((family) => [
      ...twice(family, {
        nodePort: 30_080,
        externalIPs: [externalIP(family, 11)],
        loadBalancerIPs: [externalIP(family, 10)],
        loadBalancerSources: [family === 'IPv4' ? '198.51.100.0/28' : '2001:db8:9::/124'],
        endpoints: [endpointAt(family, 'p1'), endpointAt(family, 'p3')],
      }),
      ...twice(family, { service: 'shop/none', clusterIP: clusterIP(family, 11), nodePort: 30_081 }),
      ...twice(family, {
        service: 'shop/sticky',
        clusterIP: clusterIP(family, 12),
        affinitySeconds: 600,
        internalLocal: true,
        endpoints: [endpointAt(family, 'p2')],
      }),
    ]);
  const probes = families.flatMap((family) => [
    ...[10, 11, 12, 50].flatMap((number) => fromAll(clusterIP(family, number))),
    ...[10, 11].flatMap((number) => fromAll(externalIP(family, number))),
    ...[30_080, 30_081].flatMap((port) => fromAll(addressOf.n1[family], port)),
  ]);
  const streams = async (): Promise<LabStream[]> => {
    const ways = families.flatMap((family): Probe[] => [
      { at: 'p2', protocol: 'TCP', to: clusterIP(family, 10), port: 80 },
      { at: 'outside', protocol: 'UDP', to: addressOf.n1[family], port: 30_080 },
    ]);
    return await Promise.all(ways.map(async (probe) => await scene.lab.stream(probe, 2)));
  };

  scene.row('finds nothing to repair where nobody did anything, and repairs what somebody did', async () => {
    const driver = await scene.begin(services());
    expect(await driver.driver.verify()).toEqual({ restored: 0, removed: 0 });
    await driver.expectAsTraced(probes);
    scene.setup.sabotage(scene.lab.node, scene.lab.id);
    const { restored, removed } = await driver.driver.verify();
    expect(restored).toBeGreaterThan(0);
    expect(removed).toBeGreaterThan(0);
    await driver.expectAsTraced(probes);
    expect(await driver.driver.verify()).toEqual({ restored: 0, removed: 0 });
    // It goes on from what was repaired.
    await driver.set(...twice('IPv4', { endpoints: [endpointAt('IPv4', 'p2')] }));
    await driver.expectAsTraced(probes);
  });

  // Node.js has no sockets of SCTP, so that its packets are not tried here: rules alone.
  scene.row('takes rules of SCTP, and others are as they were', async () => {
    const sctp = families.flatMap((family) =>
      twice(family, { nodePort: 30_080, affinitySeconds: 60, endpoints: [endpointAt(family, 'p1')] }).slice(0, 1),
    );
    const driver = await scene.begin([
      ...services(),
      ...sctp.map((port): L4ServicePort => {
        return { ...port, name: port.name.replace('/TCP/', '/SCTP/'), protocol: 'SCTP' };
      }),
    ]);
    expect(await driver.driver.verify()).toEqual({ restored: 0, removed: 0 });
    await driver.expectAsTraced(probes);
  });

  scene.row('leaves nothing when it ends', async () => {
    const before = inventory(scene);
    const driver = await scene.begin(services());
    await driver.expectAsTraced(probes);
    await driver.close();
    scene.forget(driver);
    expect(inventory(scene)).toEqual(before);
    expect(driver.warnings).toEqual([]);
  });

  scene.rowOf('keep', 'goes on serving when told to stay, and the next run takes over without a failure', async () => {
    const before = inventory(scene);
    const first = await scene.begin([
      ...services(),
      ...twice('IPv4', { service: 'shop/old', clusterIP: '10.96.0.13' }),
    ]);
    const running = await streams();
    await moreOf(running);
    await first.close(true);
    scene.forget(first);
    await moreOf(running);
    await first.expectAsTraced(probes);
    const second = await scene.begin(services());
    await moreOf(running);
    await second.expectAsTraced([...probes, ...fromAll('10.96.0.13')]);
    await second.set(...twice('IPv4', { endpoints: [endpointAt('IPv4', 'p2')], nodePort: 30_080 }));
    await second.expectAsTraced(probes);
    await moreOf(running);
    await expectNoFailure(running);
    await second.close();
    scene.forget(second);
    expect(inventory(scene)).toEqual(before);
  });

  const { program } = scene.setup;
  if (program !== undefined) {
    scene.rowOf('takeover', 'takes over from a run that was killed, in the middle of a change, too', async () => {
      const before = inventory(scene);
      for (const kill of ['begun', 'applied']) {
        const argv = [program.module, program.create, scene.lab.node, scene.lab.id];
        const child = fork(DRIVER_PROCESS, argv, { serialization: 'advanced', execArgv: [] });
        await once(child, 'message');
        const model = await scene.begin(services());
        await model.close();
        scene.forget(model);
        child.send(model.whole());
        for (;;) {
          const [said] = (await once(child, 'message')) as [unknown];
          expect(['begun', 'applied']).toContain(said);
          if (said === kill) break;
        }
        const running = kill === 'applied' ? await streams() : [];
        await moreOf(running);
        const ended = once(child, 'exit');
        child.kill('SIGKILL');
        await ended;
        await moreOf(running);
        const next = await scene.begin(services());
        await next.expectAsTraced(probes);
        await moreOf(running);
        await expectNoFailure(running);
        expect(await next.driver.verify()).toEqual({ restored: 0, removed: 0 });
        await next.close();
        scene.forget(next);
        expect(inventory(scene)).toEqual(before);
      }
    });
  }

  scene.rowOf('foreign_tables', 'does not touch what is of another tool', async () => {
    scene.lab.sh(`nft -f - <<'END'\n${FOREIGN}\nEND`);
    try {
      const list = (): string => scene.lab.sh('nft -a list table inet foreign-tool');
      const before = list();
      const redirected: Probe = { at: 'outside', protocol: 'TCP', to: addressOf.n1.IPv4, port: 7777 };
      const driver = await scene.begin(services());
      await driver.expectAsTraced(probes);
      expect(await scene.lab.probe([redirected])).toMatchObject([{ kind: 'answered', by: `n1:${hostPort}` }]);
      scene.setup.sabotage(scene.lab.node, scene.lab.id);
      await driver.driver.verify();
      await driver.set(...twice('IPv6', { endpoints: [] }));
      expect(list()).toBe(before);
      await driver.close();
      scene.forget(driver);
      expect(list()).toBe(before);
      expect(await scene.lab.probe([redirected])).toMatchObject([{ kind: 'answered', by: `n1:${hostPort}` }]);
    } finally {
      scene.lab.sh('nft delete table inet foreign-tool');
    }
  });
}

/** Everything of the node's network that a driver could leave behind. */
function inventory({ lab, setup }: Scene): Readonly<Record<string, readonly string[]>> {
  const lines = (script: string): string[] =>
    lab
      .sh(script)
      .split('\n')
      .filter((line) => line !== '');
  return {
    links: lines("ip -o link | sed 's/^[0-9]*: //; s/[@:].*//'").sort(),
    addresses: lines("ip -o addr show scope global | awk '{ print $2, $4 }'"),
    routes: lines('ip route show table all; ip -6 route show table all').map((line) => line.trim()),
    rules: lines('ip rule; ip -6 rule'),
    tables: lines('if command -v nft >/dev/null; then nft list ruleset; fi'),
    own: setup.inventory?.(lab.node) ?? [],
  };
}
