// Host and path of a request as its backend gets them, after the rewrites on the way.
// Knows no backend; changes nothing of the request.
import { inOrder } from '#traffic/model/filter-order.ts';
import type { Route, WeightedCluster } from '#traffic/model/ir.ts';
import { pathRewriter, rewriteTarget } from '../filters/path-rewriter.ts';
import type { RequestHead } from '../http1/request-head.ts';
import type { ExplainedBackend } from './explanation.ts';

/** Empty when both stay as they are. */
export function sentAs(route: Route, backend: WeightedCluster, head: RequestHead): Pick<ExplainedBackend, 'sentAs'> {
  let host = head.authority;
  let path = head.target;
  for (const filter of inOrder(route.filters, backend.filters)) {
    if (filter.type === 'rewrite') {
      host = filter.hostname ?? host;
      if (filter.path !== undefined) path = rewriteTarget(path, pathRewriter(filter.path, route.path)) ?? path;
    } else if (filter.type === 'request_headers') {
      host = filter.set?.findLast(({ name }) => name.toLowerCase() === 'host')?.value ?? host;
    }
  }
  return host === head.authority && path === head.target ? {} : { sentAs: { host, path } };
}
