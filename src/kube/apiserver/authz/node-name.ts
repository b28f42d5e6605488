// Which node a user is, by its name and group.
// Knows users only. Upstream source: pkg/auth/nodeidentifier.
import type { User } from '../http/authn.ts';

const NODES = 'system:nodes';
const PREFIX = 'system:node:';

/** Undefined for whoever is no node. */
export function nodeOf({ name, groups }: User): string | undefined {
  return name.startsWith(PREFIX) && groups.includes(NODES) ? name.slice(PREFIX.length) : undefined;
}
