// What a speaker tells people: an event on a Service that this node announces now, and on objects that say what cannot be.
// Knows events and the log; decides nothing. Upstream: the events of speaker/main.go of metallb.io.
import type { Service } from 'kubernetes-types/core/v1.js';
import type { KubeObject } from '#kube/api/object.ts';
import type { EventRecorder } from '#kube/client/events.ts';
import type { Logger } from '#lib/log.ts';
import type { AnnounceProblem } from '#traffic/model/announce/announcement.ts';
import type { PeerProblem } from './bgp-peers.ts';
import type { Duties } from './duties.ts';

export class Tellings {
  readonly #node: string;
  readonly #events: EventRecorder;
  readonly #serviceOf: (key: string) => (Service & KubeObject) | undefined;
  readonly #log: Logger;
  /** `protocol address service`. */
  #assigned = new Set<string>();
  #problems: ReadonlySet<string> = new Set();
  #peerProblems: ReadonlySet<string> = new Set();

  constructor(
    node: string,
    events: EventRecorder,
    serviceOf: (key: string) => (Service & KubeObject) | undefined,
    log: Logger,
  ) {
    this.#node = node;
    this.#events = events;
    this.#serviceOf = serviceOf;
    this.#log = log;
  }

  tell({ l2, bgp }: Pick<Duties, 'l2' | 'bgp'>): void {
    const now = new Set<string>();
    for (const { services } of l2) for (const key of services) now.add(`layer2 ${key}`);
    for (const { services } of bgp) for (const key of services) now.add(`bgp ${key}`);
    for (const one of now) {
      if (this.#assigned.has(one)) continue;
      const [protocol = '', key = ''] = one.split(' ');
      const service = this.#serviceOf(key);
      this.#log.info({ service: key, protocol }, 'This node announces the Service');
      if (service === undefined) continue;
      const message = `announcing from node "${this.#node}" with protocol "${protocol}"`;
      this.#events.event({ apiVersion: 'v1', kind: 'Service', ...service }, 'Normal', 'nodeAssigned', message);
    }
    for (const one of this.#assigned) {
      if (!now.has(one)) this.#log.info({ service: one.split(' ')[1] }, 'This node announces the Service no more');
    }
    this.#assigned = now;
  }

  /** Each once, as long as it is there. Every node says the same, so the log is enough. */
  problems(problems: readonly AnnounceProblem[]): void {
    this.#problems = this.#news(
      this.#problems,
      problems.map(({ kind, key, field, message }) => `${kind} "${key}": ${field}: ${message}`),
    );
  }

  peerProblems(problems: readonly PeerProblem[]): void {
    this.#peerProblems = this.#news(
      this.#peerProblems,
      problems.map(({ key, message }) => `BGPPeer "${key}": ${message}`),
    );
  }

  #news(before: ReadonlySet<string>, now: readonly string[]): ReadonlySet<string> {
    for (const one of now) if (!before.has(one)) this.#log.warn({ problem: one }, 'Cannot announce as asked');
    return new Set(now);
  }
}
