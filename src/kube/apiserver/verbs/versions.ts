// What a resourceVersion in a request means, and the errors for one that cannot be served.
// Knows upstream's rules for reads; revisions themselves are the store's.
import { badRequest, expired, invalid, StatusError } from '#kube/api/status.ts';
import { CompactedError, FutureRevisionError } from '#kube/store/store.ts';
import type { Resource } from '../registry/registry.ts';

/** Undefined for none. Throws `StatusError` 400 (as upstream: Invalid value) for text that is no revision. */
export function parseRevision(text: string | null): number | undefined {
  if (text === null || text === '') return undefined;
  if (!/^\d{1,15}$/.test(text)) {
    throw badRequest(
      `resourceVersion: Invalid value: ${JSON.stringify(text)}: strconv.ParseUint: parsing ${JSON.stringify(text)}: invalid syntax`,
    );
  }
  return Number(text);
}

/** Upstream's answer when a client has seen more than this server: `ResourceVersionTooLarge`. */
export function tooLarge(asked: number, current: number): StatusError {
  return new StatusError(504, 'Timeout', `Too large resource version: ${asked}, current: ${current}`, {
    causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }],
    retryAfterSeconds: 1,
  });
}

/** Turns the store's errors about revisions into what clients expect; others pass through. */
export function revisionError(error: unknown, asked: number): unknown {
  if (error instanceof CompactedError) return expired(`too old resource version: ${asked} (${error.compacted})`);
  if (error instanceof FutureRevisionError) return tooLarge(asked, error.current);
  return error;
}

const MATCHES: readonly (string | null)[] = ['Exact', 'NotOlderThan'];

/** Throws `StatusError` 422 for combinations upstream forbids. */
export function assertMatch(resource: Resource, query: URLSearchParams): void {
  const match = query.get('resourceVersionMatch');
  if (match === null || match === '') return;
  const forbid = (why: string): never => {
    throw invalid('meta.k8s.io', 'ListOptions', '', [
      { reason: 'FieldValueForbidden', message: why, field: 'resourceVersionMatch' },
    ]);
  };
  const revision = query.get('resourceVersion') ?? '';
  if (!MATCHES.includes(match)) {
    throw badRequest(
      `resourceVersionMatch: Unsupported value: ${JSON.stringify(match)}: supported values: "Exact", "NotOlderThan" (${resource.definition.resource})`,
    );
  }
  if (revision === '' && query.get('watch') === null) {
    forbid('Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided');
  }
  if (match === 'Exact' && revision === '0') {
    forbid('Forbidden: resourceVersionMatch "exact" is forbidden for resourceVersion "0"');
  }
}
