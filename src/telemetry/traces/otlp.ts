// Spans as OTLP has them: the messages that a collector is sent, in protocol buffers.
// Knows field numbers. (Upstream: opentelemetry-proto, trace/v1/trace.proto, common/v1/common.proto.)
import { ProtoBuffer } from './proto-buffer.ts';

export type AttributeValue = string | number;
/** Whole numbers only. */
export type Attributes = readonly (readonly [key: string, value: AttributeValue])[];

export interface Span {
  readonly traceId: string;
  readonly spanId: string;
  /** Empty for the first of a trace. */
  readonly parentId: string;
  readonly state: string;
  readonly name: string;
  readonly kind: 'server' | 'client';
  /** Milliseconds since the epoch. */
  readonly start: number;
  readonly end: number;
  readonly attributes: Attributes;
  /** What failed; undefined when nothing did. */
  readonly error: string | undefined;
}

const KIND = { server: 2, client: 3 } as const;
const STATUS_ERROR = 2;
const SAMPLED = 1;

export class SpanEncoder {
  readonly #span = new ProtoBuffer();
  readonly #pair = new ProtoBuffer();
  readonly #value = new ProtoBuffer();

  /** Adds the span to `into` as one more of ScopeSpans.spans. */
  encode(span: Span, into: ProtoBuffer): void {
    const out = this.#span;
    out.clear();
    out.hex(1, span.traceId);
    out.hex(2, span.spanId);
    if (span.state !== '') out.text(3, span.state);
    if (span.parentId !== '') out.hex(4, span.parentId);
    out.text(5, span.name);
    out.unsigned(6, KIND[span.kind]);
    out.fixed64(7, nanoseconds(span.start));
    out.fixed64(8, nanoseconds(span.end));
    this.#attributes(9, span.attributes, out);
    if (span.error !== undefined) {
      this.#pair.clear();
      if (span.error !== '') this.#pair.text(2, span.error);
      this.#pair.unsigned(3, STATUS_ERROR);
      out.message(15, this.#pair);
    }
    out.fixed32(16, SAMPLED);
    into.message(2, out);
  }

  /** ExportTraceServiceRequest: encoded spans, with who sends them. */
  request(spans: readonly Uint8Array[], resource: Attributes, scope: Attributes[number]): Uint8Array<ArrayBuffer> {
    const about = new ProtoBuffer();
    this.#attributes(1, resource, about);
    const library = new ProtoBuffer();
    library.text(1, scope[0]);
    library.text(2, String(scope[1]));
    const scoped = new ProtoBuffer();
    scoped.message(1, library);
    for (const bytes of spans) scoped.append(bytes);
    const whole = new ProtoBuffer();
    whole.message(1, about);
    whole.message(2, scoped);
    const request = new ProtoBuffer();
    request.message(1, whole);
    return request.copy();
  }

  #attributes(field: number, attributes: Attributes, out: ProtoBuffer): void {
    for (const [key, value] of attributes) {
      this.#value.clear();
      if (typeof value === 'string') this.#value.text(1, value);
      else this.#value.unsigned(3, value);
      this.#pair.clear();
      this.#pair.text(1, key);
      this.#pair.message(2, this.#value);
      out.message(field, this.#pair);
    }
  }
}

function nanoseconds(milliseconds: number): bigint {
  return BigInt(Math.round(milliseconds * 1000)) * 1000n;
}
