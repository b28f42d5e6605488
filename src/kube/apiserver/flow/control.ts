// How many requests of whom are served at once: by FlowSchemas and PriorityLevelConfigurations, which it follows.
// Knows levels and flows; nothing of what a request does. Upstream source: apiserver/pkg/util/flowcontrol.
import type { FlowSchema, PriorityLevelConfiguration } from 'kubernetes-types/flowcontrol/v1.js';
import { StatusError } from '#kube/api/status.ts';
import type { Attributes } from '../authz/attributes.ts';
import type { User } from '../http/authn.ts';
import type { Registry } from '../registry/registry.ts';
import { byPrecedence, flowOf, matches } from './classify.ts';
import { FairQueues, type QueueLimits } from './fair-queues.ts';

export const FLOW_GROUP = 'flowcontrol.apiserver.k8s.io';

/** Ends the turn of a request; harmless when it is called again. */
export type EndTurn = () => void;

export interface Admitted {
  readonly end: EndTurn;
  /** As upstream tells clients what they fell under. */
  readonly headers: Readonly<Record<string, string>>;
}

interface Level {
  readonly uid: string;
  /** Undefined: nobody is ever held up. */
  readonly queues: FairQueues | undefined;
  readonly limits: QueueLimits;
}

const LONG_VERBS = ['watch', 'proxy'];
const LONG_SUBRESOURCES = ['attach', 'exec', 'log', 'portforward', 'proxy'];
const FREE: Admitted = { end: () => {}, headers: {} };

export class FlowControl {
  readonly #registry: Registry;
  readonly #seats: number;
  readonly #levels = new Map<string, Level>();
  #schemas: readonly FlowSchema[] = [];
  readonly #stops: (() => void)[];

  /** `seats`: how many requests may be under way in all, divided among the levels by their shares. */
  constructor(registry: Registry, seats: number) {
    this.#registry = registry;
    this.#seats = seats;
    const follow = (resource: string): (() => void) =>
      registry.builtin(FLOW_GROUP, 'v1', resource).collection.subscribe(() => this.#read());
    this.#stops = [follow('flowschemas'), follow('prioritylevelconfigurations')];
    this.#read();
  }

  /**
   * Resolves when it is this request's turn. Rejects with `StatusError` 429 when too many wait already. `onGone` is
   * called with what to do when the client goes away before.
   */
  admit(user: User, attributes: Attributes, onGone: (leave: () => void) => void): Admitted | Promise<Admitted> {
    // They last as long as the client likes, and cost next to nothing while they do.
    if (isLong(attributes)) return FREE;
    const schema = this.#schemas.find((each) => matches(each, user, attributes));
    const level = this.#levels.get(schema?.spec?.priorityLevelConfiguration?.name ?? '');
    if (schema === undefined || level === undefined) return FREE;
    const headers = {
      'x-kubernetes-pf-flowschema-uid': schema.metadata?.uid ?? '',
      'x-kubernetes-pf-prioritylevel-uid': level.uid,
    };
    const { queues } = level;
    if (queues === undefined) return { ...FREE, headers };
    let ended = false;
    const end = (): void => {
      if (ended) return;
      ended = true;
      queues.end();
    };
    return new Promise((resolve, reject) => {
      const leave = queues.enter(flowOf(schema, user, attributes), (turn) => {
        if (turn === 'begin') resolve({ end, headers });
        else reject(tooMany());
      });
      onGone(() => {
        leave();
        // Whoever still waits is not answered any more.
        reject(tooMany());
      });
    });
  }

  close(): void {
    for (const stop of this.#stops) stop();
  }

  #read(): void {
    const all = <T>(resource: string): T[] =>
      this.#registry
        .builtin(FLOW_GROUP, 'v1', resource)
        .collection.list()
        .map(({ object }) => object as unknown as T);
    this.#schemas = byPrecedence(all<FlowSchema>('flowschemas'));
    const levels = all<PriorityLevelConfiguration>('prioritylevelconfigurations');
    const shares = (level: PriorityLevelConfiguration): number =>
      level.spec?.type === 'Limited' ? (level.spec.limited?.nominalConcurrencyShares ?? 30) : 0;
    const sum = levels.reduce((total, level) => total + shares(level), 0);
    const names = new Set<string>();
    for (const level of levels) {
      const name = level.metadata?.name ?? '';
      names.add(name);
      this.#put(name, level, Math.max(1, Math.ceil((this.#seats * shares(level)) / Math.max(sum, 1))));
    }
    // Those under way in a level that is gone end without it.
    for (const name of this.#levels.keys()) if (!names.has(name)) this.#levels.delete(name);
  }

  /** Whoever waits or is under way in it stays so: new bounds hold from the next turn on. */
  #put(name: string, { metadata, spec }: PriorityLevelConfiguration, seats: number): void {
    const queuing = spec?.limited?.limitResponse?.type === 'Queue' ? spec.limited.limitResponse.queuing : undefined;
    const perFlow = queuing?.queueLengthLimit ?? 0;
    const limits = { seats, perFlow, total: perFlow * (queuing?.queues ?? 0) };
    const known = this.#levels.get(name);
    if (known !== undefined && (known.queues === undefined) === (spec?.type === 'Exempt')) {
      Object.assign(known.limits, limits);
      return;
    }
    const queues = spec?.type === 'Exempt' ? undefined : new FairQueues(limits, setImmediate);
    this.#levels.set(name, { uid: metadata?.uid ?? '', queues, limits });
  }
}

function isLong(attributes: Attributes): boolean {
  if (attributes.kind === 'path') return false;
  return LONG_VERBS.includes(attributes.verb) || LONG_SUBRESOURCES.includes(attributes.subresource);
}

function tooMany(): StatusError {
  return new StatusError(429, 'TooManyRequests', 'Too many requests, please try again later.', {
    retryAfterSeconds: 1,
  });
}
