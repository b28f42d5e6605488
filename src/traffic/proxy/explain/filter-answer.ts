// Whether a filter answers a request before any backend is asked, by its head alone: for explanations.
// Asks what the filters ask, and changes nothing; what only the body shows is not known here.
import { inOrder } from '#traffic/model/filter-order.ts';
import type { Route, WeightedCluster } from '#traffic/model/ir.ts';
import { routeProblems } from '#traffic/model/route-problems.ts';
import { announcedTooLong, bodyTooLarge } from '../filters/body-limit.ts';
import { invalidFilter } from '../filters/chain.ts';
import { preflightReply } from '../filters/cors.ts';
import { pathRewriter, rewriteTarget } from '../filters/path-rewriter.ts';
import { unusableRewrite } from '../filters/rewrite.ts';
import type { LocalReply } from '../http/local-reply.ts';
import type { HttpLimits } from '../http1/limits.ts';
import type { RequestHead } from '../http1/request-head.ts';
import type { FilterAnswer } from './explanation.ts';

/** `limits` are asked before a request is held for its body; undefined where it goes to no cluster, and is not held. */
export function filterAnswer(
  route: Route,
  backend: WeightedCluster | undefined,
  head: RequestHead,
  limits: HttpLimits | undefined,
): FilterAnswer | undefined {
  if (route.filters === undefined && backend?.filters === undefined) return undefined;
  if (routeProblems(route).length > 0) return answer('invalid', invalidFilter);
  let target = head.target;
  for (const filter of inOrder(route.filters, backend?.filters)) {
    if (filter.type === 'cors') {
      const reply = preflightReply(filter, head);
      if (reply !== undefined) return answer(filter.type, reply);
    } else if (filter.type === 'body_limit' || filter.type === 'buffer_request') {
      if (announcedTooLong(head, filter.maxBytes)) return answer(filter.type, bodyTooLarge);
      if (filter.type === 'buffer_request' && head.contentLength !== 0) {
        const tooLong = limits && limitAnswer(head, limits);
        // The filters behind this one meet a request only once its body has come.
        if (limits === undefined || tooLong !== undefined) return tooLong;
      }
    } else if (filter.type === 'external_auth') {
      if (filter.maxBody > 0 && announcedTooLong(head, filter.maxBody)) return answer(filter.type, bodyTooLarge);
    } else if (filter.type === 'rewrite' && filter.path !== undefined && head.target !== '*') {
      const rewritten = rewriteTarget(target, pathRewriter(filter.path, route.path));
      if (rewritten === undefined) return answer(filter.type, unusableRewrite);
      target = rewritten;
    }
  }
  return undefined;
}

/** The limit on bodies, which is asked after the filters. */
export function limitAnswer(head: RequestHead, { body }: HttpLimits): FilterAnswer | undefined {
  return body > 0 && announcedTooLong(head, body) ? answer('limits', bodyTooLarge) : undefined;
}

function answer(by: FilterAnswer['by'], { status, body }: LocalReply): FilterAnswer {
  return { by, status, reason: body.trim() };
}
