// Pods in network namespaces of their own, connected by what the CNI specification calls a network.
// Knows the order of steps and what is remembered of a pod; what a plugin does is the plugin's matter.
import type { Clock } from '#lib/clock.ts';
import type { Logger } from '#lib/log.ts';
import type { Attachment, AttachmentStore } from './cni/attachments.ts';
import { capabilityArgs, unmetBy } from './cni/capabilities.ts';
import type { NetworkList } from './cni/network-list.ts';
import { podIpsOf } from './cni/result.ts';
import type { CniRuntime } from './cni/runtime.ts';
import type { Names } from './netns/names.ts';
import type { PodNamespaces } from './netns/pod-namespaces.ts';
import { type NetworkAttachment, NetworkError, type NetworkRequest, type PodNetwork } from './pod-network.ts';
import { Turns } from './turns.ts';

/** Name of the interface in every pod. */
const IF_NAME = 'eth0';
/** Setting up takes CPU and the kernel's one lock for interfaces: more at once only makes each of them slower. */
const AT_ONCE = 4;
/** How often plugins are asked for their status while somebody wants to know. */
const STATUS_MS = 5_000;

export interface NetnsNetworkParts {
  readonly name: string;
  readonly names: Names;
  readonly namespaces: PodNamespaces;
  readonly attachments: AttachmentStore;
  readonly runtime: CniRuntime;
  /** The network that new pods join; throws `NetworkError`. */
  readonly list: () => NetworkList;
  readonly podCidrs: readonly string[];
  /** Ends what a killed run is still doing. */
  readonly endEarlier: () => Promise<void>;
  /** Removes what the plugins' containers shared. */
  readonly closePlugins: () => Promise<void>;
  readonly clock: Clock;
  readonly log: Logger;
}

export class NetnsNetwork implements PodNetwork {
  readonly name: string;
  readonly #parts: NetnsNetworkParts;
  readonly #turns = new Turns(AT_ONCE);
  /** What this run has set up or checked. */
  readonly #known = new Map<string, NetworkAttachment>();
  #status: string | undefined;
  #statusAt = Number.NEGATIVE_INFINITY;
  #closed = false;

  constructor(parts: NetnsNetworkParts) {
    this.name = parts.name;
    this.#parts = parts;
  }

  setUp(request: NetworkRequest): Promise<NetworkAttachment> {
    return this.#turns.take(request.podUid, async () => {
      const known = this.#known.get(request.podUid);
      if (known !== undefined) return known;
      if (this.#closed) throw new NetworkError('the pod network of this node is closed');
      const attachment = (await this.#ofEarlierRun(request.podUid)) ?? (await this.#attach(request));
      this.#known.set(request.podUid, attachment);
      return attachment;
    });
  }

  tearDown(podUid: string): Promise<void> {
    return this.#turns.take(podUid, () => this.#detach(podUid));
  }

  async sweep(live: ReadonlySet<string>): Promise<void> {
    const { attachments, namespaces, runtime, log } = this.#parts;
    await this.#parts.endEarlier();
    const dead = attachments.all().filter(({ podUid }) => !live.has(podUid));
    await Promise.all(
      dead.map(({ podUid }) =>
        this.#logged(
          { podUid },
          this.#turns.take(podUid, () => this.#detachForGood(podUid)),
        ),
      ),
    );
    const kept = attachments.all();
    for (const name of namespaces.list()) {
      // Of a pod that plugins could not be told to forget only the record is kept, for another try.
      if (kept.some((one) => one.netns === name && live.has(one.podUid))) continue;
      log.warn({ netns: name }, 'Removing a network namespace that an earlier run left behind');
      await this.#logged({ netns: name }, namespaces.remove(name));
    }
    let list: NetworkList;
    try {
      list = this.#parts.list();
    } catch {
      // Without a network there is nobody to tell; `problem` says so.
      return;
    }
    const valid = kept.filter((one) => one.list.name === list.name && live.has(one.podUid));
    await this.#logged(
      { network: list.name },
      runtime.negotiate(list).then((version) => runtime.gc(list, version, valid)),
    );
  }

  problem(): string | undefined {
    let list: NetworkList;
    try {
      list = this.#parts.list();
    } catch (error) {
      return `Network plugin returns error: ${(error as Error).message}`;
    }
    this.#askStatus(list);
    return this.#status === undefined ? undefined : `Network plugin returns error: ${this.#status}`;
  }

  async close(): Promise<void> {
    this.#closed = true;
    // What is being set up now may be on nobody's list yet, and would be made after everything had been taken down.
    await this.#turns.idle();
    await this.sweep(new Set());
    await this.#logged({}, this.#parts.closePlugins());
  }

  /** Plugins answer in their own time, so the answer is for the next who asks. */
  #askStatus(list: NetworkList): void {
    const { clock, runtime } = this.#parts;
    if (clock.now() - this.#statusAt < STATUS_MS) return;
    this.#statusAt = clock.now();
    runtime
      .negotiate(list)
      .then((version) => runtime.status(list, version))
      .then(
        () => {
          this.#status = undefined;
        },
        (error: Error) => {
          this.#status = error.message;
        },
      );
  }

  /** The attachment that the pod has from before our start, when all of it is still there. */
  async #ofEarlierRun(podUid: string): Promise<NetworkAttachment | undefined> {
    const { attachments, namespaces, runtime, log } = this.#parts;
    const earlier = attachments.get(podUid);
    if (earlier === undefined) return undefined;
    const path = namespaces.path(earlier.netns);
    try {
      if (earlier.result === undefined) throw new NetworkError('it was never completed');
      if (!namespaces.exists(earlier.netns)) throw new NetworkError('its network namespace is gone');
      await runtime.check(earlier, path);
      return this.#described(earlier, this.#addresses(earlier.result));
    } catch (error) {
      log.warn({ podUid, reason: (error as Error).message }, 'Making the network of a pod anew');
      await this.#detachForGood(podUid);
      return undefined;
    }
  }

  async #attach(request: NetworkRequest): Promise<NetworkAttachment> {
    const { podUid, podName, namespace } = request;
    const { names, namespaces, attachments, runtime, podCidrs } = this.#parts;
    // The specification's rule, on which scripts and rules rely.
    if (!/^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/.test(podUid)) throw new NetworkError(`"${podUid}" is no container id`);
    try {
      const list = this.#parts.list();
      const attachment: Attachment = {
        podUid,
        netns: names.netns(podUid, podName),
        ifName: IF_NAME,
        list,
        version: await runtime.negotiate(list),
        args: cniArgs({ namespace, podName, podUid }),
        capabilityArgs: capabilityArgs(request, podCidrs),
      };
      if (this.#closed) throw new NetworkError('the pod network of this node is closed');
      const path = namespaces.path(attachment.netns);
      // Before anything is made: a crash at any point from here on leaves something to clean up by.
      attachments.put(attachment);
      await namespaces.remove(attachment.netns);
      await namespaces.create(attachment.netns);
      const result = await runtime.add(attachment, path);
      const podIps = this.#addresses(result);
      attachments.put({ ...attachment, result });
      return this.#described(attachment, podIps);
    } catch (error) {
      // Upstream's rule: after a failed ADD the whole list is told to DEL, also those that were never reached.
      await this.#logged({ podUid }, this.#detachForGood(podUid));
      if (!(error instanceof NetworkError)) throw error;
      throw new NetworkError(`failed to setup network for sandbox "${podUid}": ${error.message}`);
    }
  }

  #described({ netns, list, capabilityArgs }: Attachment, podIps: readonly string[]): NetworkAttachment {
    const unmet = unmetBy(list, capabilityArgs);
    return { podIps, netns: this.#parts.namespaces.path(netns), ...(unmet.length === 0 ? {} : { unmet }) };
  }

  #addresses(result: unknown): string[] {
    const primary = this.#parts.podCidrs[0]?.includes(':') === true ? 6 : 4;
    const podIps = podIpsOf(result, primary);
    if (podIps.length === 0) throw new NetworkError(`the network plugins gave no address: ${JSON.stringify(result)}`);
    return podIps;
  }

  async #detach(podUid: string): Promise<void> {
    const { attachments, namespaces, runtime } = this.#parts;
    this.#known.delete(podUid);
    const attachment = attachments.get(podUid);
    if (attachment === undefined) return;
    const { netns } = attachment;
    try {
      await runtime.del(attachment, namespaces.exists(netns) ? namespaces.path(netns) : undefined);
    } catch (error) {
      throw new NetworkError(`failed to destroy network for sandbox "${podUid}": ${(error as Error).message}`);
    }
    await namespaces.remove(netns);
    attachments.remove(podUid);
  }

  /**
   * Nobody will come back to it. A plugin that was in another's way is asked again. One that does not find what it has
   * never come to make says so every time: it is asked as for a namespace that is gone, where it may not look for any.
   */
  async #detachForGood(podUid: string): Promise<void> {
    const { attachments, namespaces } = this.#parts;
    try {
      await this.#detach(podUid).catch(() => this.#detach(podUid));
    } catch (error) {
      const netns = attachments.get(podUid)?.netns;
      if (netns === undefined || !namespaces.exists(netns)) throw error;
      await namespaces.remove(netns);
      await this.#detach(podUid);
    }
  }

  async #logged(fields: Readonly<Record<string, unknown>>, work: Promise<unknown>): Promise<void> {
    try {
      await work;
    } catch (error) {
      this.#parts.log.warn({ ...fields, error: (error as Error).message }, 'Cannot clean up the pod network');
    }
  }
}

/** What plugins of Kubernetes read; those that know none of it are told not to mind. */
function cniArgs({ namespace, podName, podUid }: { namespace: string; podName: string; podUid: string }): string {
  const pairs = {
    IgnoreUnknown: '1',
    K8S_POD_NAMESPACE: namespace,
    K8S_POD_NAME: podName,
    K8S_POD_INFRA_CONTAINER_ID: podUid,
    K8S_POD_UID: podUid,
  };
  return Object.entries(pairs)
    .map(([key, value]) => `${key}=${value}`)
    .join(';');
}
