// Sends a copy of some requests to another cluster, once they have come whole; nobody waits for its answer.
// Knows nothing of connections. A request that is longer than what is kept of requests is not mirrored.

import { RequestBody } from '../../http/request-body.ts';
import type { FilterExchange, FilterFactory, HttpFilter } from '../filter.ts';

export interface MirrorConfig {
  readonly cluster: string;
  readonly percent: number;
}

export function mirror({ cluster, percent }: MirrorConfig): FilterFactory {
  // Each request adds its percents, and every whole hundred is a mirrored one: exact over any stretch of requests.
  // The first stretch begins anywhere, so that routes which change often mirror their share as well.
  let sum = -1;
  return ({ context, head }) => {
    if (sum < 0) sum = context.random() * 100;
    sum += percent;
    if (sum < 100) return idle;
    sum -= 100;
    // What both sides agree on behind a switch of protocols is no request.
    return head.upgrade === '' ? new Mirror(cluster) : idle;
  };
}

const idle: HttpFilter = {};

class Mirror implements HttpFilter {
  readonly #cluster: string;
  /** Undefined once the copy is sent or given up. */
  #body: RequestBody | undefined = new RequestBody();
  #bytes = 0;
  #x: FilterExchange | undefined;

  constructor(cluster: string) {
    this.#cluster = cluster;
  }

  onRequestBody(x: FilterExchange, from: number): undefined {
    const body = this.#body;
    if (body === undefined) return;
    this.#x = x;
    const { parts, ended, trailers } = x.body;
    for (let at = from; at < parts.length; at++) {
      const part = parts[at] as string | Buffer;
      this.#bytes += part.length;
      body.parts.push(part);
    }
    if (this.#bytes > x.context.limits.replay) {
      this.#giveUp(x, 'too_large');
    } else if (ended) {
      this.#body = undefined;
      body.end(trailers);
      x.context.mirrors.send(x, this.#cluster, body);
    }
  }

  onEnd(): void {
    if (this.#x !== undefined && this.#body !== undefined) this.#giveUp(this.#x, 'incomplete');
  }

  #giveUp(x: FilterExchange, outcome: string): void {
    this.#body = undefined;
    x.context.stats.mirrored(this.#cluster, outcome);
  }
}
