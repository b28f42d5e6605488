// What the rows of the contract suite share: the lab, drivers that end with the test, and short words for Services.
// Asserts nothing.
import { afterEach, it } from 'vitest';
import type { Family } from '#lib/ip.ts';
import type { L4Endpoint, L4ServicePort } from '#traffic/model/l4/service-port.ts';
import type { NodeFacts } from '#traffic/snapshot/rules/node-facts.ts';
import { l4Endpoint, l4Port } from '#traffic/snapshot/rules/testing.ts';
import { type DriverSetup, DriverUnderTest, type Feature } from '../driver-under-test.ts';
import { addressOf, clusterIP, labNode, type Place } from '../lab-layout.ts';
import type { Probe, ServiceLab } from '../service-lab.ts';

export const protocols = ['TCP', 'UDP'] as const;
/** Whoever is somebody's client here. */
export const clients: readonly Place[] = ['p1', 'p2', 'p3', 'outside', 'n1'];
/** A row that makes some dozens of kernel transactions, on a machine that has other things to do. */
const SLOW_MS = 60_000;

export class Scene {
  readonly setup: DriverSetup;
  readonly #lab: () => ServiceLab;
  readonly #drivers: DriverUnderTest[] = [];
  /** Of an earlier row, without any Service; only where the pace says so. */
  #idle: DriverUnderTest | undefined;
  #keeps: boolean;

  constructor(setup: DriverSetup, lab: () => ServiceLab) {
    this.setup = setup;
    this.#keeps = setup.pace?.keepsDriver ?? false;
    this.#lab = lab;
    afterEach(async () => {
      await this.lab.haltStreams();
      for (const driver of this.#drivers.splice(0)) await this.#leave(driver);
    }, this.patience());
  }

  get lab(): ServiceLab {
    return this.#lab();
  }

  /** Longest time of a row, or of something in it that takes `ms` where nothing is slow. */
  patience(ms = SLOW_MS): number {
    return ms * (this.setup.pace?.slowness ?? 1);
  }

  has(feature: Feature): boolean {
    return this.setup.lacks?.[feature] === undefined;
  }

  row(name: string, test: () => Promise<void>): void {
    it(name, test, this.patience());
  }

  /** A driver of its own for this test, with these rules in force. */
  async begin(ports: readonly L4ServicePort[], node?: NodeFacts): Promise<DriverUnderTest> {
    const made = (await this.#goOn(ports, node)) ?? (await DriverUnderTest.begin(this.setup, this.lab, ports, node));
    this.#drivers.push(made);
    return made;
  }

  /** From now on nothing is there but what a row begins, and it ends with that row. */
  async end(): Promise<void> {
    this.#keeps = false;
    await this.#idle?.close();
    this.#idle = undefined;
  }

  async #leave(driver: DriverUnderTest): Promise<void> {
    if (!this.#keeps || this.#idle !== undefined) return await driver.close();
    await driver.remove(...driver.ports.map(({ name }) => name));
    this.#idle = driver;
  }

  async #goOn(ports: readonly L4ServicePort[], node = labNode()): Promise<DriverUnderTest | undefined> {
    const driver = this.#idle;
    this.#idle = undefined;
    await driver?.setNode(node);
    await driver?.set(...ports);
    return driver;
  }

  /** A driver that the test itself has closed, or that is not to be closed at all. */
  forget(driver: DriverUnderTest): void {
    this.#drivers.splice(this.#drivers.indexOf(driver), 1);
  }

  /** A row for drivers that have a feature; told, where one has it not. */
  rowOf(feature: Feature, name: string, test: () => Promise<void>): void {
    const reason = this.setup.lacks?.[feature];
    if (reason === undefined) this.row(name, test);
    else it.skip(`${name} (${reason})`);
  }
}

/** An endpoint at a pod of the lab, on its node; ready where nothing else is said. */
export function endpointAt(
  family: Family,
  place: 'n1' | 'p1' | 'p2' | 'p3',
  facts: Partial<L4Endpoint> = {},
): L4Endpoint {
  return l4Endpoint(addressOf[place][family], { node: place === 'p3' ? 'n2' : 'n1', ...facts });
}

/** Ready no more, but still serving until it ends. */
export const leaving: Partial<L4Endpoint> = { ready: false, serving: true, terminating: true };
/** Does not answer any more. */
export const gone: Partial<L4Endpoint> = { ready: false, serving: false, terminating: true };

/** A Service of port 80 in TCP and UDP. */
export function twice(family: Family, facts: Partial<L4ServicePort> = {}): L4ServicePort[] {
  return protocols.map((protocol) => l4Port({ clusterIP: clusterIP(family, 10), ...facts, family, protocol }));
}

/** From each client over each protocol. */
export function fromAll(to: string, port = 80, from: readonly Place[] = clients): Probe[] {
  return from.flatMap((at) => protocols.map((protocol): Probe => ({ at, protocol, to, port })));
}

export function repeat(times: number, probe: Probe): Probe[] {
  return Array<Probe>(times).fill(probe);
}
