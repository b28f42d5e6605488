// Questions a user asks about itself: may I, and who am I.
// Knows that whoever is authenticated may do everything.
import type { Reply, ResourceRequest } from '../context.ts';
import { readObject } from '../write/input.ts';
import { writeOptions } from '../write/options.ts';
import { timestamp } from '../write/times.ts';

export async function reviewAccess(request: ResourceRequest): Promise<Reply> {
  const review = await readObject(request, writeOptions(request));
  review.status = { allowed: true, reason: 'every authenticated user is allowed' };
  return { code: 201, object: review };
}

export async function reviewSelf(request: ResourceRequest): Promise<Reply> {
  const review = await readObject(request, writeOptions(request));
  const { name, groups } = request.user;
  review.metadata = { ...review.metadata, creationTimestamp: timestamp(request.server.clock.wall()) };
  review.status = { userInfo: { username: name, groups } };
  return { code: 201, object: review };
}
