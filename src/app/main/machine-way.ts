// By which node this machine comes to Services of a cluster whose nodes have a network of their own, and to which ranges.
// Knows nodes, ServiceCIDRs and the fabric; the rules that packets meet are the node's, as for any client from outside.
import type { Node } from 'kubernetes-types/core/v1.js';
import type { KubeObject } from '#kube/api/object.ts';
import { builtin } from '#kube/api/resources.ts';
import type { ServiceCidr } from '#kube/api/service-ranges.ts';
import type { Client } from '#kube/client/client.ts';
import { createEventRecorder } from '#kube/client/events.ts';
import type { Informer, Informers } from '#kube/client/informer.ts';
import type { Clock } from '#lib/clock.ts';
import type { Logger } from '#lib/log.ts';
import { messageOf } from '../failure.ts';
import { contains, parseCidr } from '../nodes/fabric/cidr.ts';
import type { Fabric } from '../nodes/fabric/fabric.ts';
import { LEADS_MACHINE } from '../nodes/fabric/leads-machine.ts';
import type { PlannedNode } from '../nodes/fabric/plan.ts';
import { rangesOf } from '../service-proxy/node-watch.ts';

export interface MachineWayOptions {
  readonly fabric: Fabric;
  readonly nodes: readonly { readonly planned: PlannedNode; readonly state: string }[];
  readonly client: Client;
  readonly informers: Informers;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Stays with a node as long as it can: connections know the way back by that node alone. */
export class MachineWay {
  readonly #options: MachineWayOptions;
  readonly #objects: Informer<Node & KubeObject>;
  readonly #ranges: Informer<ServiceCidr>;
  readonly #unsubscribe: (() => void)[];
  readonly #recorder: ReturnType<typeof createEventRecorder>;
  /** Ranges that were refused, until they are gone. */
  readonly #refused = new Set<string>();
  #leader: string | undefined;
  #dirty = false;
  #stopped = false;
  #turn: Promise<void> | undefined;

  constructor(options: MachineWayOptions) {
    const { client, informers, clock, log } = options;
    this.#options = options;
    this.#recorder = createEventRecorder(client, { component: 'evenkeel', clock, log });
    this.#objects = informers.of<Node & KubeObject>(builtin('Node'));
    this.#ranges = informers.of<ServiceCidr>(builtin('ServiceCIDR'));
    this.#unsubscribe = [this.#objects.onChange(() => this.look()), this.#ranges.onChange(() => this.look())];
  }

  /** Something may have changed. */
  look(): void {
    this.#dirty = true;
    this.#turn ??= this.#follow().finally(() => {
      this.#turn = undefined;
    });
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    for (const end of this.#unsubscribe) end();
    await this.#turn;
    await this.#recorder.flush();
  }

  async #follow(): Promise<void> {
    while (this.#dirty && !this.#stopped) {
      this.#dirty = false;
      try {
        const moved = await this.#followRanges();
        const leader = this.#choose();
        if (leader?.name === this.#leader && !moved) continue;
        await this.#options.fabric.leadBy(leader);
        this.#leader = leader?.name;
        this.#options.log.info({ node: leader?.name }, 'The machine is led to Services by this node');
      } catch (error) {
        this.#options.log.error({ error: messageOf(error) }, 'The way of the machine to Services cannot be set');
      }
      await this.#tell();
    }
  }

  #choose(): PlannedNode | undefined {
    const able = this.#options.nodes
      .filter(({ planned, state }) => state === 'running' && isReady(this.#objects.get(planned.name)))
      .map(({ planned }) => planned);
    return able.find(({ name }) => name === this.#leader) ?? able[0];
  }

  /** Whether there are others than before. */
  async #followRanges(): Promise<boolean> {
    const { fabric, log } = this.#options;
    const { serviceCidrs, moreServiceCidrs = [], machine } = fabric.plan;
    const families = machine.length > 1 ? [4, 6] : [4];
    const planned = serviceCidrs.flatMap((text) => parseCidr(text) ?? []);
    const wanted = rangesOf(this.#ranges.list()).filter((text) => {
      const range = parseCidr(text);
      return range !== undefined && families.includes(range.family) && !planned.some((one) => contains(one, range));
    });
    for (const range of this.#refused) if (!wanted.includes(range)) this.#refused.delete(range);
    const gone = moreServiceCidrs.filter((range) => !wanted.includes(range));
    const come = wanted.filter((range) => !moreServiceCidrs.includes(range) && !this.#refused.has(range));
    for (const range of gone) await fabric.removeServiceRange(range);
    for (const range of come) {
      try {
        await fabric.addServiceRange(range);
      } catch (error) {
        this.#refused.add(range);
        const message = `This machine is not led to ${range}: ${messageOf(error)}`;
        log.warn({ range }, message);
        const holder = this.#ranges.list().find(({ spec }) => spec?.cidrs?.includes(range));
        if (holder !== undefined) this.#recorder.event(holder, 'Warning', 'NotRouted', message);
      }
    }
    return gone.length + come.length > 0;
  }

  async #tell(): Promise<void> {
    for (const { metadata } of this.#objects.list()) {
      const name = metadata?.name ?? '';
      const said = metadata?.annotations?.[LEADS_MACHINE] !== undefined;
      if (said === (name === this.#leader)) continue;
      const annotations = { [LEADS_MACHINE]: said ? null : 'true' };
      try {
        await this.#options.client.patch(builtin('Node'), name, undefined, 'merge', { metadata: { annotations } });
      } catch (error) {
        this.#options.log.warn({ node: name, error: messageOf(error) }, 'Cannot say which node leads the machine');
      }
    }
  }
}

function isReady(node: (Node & KubeObject) | undefined): boolean {
  return (node?.status?.conditions ?? []).some(({ type, status }) => type === 'Ready' && status === 'True');
}
