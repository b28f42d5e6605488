// The W3C trace context: who called, in which trace, and whether it is recorded.
// Knows header values; nothing of spans. (www.w3.org/TR/trace-context/)

export interface TraceParent {
  /** 32 hexadecimal digits in lower case. */
  readonly traceId: string;
  /** 16 of them: the span of the caller. */
  readonly spanId: string;
  readonly sampled: boolean;
}

const TRACEPARENT = /^(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
const SAMPLED = 1;
/** What a caller's `tracestate` may be long; beyond, it is left out (3.3.1.5). */
const STATE_LENGTH = 512;

/** Undefined when there is none, or when it is malformed: then a new trace begins. */
export function parseTraceParent(value: string | undefined): TraceParent | undefined {
  if (value === undefined) return undefined;
  const [, version, traceId = '', spanId = '', flags = '', rest] = TRACEPARENT.exec(value) ?? [];
  // Later versions may say more behind what is known of them.
  if (version === undefined || (version === '00' && rest !== undefined)) return undefined;
  return { traceId, spanId, sampled: (Number.parseInt(flags, 16) & SAMPLED) !== 0 };
}

/** Empty when it is too long, or holds what no header may. */
export function traceStateOf(value: string | undefined): string {
  if (value === undefined || value.length > STATE_LENGTH) return '';
  return /^[\x20-\x7e\t]*$/.test(value) ? value : '';
}

/** The header lines for the next one, each with its line end. */
export function traceLines(traceId: string, spanId: string, sampled: boolean, state: string): string {
  const parent = `traceparent: 00-${traceId}-${spanId}-${sampled ? '01' : '00'}\r\n`;
  return state === '' ? parent : `${parent}tracestate: ${state}\r\n`;
}

/**
 * Whether a new trace is recorded: the same for all who ask of the same trace and ratio, since its id is random.
 * (OpenTelemetry's TraceIdRatioBased.)
 */
export function isSampled(traceId: string, ratio: number): boolean {
  return Number.parseInt(traceId.slice(-8), 16) < ratio * 0x1_0000_0000;
}
