// Compresses responses for clients that accept it, by the policy of the route.
// Knows what was negotiated; nothing of bytes.

import type { CompressionPolicy } from '#traffic/model/ir.ts';
import type { ResponseHead } from '../../http1/response-head.ts';
import type { FilterExchange, FilterFactory, HttpFilter, ResponseSink } from '../filter.ts';
import { CompressedResponse } from './compressed-response.ts';
import { Eligibility } from './eligible.ts';
import { type Coding, negotiate } from './negotiate.ts';

export function compression(policy: CompressionPolicy): FilterFactory {
  const eligibility = new Eligibility(policy);
  return () => new Compression(policy.algorithms, eligibility);
}

class Compression implements HttpFilter {
  readonly #algorithms: readonly Coding[];
  readonly #eligibility: Eligibility;
  #accepted: string | undefined;
  #response: CompressedResponse | undefined;

  constructor(algorithms: readonly Coding[], eligibility: Eligibility) {
    this.#algorithms = algorithms;
    this.#eligibility = eligibility;
  }

  onRequest({ head }: FilterExchange): undefined {
    this.#accepted = head.header('accept-encoding');
  }

  wrap(x: FilterExchange, _head: ResponseHead, next: ResponseSink): ResponseSink {
    // Of a try whose answer came to nothing.
    this.#response?.close();
    // HTTP/1.0 knows no chunks, and the compressed length is not known before the end.
    const coding = x.head.minor === 0 ? undefined : negotiate(this.#accepted, this.#algorithms);
    this.#response = new CompressedResponse(x, next, this.#eligibility, coding);
    return this.#response;
  }

  onEnd(): void {
    this.#response?.close();
  }
}
