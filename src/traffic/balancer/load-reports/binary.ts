// Reads a load report as a protobuf message: the few fields that weights need, all others are skipped.
// Knows the wire format and the field numbers of `OrcaLoadReport`, nothing of headers.
import { emptyReport, invalidReport, type LoadReportDraft, type ParsedLoadReport } from './report.ts';

const doubles: ReadonlyMap<number, keyof LoadReportDraft> = new Map<number, keyof LoadReportDraft>([
  [1, 'cpuUtilization'],
  [6, 'rps'],
  [7, 'eps'],
  [9, 'applicationUtilization'],
]);

const VARINT = 0;
const FIXED64 = 1;
const LENGTH_DELIMITED = 2;
const FIXED32 = 5;

export function parseBinaryReport(bytes: Uint8Array): ParsedLoadReport {
  const report = emptyReport();
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;

  /** Reads a varint of up to 2^53; -1 when it is cut short or longer. */
  const varint = (): number => {
    let value = 0;
    for (let scale = 1; scale <= 2 ** 49; scale *= 128) {
      const byte = bytes[at++];
      if (byte === undefined) return -1;
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
    return -1;
  };

  while (at < bytes.length) {
    const tag = varint();
    const wireType = tag % 8;
    const field = Math.floor(tag / 8);
    if (tag < 0 || field === 0) return invalidReport('Load report is no protobuf message');
    if (wireType === FIXED64) {
      if (at + 8 > bytes.length) return invalidReport('Load report ends within a field');
      const name = doubles.get(field);
      const value = view.getFloat64(at, true);
      at += 8;
      if (name === undefined) continue;
      if (!Number.isFinite(value) || value < 0) {
        return invalidReport(`Load report has "${value}" in field ${field}: use a number, 0 or more`);
      }
      report[name] = value;
    } else if (wireType === VARINT) {
      if (skipVarint(bytes, at) < 0) return invalidReport('Load report ends within a field');
      at = skipVarint(bytes, at);
    } else if (wireType === LENGTH_DELIMITED) {
      const length = varint();
      if (length < 0 || at + length > bytes.length) return invalidReport('Load report ends within a field');
      at += length;
    } else if (wireType === FIXED32) {
      at += 4;
      if (at > bytes.length) return invalidReport('Load report ends within a field');
    } else {
      return invalidReport(`Load report has a field of wire type ${wireType}`);
    }
  }
  return { type: 'report', report };
}

/** Where the varint that begins at `from` ends (ten bytes at most); -1 when it does not. */
function skipVarint(bytes: Uint8Array, from: number): number {
  for (let at = from; at < from + 10; at++) {
    const byte = bytes[at];
    if (byte === undefined) return -1;
    if (byte < 128) return at + 1;
  }
  return -1;
}
