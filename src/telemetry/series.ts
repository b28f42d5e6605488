// What a metric is and what one of its series is, as data that crosses threads.
// Knows nothing of HTTP or endpoints; names and labels come from whoever defines them.

export interface MetricDefinition {
  /** Full Prometheus name, unit suffix included. */
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly labels: readonly string[];
  /** Label sets one thread may open; whatever comes later is counted under `other`. */
  readonly maxSeries: number;
}

/** One label set and where its cells lie in the memory of the thread that owns it. */
export interface Series {
  readonly metric: string;
  readonly labels: readonly string[];
  readonly cell: number;
  /** The series is over and its cells are given back. */
  readonly ended?: boolean;
}

/** One observation of a histogram that a trace tells more of. */
export interface Exemplar {
  /** 32 hexadecimal digits. */
  readonly traceId: string;
  readonly seconds: number;
  /** Wall time in milliseconds. */
  readonly at: number;
}

/** Value of every label of the series that takes what is beyond `maxSeries`. */
export const OVERFLOW_LABEL = 'other';
