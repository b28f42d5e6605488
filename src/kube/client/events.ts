// Records what happened to an object as Kubernetes Events, folding repetitions into counts.
// Knows nothing of why things happen; it never makes its caller wait or fail.
import type { Event } from 'kubernetes-types/core/v1.js';
import { type KubeObject, objectKey } from '#kube/api/object.ts';
import { builtin } from '#kube/api/resources.ts';
import { isStatus } from '#kube/api/status.ts';
import type { Clock } from '#lib/clock.ts';
import type { Logger } from '#lib/log.ts';
import type { Client } from './client.ts';
import { EventCorrelator, type Observation } from './event-correlator.ts';

export interface EventRecorder {
  /**
   * Notes an event about `object`, or about the part of it at `fieldPath` (e.g. `spec.containers{app}`). Returns at once;
   * what cannot be written is logged and forgotten.
   */
  event(object: KubeObject, type: 'Normal' | 'Warning', reason: string, message: string, fieldPath?: string): void;
  /** The same recorder under another component name, e.g. `deployment-controller`. */
  as(component: string): EventRecorder;
  /** Resolves once everything noted so far is written or given up. */
  flush(): Promise<void>;
}

export interface EventRecorderOptions {
  readonly component: string;
  /** Node that the component runs on, where that says something. */
  readonly host?: string;
  readonly clock: Clock;
  readonly log: Logger;
  /** From 0 to below 1; default `Math.random`. */
  readonly random?: () => number;
}

const EVENTS = builtin('Event');
/** A server that is down must not make us hold events without end. */
const MAX_WAITING = 1000;
/** Upstream's limit for an event's message, in characters. */
const MAX_MESSAGE = 1024;

/** Events are written one after another, in the order they were noted. */
export function createEventRecorder(client: Client, options: EventRecorderOptions): EventRecorder {
  const correlator = new EventCorrelator(options.clock);
  let waiting = 0;
  let tail = Promise.resolve();
  let lastStamp = 0n;

  const { random = Math.random } = options;

  /**
   * Upstream appends the time in nanoseconds, of which we have only milliseconds. Chance fills in the rest: another
   * recorder may note something about the same object within the same millisecond.
   */
  const nameFor = (object: KubeObject): string => {
    const now = BigInt(Math.round(options.clock.wall())) * 1_000_000n + BigInt(Math.floor(random() * 1e6));
    lastStamp = now > lastStamp ? now : lastStamp + 1n;
    return `${object.metadata?.name ?? 'unknown'}.${lastStamp.toString(16)}`;
  };

  const recorderFor = (component: string): EventRecorder => ({
    event(object, type, reason, message, fieldPath) {
      if (waiting >= MAX_WAITING) {
        options.log.warn({ object: objectKey(object), reason }, 'Too many events wait to be written; dropping one');
        return;
      }
      const about = `${object.apiVersion}|${object.kind}|${objectKey(object)}|${object.metadata?.uid}|${fieldPath ?? ''}`;
      const text = message.slice(0, MAX_MESSAGE);
      const verdict = correlator.correlate({ component, about, type, reason, message: text }, () => nameFor(object));
      if (verdict.action === 'drop') return;
      const observation = { ...verdict.observation };
      const event = eventOf(object, component, options, type, reason, verdict.message, observation);
      if (fieldPath !== undefined) event.involvedObject.fieldPath = fieldPath;
      waiting += 1;
      tail = tail.then(async () => {
        try {
          await write(client, event, verdict.action === 'count');
        } catch (error) {
          // A namespace that is going away takes no more events; that is no news.
          const level = isStatus(error, 403) || isStatus(error, 404) ? 'debug' : 'warn';
          options.log[level]({ reason, error: (error as Error).message }, 'Event could not be written');
        } finally {
          waiting -= 1;
        }
      });
    },
    as: recorderFor,
    flush: () => tail,
  });
  return recorderFor(options.component);
}

async function write(client: Client, event: Event, exists: boolean): Promise<void> {
  const { name = '', namespace } = event.metadata;
  if (exists) {
    const { count, lastTimestamp, message } = event;
    try {
      await client.patch(EVENTS, name, namespace, 'merge', { count, lastTimestamp, message });
      return;
    } catch (error) {
      // Expired meanwhile: it is created again, with the count it has reached.
      if (!isStatus(error, 404)) throw error;
    }
  }
  await client.create(EVENTS, event);
}

function eventOf(
  object: KubeObject,
  component: string,
  { host, clock }: EventRecorderOptions,
  type: string,
  reason: string,
  message: string,
  { name, count, firstSeen }: Observation,
): Event {
  const { metadata = {} } = object;
  const source = { component, ...(host === undefined ? {} : { host }) };
  // Events about cluster-wide objects stand in the default namespace, as upstream.
  const namespace = metadata.namespace === undefined || metadata.namespace === '' ? 'default' : metadata.namespace;
  return {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { name, namespace },
    involvedObject: {
      apiVersion: object.apiVersion,
      kind: object.kind,
      namespace: metadata.namespace,
      name: metadata.name,
      uid: metadata.uid,
      resourceVersion: metadata.resourceVersion,
    },
    type,
    reason,
    message,
    source,
    count,
    firstTimestamp: timestamp(firstSeen),
    lastTimestamp: timestamp(clock.wall()),
    reportingComponent: component,
    reportingInstance: host ?? '',
  };
}

/** RFC 3339 with whole seconds, as Kubernetes writes `metav1.Time`. */
export function timestamp(wallMs: number): string {
  return `${new Date(wallMs).toISOString().slice(0, 19)}Z`;
}
