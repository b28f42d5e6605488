// Writes into objects of the Gateway API what they are told, and nothing that stands there already.
// Never touches what other controllers wrote: entries of routes and policies that are not ours stay as they are.
import { backendPolicyResource } from '#kube/api/backend-policy/definition.ts';
import { gatewayResource } from '#kube/api/gateway/resources.ts';
import type { Condition, ListenerStatus } from '#kube/api/gateway/types.ts';
import { type KubeObject, splitKey } from '#kube/api/object.ts';
import { isStatus } from '#kube/api/status.ts';
import type { Client } from '#kube/client/client.ts';
import { timestamp } from '#kube/client/events.ts';
import { createWorkQueue, type WorkQueue } from '#kube/client/work-queue.ts';
import type { Clock } from '#lib/clock.ts';
import { jsonEqual } from '#lib/json.ts';
import type { Logger } from '#lib/log.ts';
import { GATEWAY_CONTROLLER } from '#traffic/model/gateway/conditions.ts';
import type { ObjectStatus } from '#traffic/model/gateway/object-status.ts';
import type { MeshStatus } from '#traffic/model/mesh/translate-mesh.ts';
import type { PolicyStatus } from '#traffic/model/policy/policy-status.ts';
import type { GatewayKind } from './gateway-informers.ts';

const FIELD_MANAGER = 'evenkeel-gateway-controller';
/**
 * So long after a write, in milliseconds, the next one to the same object waits: a count changes with each of a thousand
 * routes that come at once, and what was written has come back as an event by then.
 */
const SPACING_MS = 100;
/** The API holds so many entries. */
const MOST_ENTRIES = 32;

export interface StatusWriterOptions {
  readonly client: Client;
  find(kind: GatewayKind | PolicyStatus['kind'], key: string): KubeObject | undefined;
  /** Whose entries these are in routes and policies; that of Gateways when left out. */
  readonly controllerName?: string;
  readonly clock: Clock;
  readonly log: Logger;
}

type Told = ObjectStatus | PolicyStatus | MeshStatus;
type Status = Readonly<Record<string, unknown>>;
type Entry = { readonly controllerName: string; readonly conditions: readonly Condition[] };

export class StatusWriter {
  readonly #options: StatusWriterOptions;
  readonly #queue: WorkQueue;
  readonly #wanted = new Map<string, Told>();
  readonly #writtenAt = new Map<string, number>();

  constructor(options: StatusWriterOptions) {
    const { clock, log } = options;
    this.#options = options;
    this.#queue = createWorkQueue('gateway-status', (id) => this.#write(id), { clock, log, workers: 4 });
  }

  start(): void {
    this.#queue.start();
  }

  async stop(): Promise<void> {
    await this.#queue.stop();
  }

  /** What an object, named by kind and key, is to be told from now on; undefined: nothing. */
  want(id: string, status: Told | undefined): void {
    if (status === undefined) {
      this.#wanted.delete(id);
      this.#writtenAt.delete(id);
    } else if (!jsonEqual(this.#wanted.get(id), status)) {
      this.#wanted.set(id, status);
      this.#add(id);
    }
  }

  /** The object may say something else than it was told. */
  check(kind: string, key: string): void {
    const id = `${kind} ${key}`;
    if (this.#wanted.has(id)) this.#add(id);
  }

  #add(id: string): void {
    const { clock } = this.#options;
    this.#queue.addAfter(id, (this.#writtenAt.get(id) ?? Number.NEGATIVE_INFINITY) + SPACING_MS - clock.now());
  }

  async #write(id: string): Promise<void> {
    const wanted = this.#wanted.get(id);
    if (wanted === undefined) return;
    const object = this.#options.find(wanted.kind, wanted.key) as
      | (KubeObject & { readonly status?: Status })
      | undefined;
    if (object === undefined) return;
    const now = timestamp(this.#options.clock.wall());
    const status = statusFor(wanted, object.status ?? {}, now, this.#options.controllerName);
    if (status === undefined) return;
    const { namespace, name } = splitKey(wanted.key);
    const { resourceVersion } = object.metadata ?? {};
    this.#writtenAt.set(id, this.#options.clock.now());
    try {
      await this.#options.client.patch(
        wanted.kind === 'BackendPolicy' ? backendPolicyResource : gatewayResource(wanted.kind),
        name,
        namespace,
        'merge',
        // With the version that was read: who wrote meanwhile is not written over.
        { metadata: { resourceVersion }, status },
        { subresource: 'status', fieldManager: FIELD_MANAGER, fieldValidation: 'Warn' },
      );
    } catch (error) {
      if (!isStatus(error, 404)) throw error;
    }
  }
}

/** What has to be written; undefined when all of it stands there. */
export function statusFor(wanted: Told, there: Status, now: string, own = GATEWAY_CONTROLLER): Status | undefined {
  if ('parents' in wanted || 'ancestors' in wanted) {
    const field = 'parents' in wanted ? 'parents' : 'ancestors';
    const entriesNow: readonly Entry[] = 'parents' in wanted ? wanted.parents : wanted.ancestors;
    const before = (there[field] ?? []) as readonly Entry[];
    const others = before.filter(({ controllerName }) => controllerName !== own);
    const ours = before.filter(({ controllerName }) => controllerName === own);
    const dated = entriesNow.map((entry, at) => {
      const known = ours.find((one) => jsonEqual(refOf(one), refOf(entry))) ?? ours[at];
      return { ...entry, conditions: dateAll(entry.conditions, known?.conditions, now) };
    });
    const entries = [...others, ...dated].slice(0, MOST_ENTRIES);
    return jsonEqual(ours, dated) || (before.length === 0 && entries.length === 0) ? undefined : { [field]: entries };
  }
  const { conditions = [], ...rest } = wanted.status as { readonly conditions?: readonly Condition[] };
  const dated: Record<string, unknown> = { ...rest, conditions: dateOwn(conditions, there.conditions, now) };
  const listeners = (rest as { readonly listeners?: readonly ListenerStatus[] }).listeners;
  if (listeners !== undefined) {
    const before = (there.listeners ?? []) as readonly ListenerStatus[];
    dated.listeners = listeners.map((listener) => {
      const known = before.find(({ name }) => name === listener.name);
      return { ...listener, conditions: dateAll(listener.conditions, known?.conditions, now) };
    });
  }
  const same = Object.entries(dated).every(([field, value]) => jsonEqual(there[field], value));
  return same ? undefined : dated;
}

function refOf(entry: Entry): unknown {
  const { parentRef, ancestorRef } = entry as { readonly parentRef?: object; readonly ancestorRef?: object };
  return parentRef ?? ancestorRef;
}

/** Types that are ours to take back as well: what is no longer said of them has to go. */
const OURS: ReadonlySet<string> = new Set(['Accepted', 'Programmed', 'ResolvedRefs', 'InsecureFrontendValidationMode']);

/** Conditions of types that are not ours stay. */
function dateOwn(conditions: readonly Condition[], there: unknown, now: string): readonly Condition[] {
  const before = (there ?? []) as readonly Condition[];
  const others = before.filter(({ type }) => !OURS.has(type) && !conditions.some((one) => one.type === type));
  return [...dateAll(conditions, before, now), ...others];
}

function dateAll(
  conditions: readonly Condition[],
  before: readonly Condition[] | undefined,
  now: string,
): readonly Condition[] {
  return conditions.map((condition) => {
    const known = before?.find(({ type }) => type === condition.type);
    const since = known?.status === condition.status ? known.lastTransitionTime : undefined;
    return { ...condition, lastTransitionTime: since ?? now };
  });
}
