// The mirrored requests that a worker has under way: how many there may be, and their end when the worker ends.
// Knows nothing of which requests are mirrored.

import { Admission } from '../../guards/admission.ts';
import type { HttpContext } from '../../http/context.ts';
import type { RequestBody } from '../../http/request-body.ts';
import { mayRepeat } from '../../http/retries.ts';
import { EndpointChoice } from '../../upstream/endpoint-choice.ts';
import type { FilterExchange } from '../filter.ts';
import { MirroredRequest } from './mirrored-request.ts';

/** Of one worker at a time: a mirror that does not answer must not fill the memory. */
const MAX_UNDER_WAY = 1024;

export class Mirrors {
  readonly #underWay = new Set<MirroredRequest>();

  /** Sends a copy of the request as it stands now, with `body`, which is whole. */
  send(x: FilterExchange, clusterName: string, body: RequestBody): void {
    const { context } = x;
    const outcome = this.#begin(x, context, clusterName, body);
    if (outcome !== '') context.stats.mirrored(clusterName, outcome);
  }

  /** Why nothing was sent; empty when it was. */
  #begin(x: FilterExchange, context: HttpContext, clusterName: string, body: RequestBody): string {
    if (context.draining) return 'draining';
    const cluster = context.snapshot.cluster(clusterName);
    if (cluster === undefined) return 'no_endpoint';
    if (this.#underWay.size >= MAX_UNDER_WAY) return 'overflow';
    const now = context.now();
    const choice = new EndpointChoice();
    choice.begin(x.facts.address, '');
    const pick = choice.next(cluster, context.pools.avoided.of(cluster, now), now);
    if (pick.type === 'none') return 'no_endpoint';
    const pool = context.pools.of(pick.target, cluster.config, x.facts.pair);
    const repeatable = mayRepeat(x.head.method);
    // It takes a place within the limits of its cluster, and never stands in line for one.
    const admission = new Admission(context.guards, context.stats);
    if (pool.transport.guard !== undefined && !pool.reuses(repeatable, false, now) && !context.pools.hasRoom(pool))
      return 'overflow';
    if (!admission.enter(cluster.config)) return 'overflow';
    pool.pod = pick.target.endpoint.pod;
    const request = new MirroredRequest(x, cluster.config, () => {
      this.#underWay.delete(request);
      admission.leave();
    });
    this.#underWay.add(request);
    request.begin(pool.take(repeatable, false, now), body);
    return '';
  }

  /** Gives up what is under way. */
  close(): void {
    for (const request of this.#underWay) request.cancel();
  }
}
