// The nodes of the embedded cluster that are processes of their own: each gets keys, a place and its command.
// Knows files of the data directory and words of `evenkeel kubelet`; what a node does is that command's matter.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Fabric } from '../nodes/fabric/fabric.ts';
import type { PlannedNode } from '../nodes/fabric/plan.ts';
import { nodeNetns } from '../nodes/fabric/scripts.ts';
import { ClusterNode } from '../nodes/process/cluster-node.ts';
import { kubeletArguments, type NodeCommand } from '../nodes/process/node-command.ts';
import { fabricPlace, loopbackPlace } from '../nodes/process/places.ts';
import type { ClusterOptions } from './cluster.ts';
import { dnsAddresses } from './dns.ts';
import { writeKubeconfig } from './kubeconfig-file.ts';
import { MachineWay } from './machine-way.ts';
import { PUBLIC_ADDRESS } from './network.ts';
import { type Joined, type NodeHost, POD_GRACE_MS, STATS_MS, zoneLabels } from './node-host.ts';
import { leaseSeconds } from './node-life.ts';
import { nodeReady } from './node-ready.ts';
import type { Pki } from './pki.ts';
import type { Ports } from './ports.ts';
import { renewNode } from './renew-node.ts';
import type { Shutdown } from './shutdown.ts';

/** Kubelets have a network of their own there, so each has upstream's port. */
const KUBELET_PORT = 10_250;
/** Of a node that goes down with the cluster, after which it is killed: pods have their grace, and it may just be loading its code. */
const STOP_MS = POD_GRACE_MS + 1_500;
/** What real plugins hold outlives the node's place, and is given back by themselves alone: they are let finish. */
const PLUGINS_MS = 20_000;
/** Of all nodes, their places cleared: what is left of one keeps what is beneath it from being removed. */
const CLEAR_MS = 5_000;
const MAIN = fileURLToPath(new URL('../cli/main.ts', import.meta.url));

interface Ground {
  /** On the loopback device when there is none. */
  readonly fabric: Fabric | undefined;
  readonly pki: Pki;
  readonly ports: Ports;
}

export class NodeProcesses implements NodeHost {
  readonly #options: ClusterOptions;
  readonly #ground: Ground;
  readonly #shutdown: Shutdown;
  readonly #startedAt: number;
  #nodes: readonly ClusterNode[] = [];
  #way: MachineWay | undefined;
  #starting: Promise<unknown> = Promise.resolve();

  constructor(options: ClusterOptions, ground: Ground, shutdown: Shutdown) {
    this.#options = options;
    this.#ground = ground;
    this.#shutdown = shutdown;
    this.#startedAt = options.clock.wall();
  }

  get nodes(): readonly ClusterNode[] {
    return this.#nodes;
  }

  begin(): void {
    const { data, clock, log, network, onNodeTrouble } = this.#options;
    const { fabric } = this.#ground;
    const dataDirOf = (name: string): string => join(data.nodes, name, 'data');
    const place = fabric === undefined ? loopbackPlace(dataDirOf, clock) : fabricPlace(fabric, dataDirOf, clock);
    this.#nodes = network.nodes.map(
      (node, at) =>
        new ClusterNode({
          node,
          command: [process.execPath, ...process.execArgv, MAIN, ...kubeletArguments(this.#settings(node, at))],
          file: join(data.nodes, node.name, 'process.json'),
          place,
          clock,
          log: log.child({ part: 'nodes' }),
          onState: () => this.#way?.look(),
          onCrash: (why, againMs) =>
            onNodeTrouble?.(`Node ${node.name} has died (${why}); it starts again in ${Math.ceil(againMs / 1000)} s`),
        }),
    );
    const killNow = (): void => {
      for (const node of this.#nodes) node.killNow();
    };
    // Before the listener that takes their network away.
    process.prependOnceListener('exit', killNow);
    // For a start that fails: one that succeeds has them stopped before what they depend on.
    this.#shutdown.add('nodes', () => this.#stop(), this.#stopMs + CLEAR_MS);
    this.#starting = Promise.all(this.#nodes.map((node) => node.start()));
    // Its failure is met in `join`.
    this.#starting.catch(() => {});
  }

  async join({ client, informers }: Joined): Promise<void> {
    const { network, nodes, onMilestone } = this.#options;
    this.#shutdown.add('nodes', () => this.#stop(), this.#stopMs + CLEAR_MS);
    // Nodes may not do so themselves, and wait for it.
    await Promise.all(network.nodes.map(({ name, podCidrs }) => renewNode(client, name, podCidrs)));
    await this.#starting;
    this.#leadMachine(client, informers);
    await Promise.all(
      network.nodes.map(async ({ name, addresses, podCidrs }, at) => {
        await nodeReady(informers, name, this.#startedAt, this.#options.signal);
        const zone = zoneLabels(nodes.zones, at)['topology.kubernetes.io/zone'];
        const words = [
          name,
          addresses[0],
          `pods ${podCidrs.join(' ')}`,
          ...(zone === undefined ? [] : [`zone ${zone}`]),
        ];
        onMilestone?.(`node:${name}`, words.join('  '));
      }),
    );
  }

  /** Told before the nodes are stopped, so that nobody looks for another one then. */
  #leadMachine(client: Joined['client'], informers: Joined['informers']): void {
    const { fabric } = this.#ground;
    if (fabric === undefined) return;
    const { clock, log } = this.#options;
    this.#way = new MachineWay({
      fabric,
      nodes: this.#nodes,
      client,
      informers,
      clock,
      log: log.child({ part: 'way' }),
    });
    this.#shutdown.add('way of the machine', () => this.#way?.stop());
  }

  async #stop(): Promise<void> {
    await Promise.all(this.#nodes.map((node) => node.stop(this.#stopMs)));
  }

  get #stopMs(): number {
    return this.#options.nodes.cni === undefined ? STOP_MS : STOP_MS + PLUGINS_MS;
  }

  #settings(node: PlannedNode, at: number): NodeCommand {
    const { data, network, nodes, nodeLife, podMaxPids, stubImages, engine } = this.#options;
    const { pki, ports } = this.#ground;
    const dir = join(data.nodes, node.name);
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    const keys = pki.nodes.get(node.name);
    if (keys === undefined) throw new Error(`Node "${node.name}" has no keys`);
    const kubeconfig = join(dir, 'kubeconfig');
    const server = `https://${network.fabric?.machine[0] ?? PUBLIC_ADDRESS}:${ports.api}`;
    writeKubeconfig(kubeconfig, { server, caPem: pki.authority.certPem, client: keys.client });
    return {
      name: node.name,
      kubeconfig,
      addresses: node.addresses,
      podCidrs: node.podCidrs,
      ...(network.fabric === undefined
        ? { network: 'loopback', port: 0 }
        : {
            network: nodes.cni === undefined ? 'bridge' : 'cni',
            ...(nodes.cni === undefined ? {} : { cni: nodes.cni }),
            networkOwner: nodeNetns(network.fabric, node.name),
            port: KUBELET_PORT,
          }),
      dataDir: join(dir, 'data'),
      hidden: [data.root],
      labels: zoneLabels(nodes.zones, at),
      // On the loopback device a server below port 1024 may be missing, and pods have no resolver of their own.
      clusterDns: network.fabric === undefined ? [] : dnsAddresses(network.serviceCidr),
      servesServices: network.fabric !== undefined,
      serviceCidrs: network.fabric?.serviceCidrs ?? [],
      announces: network.fabric?.announced === true,
      nodeLiveness: nodes.liveness,
      podMaxPids,
      statsSeconds: STATS_MS / 1000,
      sharesMachine: network.nodes.length > 1,
      imagesFile: data.images,
      stubImages,
      ...(engine === undefined ? {} : { engine }),
      servingFile: keys.servingFile,
      clientCaFile: join(data.pki, 'ca.crt'),
      leaseSeconds: leaseSeconds(nodeLife),
      graceSeconds: POD_GRACE_MS / 1000,
      logFile: join(data.logs, `${node.name}.log`),
      verbose: false,
    };
  }
}
