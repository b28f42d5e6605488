// When ways to endpoints that have gone are cut, and when they are free again. That connections end is the drivers' contract.
import { expect, it } from 'vitest';
import { FakeClock } from '#lib/clock.ts';
import type { L4Endpoint, L4ServicePort } from '#traffic/model/l4/service-port.ts';
import { compilePort } from '#traffic/snapshot/rules/compile.ts';
import type { PortRules } from '#traffic/snapshot/rules/rule-model.ts';
import { l4Endpoint, l4Port, nodeFacts } from '#traffic/snapshot/rules/testing.ts';
import { TcpDrain } from './tcp-drain.ts';

const a = l4Endpoint('10.244.0.2');
const b = l4Endpoint('10.244.0.3');
const port = (endpoints: readonly L4Endpoint[], facts: Partial<L4ServicePort> = {}): PortRules =>
  compilePort(l4Port({ endpoints, drainMs: 30_000, ...facts }), nodeFacts());

class Scene {
  readonly clock = new FakeClock();
  asked = 0;
  readonly drain = new TcpDrain(this.clock, () => {
    this.asked += 1;
  });

  now(...ports: readonly PortRules[]): void {
    this.drain.note(new Map(ports.map((rules) => [rules.name, rules])));
  }

  /** Ways that are cut, shortly. */
  cut(): string[] {
    this.drain.turn();
    return this.drain.ways().map(({ address, endpoint }) => `${address} ${endpoint.address}`);
  }
}

it('cuts ways when the time-out of an endpoint that has gone is over, and not before', () => {
  const scene = new Scene();
  scene.now(port([a, b]));
  scene.now(port([a]));
  scene.clock.advance(29_999);
  expect([scene.asked, scene.cut()]).toEqual([0, []]);
  scene.clock.advance(1);
  expect(scene.asked).toBe(1);
  expect(scene.drain.turn()?.begun).toMatchObject([
    { family: 'IPv4', address: '10.96.0.10', port: 80, endpoint: { address: '10.244.0.3', port: 8080 } },
  ]);
  expect(scene.drain.turn()).toBeUndefined();
});

it('leaves alone who comes back in time, who still serves, and who is only not ready', () => {
  const scene = new Scene();
  scene.now(port([a, b]));
  scene.now(port([a]));
  scene.clock.advance(20_000);
  scene.now(port([a, { ...b, ready: false, serving: false }]));
  scene.clock.advance(60_000);
  scene.now(port([{ ...a, ready: false, terminating: true }, b]));
  scene.clock.advance(60_000);
  expect(scene.cut()).toEqual([]);
  scene.now(port([{ ...a, ready: false, serving: false, terminating: true }, b]));
  scene.clock.advance(30_000);
  expect(scene.cut()).toEqual(['10.96.0.10 10.244.0.2']);
});

it('frees a way as soon as its endpoint is back, for whichever Service', () => {
  const scene = new Scene();
  scene.now(port([a, b]));
  scene.now(port([]));
  scene.clock.advance(30_000);
  expect(scene.cut()).toHaveLength(2);
  scene.now(port([a]));
  expect(scene.drain.isDue).toBe(true);
  expect(scene.cut()).toEqual(['10.96.0.10 10.244.0.3']);
  // Another Service has the address now, and asks for nothing.
  scene.now(port([b], { service: 'shop/other', drainMs: undefined }));
  expect(scene.cut()).toEqual([]);
});

it('cuts the ways of a Service that has gone, and lets those be whose Service asks no more', () => {
  const scene = new Scene();
  const other = port([a], { service: 'shop/other', clusterIP: '10.96.0.11' });
  scene.now(port([a]), other);
  scene.drain.note(new Map([[other.name, undefined]]));
  scene.now(port([b]));
  scene.now(port([b], { drainMs: 0 }));
  scene.clock.advance(30_000);
  expect(scene.cut()).toEqual(['10.96.0.11 10.244.0.2']);
});

it('takes a time-out that has become shorter, and endpoints that went before anybody looked', () => {
  const scene = new Scene();
  scene.now(port([a]));
  scene.drain.found(new Map([[port([a]).name, new Set(['10.244.0.9 8080', '10.244.0.2 8080'])]]));
  scene.clock.advance(5_000);
  scene.now(port([a], { drainMs: 10_000 }));
  scene.clock.advance(5_000);
  expect(scene.cut()).toEqual(['10.96.0.10 10.244.0.9']);
});

it('forgets a way in the end', () => {
  const scene = new Scene();
  scene.now(port([a]));
  scene.now(port([b]));
  scene.clock.advance(30_000);
  expect(scene.cut()).toHaveLength(1);
  scene.clock.advance(600_000);
  expect(scene.drain.turn()).toMatchObject({ ways: [], begun: [], ended: [{ address: '10.96.0.10' }] });
});

it('asks for nothing once it is closed, also when something was under way', () => {
  const scene = new Scene();
  scene.now(port([a, b]));
  scene.now(port([a]));
  scene.clock.advance(30_000);
  expect(scene.asked).toBe(1);
  scene.drain.close();
  expect(scene.cut()).toHaveLength(1);
  scene.now(port([b]));
  scene.clock.advance(3_600_000);
  expect(scene.asked).toBe(1);
});
