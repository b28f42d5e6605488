// What the engine and its workers say to each other; everything here survives structured clone.
// Types only; knows nothing of how either side acts on it.

import type { LogFields } from '#lib/log.ts';
import type { AccessLogSettings } from '#telemetry/access-record.ts';
import type { Exemplar, Series } from '#telemetry/series.ts';
import type { EncodedSpans } from '#telemetry/traces/span-batch.ts';
import type { HealthUpdate } from '#traffic/snapshot/index.ts';
import type { Explanation, Question } from '../explain/explanation.ts';
import type { Arrived } from '../explain/find-listener.ts';
import type { LongRun } from '../health/attempt-recorder.ts';
import type { HttpLimits } from '../http1/limits.ts';
import type { TicketSecrets } from '../tls/ticket-keys.ts';
import type { Description } from './description.ts';
import type { SentUpdate } from './sent-hosts.ts';

/** Given to a worker at its start. */
export interface WorkerSettings {
  readonly index: number;
  readonly workers: number;
  /** In-flight counts: one row of 32-bit cells a worker, one cell an endpoint. */
  readonly inFlight: SharedArrayBuffer;
  /** How attempts went (`health/outcome-memory.ts`). */
  readonly outcomes: SharedArrayBuffer;
  readonly metrics: SharedArrayBuffer;
  readonly limits: HttpLimits;
  /** Of session tickets, at the worker's start. */
  readonly ticketSecrets: TicketSecrets;
  /** Undefined: there is none. */
  readonly accessLog: AccessLogSettings | undefined;
  /** Of new traces the probability that they are recorded; undefined: there are no traces. */
  readonly traceRatio: number | undefined;
  readonly servedByHeader: string;
  /** CIDRs whose forwarding headers are believed. */
  readonly trustedProxies: readonly string[];
  /** Backends are told of clients by `Forwarded` too. */
  readonly forwarded: boolean;
  /** Addresses, besides 127.0.0.1, that node ports are served on. */
  readonly nodeAddresses: readonly string[];
  readonly clusterAddresses: boolean;
  /** CIDRs of load-balancer addresses that are served although no interface has them. */
  readonly balancerCidrs: readonly string[];
  /** Where this proxy is, for clusters that prefer what is near. */
  readonly place: { readonly node: string; readonly zone: string };
}

export type ToWorker =
  /** Session tickets are made with the first and opened with all from now on. */
  | { readonly type: 'ticket_secrets'; readonly secrets: TicketSecrets }
  | {
      readonly type: 'update';
      readonly update: SentUpdate;
      /** The counter slot of every endpoint key that is new since the last update. */
      readonly slots: readonly (readonly [string, number])[];
      /** What changes about the health of endpoints, at the same moment. */
      readonly health: HealthUpdate;
    }
  | { readonly type: 'health'; readonly health: HealthUpdate }
  | { readonly type: 'drain' }
  /** Asks for an answer, once everything said before it has been said. */
  | { readonly type: 'sync'; readonly describe: boolean }
  /** Asks what would become of a request. */
  | { readonly type: 'explain'; readonly id: number; readonly question: Question; readonly arrival: Arrived }
  /** The file of the access log was moved away. */
  | { readonly type: 'reopen_log' }
  /** One batch of spans has arrived. */
  | { readonly type: 'spans_taken' }
  | { readonly type: 'stop' };

export type FromWorker =
  | { readonly type: 'series'; readonly series: Series }
  /** The update is in force and its listeners are bound, or have failed and been reported. */
  | { readonly type: 'applied'; readonly version: number }
  | { readonly type: 'listening'; readonly name: string; readonly address: string; readonly port: number }
  | { readonly type: 'listen_error'; readonly name: string; readonly code: string; readonly message: string }
  | {
      readonly type: 'log';
      readonly level: 'debug' | 'info' | 'warn' | 'error';
      readonly fields: LogFields;
      readonly text: string;
    }
  /** No request and no connection is left. */
  | { readonly type: 'drained' }
  /** Spans for the exporter; `spans_taken` is the answer. */
  | { readonly type: 'spans'; readonly spans: EncodedSpans }
  | {
      readonly type: 'synced';
      readonly descriptions: readonly Description[];
      /** New ones since the last time, by cell. */
      readonly exemplars: ReadonlyMap<number, Exemplar>;
    }
  | { readonly type: 'explained'; readonly id: number; readonly explanation: Explanation }
  | ({ readonly type: 'long_run' } & LongRun)
  /** Requests have begun to wait for the first endpoint of a cluster. */
  | { readonly type: 'held'; readonly cluster: string };
