// What an endpoint says of its own load (ORCA, `xds.data.orca.v3.OrcaLoadReport`), as far as weights need it.
// Types only; knows neither headers nor weights.

export interface LoadReport {
  /** Fraction of what the endpoint can do by its own measure; 0 when it does not say. May be above 1. */
  readonly applicationUtilization: number;
  /** Fraction of the CPU it may use; 0 when it does not say. May be above 1. */
  readonly cpuUtilization: number;
  /** Requests a second, from everybody. */
  readonly rps: number;
  /** Of these, errors a second. */
  readonly eps: number;
}

export type ParsedLoadReport =
  | { readonly type: 'report'; readonly report: LoadReport }
  /** `reason` is fit for a log line. */
  | { readonly type: 'invalid'; readonly reason: string };

/** A report under construction. */
export type LoadReportDraft = { -readonly [Field in keyof LoadReport]: number };

export function emptyReport(): LoadReportDraft {
  return { applicationUtilization: 0, cpuUtilization: 0, rps: 0, eps: 0 };
}

export function invalidReport(reason: string): ParsedLoadReport {
  return { type: 'invalid', reason };
}
