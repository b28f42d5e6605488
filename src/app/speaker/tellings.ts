// What a speaker tells people: an event on a Service that this node announces now, and on objects that say what cannot be.
// Knows events and the log; decides nothing. Upstream: the events of speaker/main.go of metallb.io.
import type { Node, Service } from 'kubernetes-types/core/v1.js';
import type { KubeObject } from '#kube/api/object.ts';
import type { EventRecorder } from '#kube/client/events.ts';
import type { Logger } from '#lib/log.ts';
import type { AnnounceProblem } from '#traffic/model/announce/announcement.ts';
import type { PeerProblem } from './bgp-peers.ts';
import type { Duties } from './duties.ts';

export const NODE_SILENT = 'NodeSilent';
export const NODE_HEARD = 'NodeHeard';

/** Where the objects are that events are about, as of now. */
export interface ObjectsToTellOf {
  readonly service: (key: string) => (Service & KubeObject) | undefined;
  /** With its kind and version. */
  readonly loadBalancer: (kind: AnnounceProblem['kind'], key: string) => KubeObject | undefined;
}

export class Tellings {
  readonly #node: string;
  readonly #events: EventRecorder;
  readonly #objects: ObjectsToTellOf;
  readonly #log: Logger;
  /** `protocol address service`. */
  #assigned = new Set<string>();
  #silent: ReadonlySet<string> = new Set();
  #problems: ReadonlySet<string> = new Set();
  #peerProblems: ReadonlySet<string> = new Set();

  constructor(node: string, events: EventRecorder, objects: ObjectsToTellOf, log: Logger) {
    this.#node = node;
    this.#events = events;
    this.#objects = objects;
    this.#log = log;
  }

  tell({ l2, bgp }: Pick<Duties, 'l2' | 'bgp'>): void {
    const now = new Set<string>();
    for (const { services } of l2) for (const key of services) now.add(`layer2 ${key}`);
    for (const { services } of bgp) for (const key of services) now.add(`bgp ${key}`);
    for (const one of now) {
      if (this.#assigned.has(one)) continue;
      const [protocol = '', key = ''] = one.split(' ');
      const service = this.#objects.service(key);
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

  /** Each node, when it falls silent for this one and when it is heard again: `evenkeel explain` reads these events. */
  silence(silent: ReadonlySet<string>, nodeOf: (name: string) => (Node & KubeObject) | undefined): void {
    const tell = (name: string, type: 'Normal' | 'Warning', reason: string, message: string): void => {
      const node = nodeOf(name);
      if (node !== undefined) this.#events.event({ ...node, apiVersion: 'v1', kind: 'Node' }, type, reason, message);
    };
    for (const name of silent.difference(this.#silent)) {
      tell(name, 'Warning', NODE_SILENT, `node "${this.#node}" hears nothing of it, and leaves its endpoints out`);
    }
    for (const name of this.#silent.difference(silent)) {
      tell(name, 'Normal', NODE_HEARD, `node "${this.#node}" no longer leaves its endpoints out`);
    }
    this.#silent = silent;
  }

  /** Each once, as long as it is there. Every node comes to the same: `first` is whether this one writes the events. */
  problems(problems: readonly AnnounceProblem[], first: boolean): void {
    this.#problems = this.#news(
      this.#problems,
      problems.map(({ kind, key, reason, field, message }) => ({ kind, key, reason, words: `${field}: ${message}` })),
      first,
    );
  }

  /** Of this node: others may have none, as it is with a Secret that one may not read. */
  peerProblems(problems: readonly PeerProblem[]): void {
    this.#peerProblems = this.#news(
      this.#peerProblems,
      problems.map(({ key, reason, message: words }) => ({ kind: 'BGPPeer', key, reason, words })),
      true,
    );
  }

  #news(before: ReadonlySet<string>, now: readonly Told[], withEvents: boolean): ReadonlySet<string> {
    const said = new Set<string>();
    for (const { kind, key, reason, words } of now) {
      const line = `${kind} "${key}": ${words}`;
      said.add(line);
      if (before.has(line)) continue;
      this.#log.warn({ problem: line }, 'Cannot announce as asked');
      const object = withEvents ? this.#objects.loadBalancer(kind, key) : undefined;
      if (object !== undefined) this.#events.event(object, 'Warning', reason, words);
    }
    return said;
  }
}

interface Told {
  readonly kind: AnnounceProblem['kind'];
  readonly key: string;
  readonly reason: string;
  readonly words: string;
}
