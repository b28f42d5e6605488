// Questions about users: who am I, and whose is this token.
// Knows users and tokens; what they may do is asked in authz/.
import { badRequest } from '#kube/api/status.ts';
import type { Reply, ResourceRequest } from '../context.ts';
import { digArray, digString } from '../registry/any-object.ts';
import { readObject } from '../write/input.ts';
import { writeOptions } from '../write/options.ts';
import { timestamp } from '../write/times.ts';
import { userInfo } from './user-info.ts';

export async function reviewSelf(request: ResourceRequest): Promise<Reply> {
  const review = await readObject(request, writeOptions(request));
  review.metadata = { ...review.metadata, creationTimestamp: timestamp(request.server.clock.wall()) };
  review.status = { userInfo: userInfo(request.user) };
  return { code: 201, object: review };
}

/** Upstream's TokenReview: a token that is not accepted is an answer, not a failure. */
export async function reviewToken(request: ResourceRequest): Promise<Reply> {
  const review = await readObject(request, writeOptions(request));
  const token = digString(review, 'spec', 'token');
  if (token === '') throw badRequest('token is required for TokenReview in authentication');
  const asked = digArray(review, 'spec', 'audiences').map(String);
  const outcome = request.server.tokens.authenticate(token, asked.length === 0 ? undefined : asked);
  review.status =
    'user' in outcome
      ? { authenticated: true, user: userInfo(outcome.user), audiences: outcome.audiences }
      : { user: {}, error: outcome.error };
  return { code: 201, object: review };
}
