// Makes checked trailer lines of header fields.
// Knows nothing of what they say; names that frame or route a message are left out, as from trailers of HTTP/1.1.

import { OTHER, X_REQUEST_ID } from '../http1/known-headers.ts';
import type { HttpLimits } from '../http1/limits.ts';
import type { FieldSink } from './hpack/decoder.ts';
import { CONTENT_TYPE, type Field, GRPC_TIMEOUT, MALFORMED } from './hpack/field.ts';

export class TrailerFields implements FieldSink {
  /** Lines, each with its end. */
  text = '';
  /** A field that no trailer may have, or too many. */
  broken = false;
  #size = 0;
  #count = 0;
  readonly #limits: HttpLimits;

  constructor(limits: HttpLimits) {
    this.#limits = limits;
  }

  begin(): void {
    this.text = '';
    this.broken = false;
    this.#size = 0;
    this.#count = 0;
  }

  field(field: Field): void {
    const { kind } = field;
    this.#size += field.size;
    if (kind >= MALFORMED || this.#size > this.#limits.head || ++this.#count > this.#limits.headers) this.broken = true;
    else if (kind === OTHER || kind === X_REQUEST_ID || kind === CONTENT_TYPE || kind === GRPC_TIMEOUT)
      this.text += field.line;
  }
}
