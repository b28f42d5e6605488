// What a resourceVersion in a request means, and the errors for one that cannot be served.
// Knows upstream's rules for reads; revisions themselves are the store's.
import { badRequest, expired, invalid, type StatusCause, StatusError } from '#kube/api/status.ts';
import { CompactedError, FutureRevisionError } from '#kube/store/store.ts';

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

/** Throws `StatusError` 422 for combinations of a list's parameters that upstream forbids. */
export function assertListOptions(query: URLSearchParams): void {
  const match = query.get('resourceVersionMatch') ?? '';
  const revision = query.get('resourceVersion') ?? '';
  const causes: StatusCause[] = [];
  if (match !== '') {
    if (revision === '') causes.push(forbidden('resourceVersionMatch is forbidden unless resourceVersion is provided'));
    if (query.get('continue')) causes.push(forbidden('resourceVersionMatch is forbidden when continue is provided'));
    if (match !== 'Exact' && match !== 'NotOlderThan') causes.push(unsupported(match, ['', 'Exact', 'NotOlderThan']));
    if (match === 'Exact' && revision === '0') {
      causes.push(forbidden('resourceVersionMatch "exact" is forbidden for resourceVersion "0"'));
    }
  }
  if (query.has('sendInitialEvents')) {
    causes.push(forbidden('sendInitialEvents is forbidden for list', 'sendInitialEvents'));
  }
  assertNone(causes);
}

/** Throws `StatusError` 422 for combinations of a watch's parameters that upstream forbids. */
export function assertWatchOptions(query: URLSearchParams): void {
  const match = query.get('resourceVersionMatch') ?? '';
  const initial = query.has('sendInitialEvents');
  const causes: StatusCause[] = [];
  if (initial && match !== 'NotOlderThan') {
    causes.push(forbidden('sendInitialEvents requires setting resourceVersionMatch to NotOlderThan'));
  }
  if (match !== '') {
    if (!initial) {
      causes.push(forbidden('resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided'));
    }
    if (match !== 'NotOlderThan') causes.push(unsupported(match, ['NotOlderThan']));
    if (query.get('continue')) causes.push(forbidden('resourceVersionMatch is forbidden when continue is provided'));
  }
  assertNone(causes);
}

function assertNone(causes: StatusCause[]): void {
  if (causes.length > 0) throw invalid('meta.k8s.io', 'ListOptions', '', causes);
}

function forbidden(why: string, field = 'resourceVersionMatch'): StatusCause {
  return { reason: 'FieldValueForbidden', message: `Forbidden: ${why}`, field };
}

function unsupported(value: string, values: readonly string[]): StatusCause {
  const supported = values.map((each) => JSON.stringify(each)).join(', ');
  const message = `Unsupported value: ${JSON.stringify(value)}: supported values: ${supported}`;
  return { reason: 'FieldValueNotSupported', message, field: 'resourceVersionMatch' };
}
