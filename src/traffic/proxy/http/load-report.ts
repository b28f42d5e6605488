// Takes the load report (ORCA) of an endpoint out of a response: it is for the proxy, and no client's business.
// Knows the names of the headers; what a report says is read elsewhere.

import { LOAD_REPORT_BINARY_HEADER, LOAD_REPORT_HEADER } from '#traffic/balancer/load-reports/parse.ts';
import type { ClusterEntry, EngineTarget } from '#traffic/snapshot/index.ts';
import { fieldValue, type HeaderLines, removeFields } from './head-edits.ts';

const names: ReadonlySet<string> = new Set([LOAD_REPORT_HEADER, LOAD_REPORT_BINARY_HEADER]);

/** Does nothing for a cluster that does not ask for reports: then the headers pass like any other. */
export function takeLoadReport(head: HeaderLines, cluster: ClusterEntry, target: EngineTarget, now: number): void {
  if (cluster.reportLoad === undefined) return;
  const text = fieldValue(head, LOAD_REPORT_HEADER);
  const binary = text === undefined ? fieldValue(head, LOAD_REPORT_BINARY_HEADER) : undefined;
  if (text === undefined && binary === undefined) return;
  cluster.reportLoad(target, text ?? `BIN ${binary}`, now);
  removeFields(head, names);
}
