// A proxy that starts: what the driver is told first, and when. The driver of this test writes down what it is told.
import { expect, it } from 'vitest';
import { FakeClock } from '#lib/clock.ts';
import { silentLogger } from '#lib/log.ts';
import type { L4Driver } from '#traffic/kernel/contract.ts';
import { KeptPorts } from '#traffic/snapshot/rules/port-sources.ts';
import type { RuleUpdate } from '#traffic/snapshot/rules/rule-model.ts';
import { l4Endpoint, l4Port, nodeFacts } from '#traffic/snapshot/rules/testing.ts';
import { ProxyMetrics } from './metrics.ts';
import { ServiceProxy } from './service-proxy.ts';

it('leaves what an earlier run left in force until it knows what Services there are', async () => {
  const told: RuleUpdate[] = [];
  const driver: Pick<L4Driver, 'name' | 'apply' | 'cut' | 'verify' | 'close'> = {
    name: 'nftables',
    apply: (update) => Promise.resolve(void told.push(update)),
    cut: () => Promise.resolve(),
    verify: () => Promise.resolve({ restored: 0, removed: 0 }),
    close: () => Promise.resolve(),
  };
  const sources = new KeptPorts();
  const proxy = new ServiceProxy({
    driver: driver as L4Driver,
    sources,
    node: nodeFacts(),
    flows: undefined,
    tcp: undefined,
    metrics: new ProxyMetrics('nftables', 'n1'),
    onHealthChecks: () => undefined,
    onConflict: () => undefined,
    onCompiled: () => undefined,
    verifyMs: 60_000,
    clock: new FakeClock(),
    log: silentLogger,
  });
  const moved = nodeFacts({ zone: 'b' });
  proxy.changeNode(moved);
  await proxy.settled();
  expect(told).toEqual([]);
  const web = l4Port({ endpoints: [l4Endpoint('10.244.0.2')] });
  sources.note(web.name, web);
  proxy.publish([web.name], undefined);
  await proxy.settled();
  expect(told.map(({ node, ports }) => [node, [...ports.keys()]])).toEqual([[moved, [web.name]]]);
  await proxy.close(false);
});

it('tells once of a Service whose address another one has', async () => {
  const driver: Pick<L4Driver, 'name' | 'apply' | 'cut' | 'verify' | 'close'> = {
    name: 'nftables',
    apply: () => Promise.resolve(),
    cut: () => Promise.resolve(),
    verify: () => Promise.resolve({ restored: 0, removed: 0 }),
    close: () => Promise.resolve(),
  };
  const told: (readonly [service: string, message: string])[] = [];
  const sources = new KeptPorts();
  const proxy = new ServiceProxy({
    driver: driver as L4Driver,
    sources,
    node: nodeFacts(),
    flows: undefined,
    tcp: undefined,
    metrics: new ProxyMetrics('nftables', 'n1'),
    onHealthChecks: () => undefined,
    onConflict: (...conflict) => told.push(conflict),
    onCompiled: () => undefined,
    verifyMs: 60_000,
    clock: new FakeClock(),
    log: silentLogger,
  });
  const shared = { externalIPs: ['198.18.0.1'], endpoints: [l4Endpoint('10.244.0.2')] };
  const has = l4Port({ ...shared, service: 'shop/a', clusterIP: '10.96.0.1' });
  const wants = l4Port({ ...shared, service: 'shop/b', clusterIP: '10.96.0.2' });
  for (const port of [has, wants]) sources.note(port.name, port);
  proxy.publish([has.name, wants.name], undefined);
  await proxy.settled();
  proxy.publish([wants.name], undefined);
  await proxy.settled();
  expect(told).toEqual([
    [
      'shop/b',
      expect.stringMatching(/^"shop\/a.*" has 198\.18\.0\.1:80\/TCP, so "shop\/b.*" is not served there; give one/),
    ],
  ]);
  await proxy.close(false);
});
