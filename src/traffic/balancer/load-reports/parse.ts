// Reads the response headers in which endpoints report load: `endpoint-load-metrics` and `endpoint-load-metrics-bin`.
// Never throws: a backend sends what it likes. Knows nothing of weights.
import { parseBinaryReport } from './binary.ts';
import { emptyReport, invalidReport, type LoadReportDraft, type ParsedLoadReport } from './report.ts';

/** Lower case, as the codec hands names out. */
export const LOAD_REPORT_HEADER = 'endpoint-load-metrics';
export const LOAD_REPORT_BINARY_HEADER = 'endpoint-load-metrics-bin';

/** Longer ones are refused: a report that weights need fits in far less. */
const MAX_LENGTH = 8192;

/** Metric names of the report, and their JSON names; everything else in a report is for others. */
const fields: ReadonlyMap<string, keyof LoadReportDraft> = new Map<string, keyof LoadReportDraft>([
  ['application_utilization', 'applicationUtilization'],
  ['applicationUtilization', 'applicationUtilization'],
  ['cpu_utilization', 'cpuUtilization'],
  ['cpuUtilization', 'cpuUtilization'],
  ['rps_fractional', 'rps'],
  ['rpsFractional', 'rps'],
  ['eps', 'eps'],
]);

/**
 * The value of `endpoint-load-metrics`: `TEXT cpu_utilization=0.3, rps_fractional=100`, `JSON {"cpu_utilization":0.3}`,
 * `BIN ` and the protobuf message in base64, or the older form `cpu_utilization:0.3` without a word in front.
 * The value of `endpoint-load-metrics-bin`, which gRPC servers send, is read with `BIN ` put in front.
 */
export function parseLoadReport(value: string): ParsedLoadReport {
  if (value.length > MAX_LENGTH) {
    return invalidReport(`Load report is ${value.length} characters long: ${MAX_LENGTH} at most`);
  }
  if (value.startsWith('JSON ')) return parseJson(value.slice(5));
  if (value.startsWith('BIN ')) return parseBase64(value.slice(4));
  return parseText(value.startsWith('TEXT ') ? value.slice(5) : value);
}

function parseText(text: string): ParsedLoadReport {
  const report = emptyReport();
  const seen = new Set<string>();
  for (const part of text.split(',')) {
    const entry = part.trim();
    if (entry === '') continue;
    const cut = entry.search(/[=:]/);
    const name = (cut < 0 ? entry : entry.slice(0, cut)).trim();
    const value = cut < 0 ? '' : entry.slice(cut + 1).trim();
    if (name === '') return invalidReport(`Load report has a metric without a name: "${entry}"`);
    if (seen.has(name)) return invalidReport(`Load report names metric "${name}" twice`);
    seen.add(name);
    const problem = take(report, name, value === '' ? Number.NaN : Number(value), value);
    if (problem !== undefined) return problem;
  }
  return seen.size === 0 ? invalidReport('Load report is empty') : { type: 'report', report };
}

function parseJson(text: string): ParsedLoadReport {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return invalidReport('Load report is no JSON');
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
    return invalidReport('Load report is no JSON object');
  }
  const report = emptyReport();
  for (const [name, value] of Object.entries(parsed)) {
    if (value === null) continue;
    // Protobuf's JSON allows numbers as strings, too.
    const number =
      typeof value === 'number' ? value : typeof value === 'string' && value !== '' ? Number(value) : Number.NaN;
    const problem = take(report, name, number, String(value));
    if (problem !== undefined) return problem;
  }
  return { type: 'report', report };
}

function parseBase64(text: string): ParsedLoadReport {
  let bytes: Uint8Array;
  try {
    bytes = Uint8Array.fromBase64(text.trim());
  } catch {
    return invalidReport('Load report is no base64');
  }
  return parseBinaryReport(bytes);
}

/** Metrics that weights do not need (`mem_utilization`, `named_metrics.x`, ...) pass unread. */
function take(report: LoadReportDraft, name: string, number: number, written: string): ParsedLoadReport | undefined {
  const field = fields.get(name);
  if (field === undefined) return undefined;
  if (!Number.isFinite(number) || number < 0) {
    return invalidReport(`Load report has "${written}" as metric "${name}": use a number, 0 or more`);
  }
  report[field] = number;
  return undefined;
}
