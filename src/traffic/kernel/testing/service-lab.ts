// A node with pods, another node, a client outside and the rest of the world, each a network namespace of its own,
// with an agent in each that answers and probes. Knows packets; what should become of them is the test's matter.
import { spawnSync } from 'node:child_process';
import { familyOf } from '#lib/ip.ts';
import { kernelAllows } from '#test/support/kernel.ts';
import { Agent } from './agent.ts';
import type { ProbeOrder, ProbeResult, Served, StreamReport } from './agent-words.ts';
import { addressOf, families, hostPort, type Place, places, podPorts, worldAddress, worldPorts } from './lab-layout.ts';
import { makeNamespaces, netnsPath, removeNamespaces, sh, sweepNamespaces } from './lab-namespaces.ts';

/** How long nobody answers until that is believed. Spent only where silence is expected. */
export const SILENCE_MS = 400;
/** How long an answer may take that is expected: a machine with much to do is no fault of the driver. */
export const PATIENCE_MS = 10_000;
/** In streams of probes, where each failure is told. */
const STREAM_PATIENCE_MS = 4_000;

export interface LabOptions {
  /** Folder of the control group for the agent of a place, where it is to be in one of its own. */
  readonly groupOf?: ((lab: string, place: Place) => string | undefined) | undefined;
  readonly slowness?: number | undefined;
  /** Milliseconds between two probes of a stream. */
  readonly streamPause?: number | undefined;
}

export interface Probe {
  readonly at: Place;
  /** Source address; that of the place when left out. */
  readonly from?: string;
  readonly protocol: 'TCP' | 'UDP';
  readonly to: string;
  readonly port: number;
}

/** Whether network namespaces can be made here, with what drivers need in them. */
export function serviceLabAllowed(wanted: string, tools: readonly string[] = []): boolean {
  const missing = ['ip', 'nsenter', ...tools].find(
    (tool) => spawnSync('sh', ['-c', `command -v ${tool}`]).status !== 0,
  );
  const obstacle =
    process.getuid?.() !== 0
      ? 'this is not root'
      : missing !== undefined
        ? `${missing} is not installed`
        : spawnSync('sh', ['-c', 'unshare --net true']).status === 0
          ? undefined
          : 'network namespaces cannot be made';
  return kernelAllows(obstacle, wanted);
}

/** Begins the names of all that labs make; the id of the process follows. */
export const LAB = 'ekl4';
let labs = 0;

export class ServiceLab {
  /** Unique on the machine; also a good owner of what a driver makes. */
  readonly id: string;
  /** Path of the namespace of the node under test. */
  readonly node: string;
  readonly #agents = new Map<Place, Agent>();
  /** Places whose clients are in a control group of their own. */
  readonly #grouped = new Set<Place>();
  readonly #streams = new Set<LabStream>();
  readonly #slowness: number;
  readonly #streamPause: number;
  #flows = 0;

  private constructor(id: string, { slowness = 1, streamPause = 0 }: LabOptions) {
    this.id = id;
    this.#slowness = slowness;
    this.#streamPause = streamPause;
    this.node = netnsPath(id, 'n1');
  }

  static async make(options: LabOptions = {}): Promise<ServiceLab> {
    sweepNamespaces(LAB);
    const lab = new ServiceLab(`${LAB}-${process.pid}-${labs++}`, options);
    try {
      makeNamespaces(lab.id);
      for (const place of places) {
        const group = options.groupOf?.(lab.id, place);
        if (group !== undefined) lab.#grouped.add(place);
        lab.#agents.set(place, new Agent(place, netnsPath(lab.id, place), group));
      }
      await Promise.all(places.map((place) => lab.#agent(place).tell({ do: 'serve', served: servedAt(place) })));
      return lab;
    } catch (error) {
      await lab.close();
      throw error;
    }
  }

  /** Whether a driver that serves sockets has those of this place. */
  servesSocketsAt(place: Place): boolean {
    return this.#grouped.has(place);
  }

  /** A script in the namespace of the node; what it printed. */
  sh(script: string): string {
    return sh(script, this.node);
  }

  /** All at once, in the order given. `expectSilence`: those that nobody should answer. */
  async probe(probes: readonly Probe[], expectSilence?: (at: number) => boolean): Promise<ProbeResult[]> {
    const results = Array<ProbeResult | undefined>(probes.length).fill(undefined);
    await Promise.all(
      places.map(async (place) => {
        const own = probes.map((probe, at) => ({ probe, at })).filter(({ probe }) => probe.at === place);
        if (own.length === 0) return;
        const orders = own.map(({ probe, at }) =>
          orderOf(probe, expectSilence?.(at) === true ? SILENCE_MS : PATIENCE_MS * this.#slowness),
        );
        const found = await this.#agent(place).tell({ do: 'probe', probes: orders });
        for (const [place, result] of found.entries()) results[own[place]?.at ?? -1] = result;
      }),
    );
    return results.map((result) => result ?? { kind: 'silent', why: 'not probed', ms: 0 });
  }

  /** A connection or flow that stays until it is shut. */
  async open(probe: Probe): Promise<LabFlow> {
    const name = `flow-${this.#flows++}`;
    const agent = this.#agent(probe.at);
    const first = await agent.tell({ do: 'open', name, probe: orderOf(probe, PATIENCE_MS * this.#slowness) });
    return {
      first,
      say: async (patience = PATIENCE_MS * this.#slowness) => await agent.tell({ do: 'say', name, patience }),
      shut: async () => {
        await agent.tell({ do: 'shut', name });
      },
    };
  }

  /** Probes without an end, `lanes` at a time, until halted. */
  async stream(probe: Probe, lanes = 4): Promise<LabStream> {
    const name = `stream-${this.#flows++}`;
    const agent = this.#agent(probe.at);
    const order = orderOf(probe, STREAM_PATIENCE_MS * this.#slowness);
    await agent.tell({ do: 'stream', name, probe: order, lanes, pause: this.#streamPause });
    const stream: LabStream = {
      sofar: async () => await agent.tell({ do: 'streamed', name }),
      halt: async () => {
        this.#streams.delete(stream);
        return await agent.tell({ do: 'halt', name });
      },
    };
    this.#streams.add(stream);
    return stream;
  }

  /** What a test that failed left running. */
  async haltStreams(): Promise<void> {
    await Promise.all([...this.#streams].map(async (stream) => await stream.halt()));
  }

  async close(): Promise<void> {
    await Promise.all([...this.#agents.values()].map(async (agent) => await agent.close()));
    await removeNamespaces(this.id);
  }

  #agent(place: Place): Agent {
    const agent = this.#agents.get(place);
    if (agent === undefined) throw new Error(`No agent at ${place}`);
    return agent;
  }
}

export interface LabFlow {
  readonly first: ProbeResult;
  readonly say: (patience?: number) => Promise<ProbeResult>;
  readonly shut: () => Promise<void>;
}

export interface LabStream {
  readonly sofar: () => Promise<{ readonly made: number; readonly failed: number }>;
  readonly halt: () => Promise<StreamReport>;
}

/** Where a probe comes from. */
export function sourceOf({ at, from, to }: Probe): string {
  return from ?? addressOf[at][familyOf(to) ?? 'IPv4'];
}

function orderOf(probe: Probe, patience: number): ProbeOrder {
  const { protocol, to, port } = probe;
  return { protocol, from: sourceOf(probe), to, port, patience };
}

function servedAt(place: Place): Served[] {
  const served: Served[] = [];
  const add = (address: string, udpAddress: string, ports: readonly number[]): void => {
    for (const port of ports) {
      served.push({ protocol: 'TCP', port, address }, { protocol: 'UDP', port, address: udpAddress });
    }
  };
  for (const family of families) {
    const own = addressOf[place][family];
    if (place === 'n1') add(own, own, [hostPort]);
    else if (place === 'world') add(family === 'IPv4' ? '0.0.0.0' : '::', worldAddress[family], worldPorts);
    else if (place !== 'outside') add(own, own, podPorts);
  }
  return served;
}
