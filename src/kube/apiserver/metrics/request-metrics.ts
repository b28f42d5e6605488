// What the API server counts: requests by verb and resource, those in flight, watches, objects and the revision.
// Knows names and numbers; what a request is about is told by whoever serves it.
import type { Store } from '#kube/store/store.ts';
import type { Clock } from '#lib/clock.ts';
import type { MetricFormat } from '#telemetry/format.ts';
import { processMetrics } from '#telemetry/process-metrics.ts';
import { MetricRecorder } from '#telemetry/recorder.ts';
import type { MetricDefinition } from '#telemetry/series.ts';
import { AdmissionMetrics } from './admission-metrics.ts';

const metric = (
  name: string,
  type: MetricDefinition['type'],
  labels: readonly string[],
  maxSeries: number,
  help: string,
): MetricDefinition => ({ name: `evenkeel_apiserver_${name}`, help, type, labels, maxSeries });

const definitions = {
  requests: metric(
    'requests_total',
    'counter',
    ['verb', 'group', 'resource', 'code'],
    4000,
    'Requests answered, by what was done to which resource and the HTTP status; resource is none for discovery, health and unknown paths, and group is empty for core resources.',
  ),
  duration: metric(
    'request_duration_seconds',
    'histogram',
    ['verb', 'group', 'resource'],
    1000,
    'Time from the head of a request to the end of its answer; watches, logs, exec and proxying last as long as clients like and are left out.',
  ),
  inFlight: metric(
    'requests_in_flight',
    'gauge',
    [],
    1,
    'Requests that are being answered, long-running ones left out; growing without end means that the store is too slow.',
  ),
  longRunning: metric(
    'long_running_requests',
    'gauge',
    ['verb', 'group', 'resource'],
    1000,
    'Watches, logs, exec, attach, port-forward and proxying under way.',
  ),
  objects: metric(
    'storage_objects',
    'gauge',
    ['group', 'resource'],
    1000,
    'Objects of each resource that somebody has asked for since the start.',
  ),
  used: metric('storage_used_bytes', 'gauge', [], 1, 'What objects and their history take in the store.'),
  quota: metric(
    'storage_quota_bytes',
    'gauge',
    [],
    1,
    'From how many used bytes on the store takes deletions only; 0 means that there is no such limit.',
  ),
  alarm: metric(
    'storage_alarm',
    'gauge',
    ['alarm'],
    2,
    '1 while writes are refused: quota, the store has reached its quota; disk, its disk takes no more.',
  ),
  revision: metric('storage_revision', 'gauge', [], 1, 'Revision of the store; its rate is writes a second.'),
} as const satisfies Record<string, MetricDefinition>;

/** Counters and gauges of 8 bytes, histograms of 176: all series at their bounds together. */
const BYTES = 512 * 1024;

/** What a request is about; filled in as it is found out. */
export interface Subject {
  verb: string;
  group: string;
  resource: string;
  longRunning: boolean;
}

export interface StoredCount {
  readonly group: string;
  readonly resource: string;
  readonly count: number;
}

export class RequestMetrics {
  readonly admission = new AdmissionMetrics();
  readonly #recorder = new MetricRecorder(definitions, BYTES);
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#recorder.set(definitions.inFlight, [], 0);
  }

  /** Returns what to call when the answer has ended, with its status. */
  begin(subject: Subject): { named(): void; end(status: number): void } {
    const recorder = this.#recorder;
    const began = this.#clock.now();
    let long: readonly string[] | undefined;
    recorder.add(definitions.inFlight, []);
    return {
      named() {
        if (!subject.longRunning || long !== undefined) return;
        long = [subject.verb, subject.group, subject.resource];
        recorder.add(definitions.inFlight, [], -1);
        recorder.add(definitions.longRunning, long);
      },
      end: (status) => {
        const labels = [subject.verb, subject.group, subject.resource];
        recorder.add(definitions.requests, [...labels, String(status)]);
        if (long !== undefined) {
          recorder.add(definitions.longRunning, long, -1);
          return;
        }
        recorder.add(definitions.inFlight, [], -1);
        recorder.observe(definitions.duration, labels, this.#clock.now() - began);
      },
    };
  }

  /** Ends with a line break. */
  text(stored: Iterable<StoredCount>, store: Pick<Store, 'revision' | 'health'>, format: MetricFormat): string {
    const recorder = this.#recorder;
    const counts = [...stored].map(({ group, resource, count }) => [[group, resource], count] as const);
    recorder.replace(definitions.objects, counts);
    recorder.set(definitions.revision, [], store.revision());
    const { alarm, usedBytes, quotaBytes } = store.health();
    recorder.set(definitions.used, [], usedBytes);
    recorder.set(definitions.quota, [], quotaBytes);
    for (const name of ['quota', 'disk'] as const)
      recorder.set(definitions.alarm, [name], alarm?.alarm === name ? 1 : 0);
    return `${recorder.text(format)}${this.admission.text(format)}${processMetrics(format)}`;
  }
}
