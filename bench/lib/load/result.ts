// What every load tool reports, whichever it is.
// Types only.

export interface LoadResult {
  readonly requests: number;
  readonly errors: number;
  readonly seconds: number;
  /** Milliseconds; NaN where the tool does not tell. */
  readonly p99Ms: number;
}
