// The one node of a cluster on the loopback device: a kubelet in this process, there in no time.
// Knows what the kubelet is given; nothing of other nodes.

import type { ClusterOptions } from './cluster.ts';
import { readImages } from './images-file.ts';
import { DRAIN_MS, type Joined, type NodeHost, POD_GRACE_MS, STATS_MS, zoneLabels } from './node-host.ts';
import { leaseSeconds } from './node-life.ts';
import { nodeReady } from './node-ready.ts';
import { renewNode } from './renew-node.ts';
import type { Shutdown } from './shutdown.ts';

export class OwnNode implements NodeHost {
  /** This node ends with everything else. */
  readonly nodes = [];
  readonly #options: ClusterOptions;
  readonly #shutdown: Shutdown;
  readonly #startedAt: number;
  #code: Promise<typeof import('#kube/kubelet/kubelet.ts')> | undefined;

  constructor(options: ClusterOptions, shutdown: Shutdown) {
    this.#options = options;
    this.#shutdown = shutdown;
    this.#startedAt = options.clock.wall();
  }

  begin(): void {
    this.#code = import('#kube/kubelet/kubelet.ts');
  }

  async join({ client, informers, pki, clusterDns }: Joined): Promise<void> {
    const { data, network, clock, log, nodes, nodeLife, podMaxPids, onMilestone } = this.#options;
    const [node] = network.nodes;
    const keys = pki.nodes.get(node?.name ?? '');
    if (node === undefined || keys === undefined) throw new Error('The network has no node');
    const { startKubelet } = await (this.#code ?? import('#kube/kubelet/kubelet.ts'));
    await renewNode(client, node.name, node.podCidrs);
    const kubelet = await startKubelet({
      client,
      informers,
      nodeName: node.name,
      nodeAddresses: node.addresses,
      podCidrs: node.podCidrs,
      labels: zoneLabels(nodes.zones, 0),
      heartbeat: { leaseSeconds: leaseSeconds(nodeLife) },
      dataDir: data.pods,
      hidden: [data.root],
      images: () => readImages(data.images),
      stubImages: this.#options.stubImages,
      ...(this.#options.engine === undefined ? {} : { engine: this.#options.engine }),
      podPidsLimit: podMaxPids,
      clusterDns,
      statsIntervalMs: STATS_MS,
      // The engine of this process tells when a pod is idle.
      drain: { by: 'condition', maxMs: DRAIN_MS, settleMs: 0 },
      serving: { address: node.addresses[0] ?? '', port: 0, ...keys.serving, clientCaPem: pki.authority.certPem },
      log: log.child({ part: 'kubelet' }),
      clock,
    });
    // However this process ends, short of SIGKILL, its pods end with it; after SIGKILL the next start finds them.
    const killPods = (): void => kubelet.kill();
    process.once('exit', killPods);
    this.#shutdown.add('kubelet', async () => {
      await kubelet.stop({ graceMs: POD_GRACE_MS });
      process.removeListener('exit', killPods);
    });
    await nodeReady(informers, node.name, this.#startedAt, this.#options.signal);
    onMilestone?.(`node:${node.name}`, node.name);
  }
}
