// Changes host and path on the way to the backend; logs, metrics and X-Forwarded-Host keep what the client asked for.
// Knows nothing of which backend that is.

import type { PathMatch, PathRewrite } from '#traffic/model/ir.ts';
import { textReply } from '../http/local-reply.ts';
import type { HttpFilter } from './filter.ts';
import { pathRewriter, rewriteTarget } from './path-rewriter.ts';

export interface RewriteConfig {
  readonly hostname?: string;
  readonly path?: PathRewrite;
}

export const unusableRewrite = textReply(400, 'Path cannot be rewritten', 'rewrite');

export function rewrite({ hostname = '', path }: RewriteConfig, match: PathMatch): HttpFilter {
  const rewriter = path === undefined ? undefined : pathRewriter(path, match);
  return {
    onRequest({ head }) {
      if (hostname !== '') head.rewrittenAuthority = hostname;
      // `OPTIONS *` asks about the server and has no path.
      if (rewriter === undefined || head.target === '*') return undefined;
      const target = rewriteTarget(head.forwardTarget, rewriter);
      if (target === undefined) return unusableRewrite;
      head.rewrittenTarget = target;
      return undefined;
    },
  };
}
