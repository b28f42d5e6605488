// What a pod's containers share before any of them starts: the address and the volumes.
// Knows no containers; what stands in the way becomes an event, and the caller tries again.
import { isDeepStrictEqual } from 'node:util';
import type { Pod } from 'kubernetes-types/core/v1.js';
import type { PodFacts } from '../env/field-ref.ts';
import { type HostPort, type NetworkAttachment, NetworkError, type NetworkRequest } from '../network/pod-network.ts';
import type { Sandbox } from '../runtime.ts';
import { VolumeError } from '../volumes/pod-volumes.ts';
import { writeEtcFiles } from './etc-files.ts';
import { hostNames, hostnameProblem } from './host-names.ts';
import { isolationOf } from './isolation.ts';
import type { PodWorkerDependencies } from './worker-types.ts';

export class PodSandbox {
  readonly #uid: string;
  readonly #deps: PodWorkerDependencies;
  readonly #podDir: string;
  #attachment: NetworkAttachment | undefined;
  /** Written for the first container; they are the pod's from then on. */
  #etc: Sandbox['etc'];
  #volumes: ReadonlyMap<string, string> | undefined;
  /** Something the volumes are made of may have changed. */
  #stale = true;

  constructor(uid: string, podDir: string, deps: PodWorkerDependencies) {
    this.#uid = uid;
    this.#podDir = podDir;
    this.#deps = deps;
  }

  /** The pod's addresses, also after their release: they stay in the status. */
  get podIps(): readonly string[] | undefined {
    return this.#attachment?.podIps;
  }

  /** Directories by volume name; empty before `prepare` and after `release`. */
  get volumes(): ReadonlyMap<string, string> {
    return this.#volumes ?? new Map();
  }

  get ready(): boolean {
    return this.#volumes !== undefined;
  }

  get facts(): PodFacts {
    const { hostIps, allocatable } = this.#deps;
    return { podIps: this.podIps ?? [], hostIps, allocatable };
  }

  /** What each of the pod's containers shares with the others. */
  describe(pod: Pod): Sandbox {
    const { dns, nodeName, network } = this.#deps;
    const netns = this.#attachment?.netns;
    const names = hostNames(pod, nodeName, dns.domain);
    if (this.#etc === undefined && network.name !== 'loopback') {
      this.#etc = writeEtcFiles(this.#podDir, pod, this.podIps ?? [], names, dns);
    }
    return {
      hostname: names.hostname,
      podIps: this.podIps ?? [],
      ...(netns === undefined ? {} : { netns }),
      ...(this.#etc === undefined ? {} : { etc: this.#etc }),
      ...(this.#deps.isolated ? { isolation: isolationOf(pod) } : {}),
      asked: isolationOf(pod),
    };
  }

  /** The next `prepare` looks at the volumes again. */
  invalidate(): void {
    this.#stale = true;
  }

  /** A newer version of the object: the downward API shows labels and annotations in files. */
  updated({ metadata: now }: Pod, { metadata: before }: Pod): void {
    const same =
      isDeepStrictEqual(now?.labels, before?.labels) && isDeepStrictEqual(now?.annotations, before?.annotations);
    if (!same) this.invalidate();
  }

  /** Takes an address and makes or refreshes the volumes. `false` when something is missing that may yet come. */
  async prepare(pod: Pod): Promise<boolean> {
    if (this.#attachment === undefined && !(await this.#attach(pod))) return false;
    if (!this.#stale) return true;
    this.#stale = false;
    try {
      this.#volumes = await this.#deps.volumes(pod).mount(this.facts);
      return true;
    } catch (error) {
      this.#stale = true;
      if (!(error instanceof VolumeError)) throw error;
      this.#deps.events(pod, undefined, 'Warning', 'FailedMount', error.message);
      return false;
    }
  }

  /** What the containers share has ended under them, so they end as well. The address and the volumes stay. */
  async renew(pod: Pod, stopAll: () => Promise<void>): Promise<void> {
    const message = 'Pod sandbox changed, it will be killed and re-created.';
    this.#deps.events(pod, undefined, 'Normal', 'SandboxChanged', message);
    await stopAll();
    await this.#deps.runtime.releasePod?.(this.#uid);
  }

  async release(pod: Pod): Promise<void> {
    this.#volumes = undefined;
    await this.#deps.runtime.releasePod?.(this.#uid);
    await this.#deps.network.tearDown(this.#uid);
    this.#deps.volumes(pod).unmount();
  }

  async #attach(pod: Pod): Promise<boolean> {
    try {
      const problem = hostnameProblem(hostNames(pod, this.#deps.nodeName, this.#deps.dns.domain));
      if (problem !== undefined) throw new NetworkError(problem);
      this.#attachment = pod.spec?.hostNetwork === true ? { podIps: this.#deps.hostIps } : await this.#setUp(pod);
      for (const unmet of this.#attachment.unmet ?? []) {
        this.#deps.events(pod, undefined, 'Warning', 'NetworkRequestUnmet', unmet);
      }
      return true;
    } catch (error) {
      if (!(error instanceof NetworkError)) throw error;
      const message = `Failed to create pod sandbox: ${error.message}`;
      this.#deps.events(pod, undefined, 'Warning', 'FailedCreatePodSandBox', message);
      return false;
    }
  }

  #setUp(pod: Pod): Promise<NetworkAttachment> {
    const { name: podName = '', namespace = '', annotations = {} } = pod.metadata ?? {};
    return this.#deps.network.setUp({
      podUid: this.#uid,
      podName,
      namespace,
      annotations,
      hostPorts: hostPortsOf(pod),
      ...dnsOf(pod),
    });
  }
}

function hostPortsOf(pod: Pod): HostPort[] {
  const ports = (pod.spec?.containers ?? []).flatMap((container) => container.ports ?? []);
  return ports.flatMap(({ hostPort, containerPort, protocol = 'TCP', hostIP }) =>
    hostPort === undefined || hostPort === 0
      ? []
      : [
          {
            hostPort,
            containerPort,
            protocol: protocol as HostPort['protocol'],
            ...(hostIP === undefined || hostIP === '' ? {} : { hostIp: hostIP }),
          },
        ],
  );
}

function dnsOf(pod: Pod): Pick<NetworkRequest, 'dns'> {
  const { nameservers = [], searches = [], options = [] } = pod.spec?.dnsConfig ?? {};
  if (pod.spec?.dnsConfig === undefined) return {};
  const written = options.map(({ name = '', value }) => (value === undefined ? name : `${name}:${value}`));
  return { dns: { servers: nameservers, searches, options: written } };
}
