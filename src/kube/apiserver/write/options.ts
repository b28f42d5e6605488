// The query parameters and names that every write shares: dry run, field validation, field manager.
// Knows parameters only.
import type { FieldValidation } from '#kube/api/schema/index.ts';
import { badRequest } from '#kube/api/status.ts';
import type { ResourceRequest } from '../context.ts';

export interface WriteOptions {
  readonly dryRun: boolean;
  readonly fieldValidation: FieldValidation;
  readonly manager: string;
  /** Server-side apply: take fields over from other managers. */
  readonly force: boolean;
}

const LEVELS: readonly string[] = ['Strict', 'Warn', 'Ignore'];
const MAX_MANAGER_LENGTH = 128;

/** Throws `StatusError` 400 for values upstream refuses. */
export function writeOptions(request: ResourceRequest): WriteOptions {
  const { query } = request;
  const dryRun = query.getAll('dryRun').filter((value) => value !== '');
  if (dryRun.some((value) => value !== 'All')) {
    throw badRequest(`Invalid value for dryRun: ${JSON.stringify(dryRun)}: only "All" is supported`);
  }
  const fieldValidation = query.get('fieldValidation') || 'Warn';
  if (!LEVELS.includes(fieldValidation)) {
    throw badRequest(
      `Invalid value for fieldValidation: ${JSON.stringify(fieldValidation)}: supported values: "Ignore", "Strict", "Warn"`,
    );
  }
  const manager = query.get('fieldManager') || defaultManager(request.http.headers['user-agent']);
  if (manager.length > MAX_MANAGER_LENGTH) {
    throw badRequest(
      `Invalid value for fieldManager: ${JSON.stringify(manager)}: may not be more than ${MAX_MANAGER_LENGTH} bytes`,
    );
  }
  return {
    dryRun: dryRun.length > 0,
    fieldValidation: fieldValidation as FieldValidation,
    manager,
    force: query.get('force') === 'true',
  };
}

/** As upstream: the user agent up to its first slash. */
function defaultManager(userAgent: string | undefined): string {
  return (userAgent ?? '').split('/')[0]?.slice(0, MAX_MANAGER_LENGTH) || 'unknown';
}
