// The query parameters and names that every write shares: dry run, field validation, field manager.
// Knows parameters only.
import type { FieldValidation } from '#kube/api/schema/index.ts';
import { invalid, type StatusCause } from '#kube/api/status.ts';
import type { ResourceRequest } from '../context.ts';
import { flag } from '../http/parameters.ts';

export interface WriteOptions {
  readonly dryRun: boolean;
  readonly fieldValidation: FieldValidation;
  readonly manager: string;
  /** Server-side apply: take fields over from other managers. */
  readonly force: boolean;
}

const LEVELS: readonly string[] = ['Strict', 'Warn', 'Ignore'];
const MAX_MANAGER_LENGTH = 128;

/** What upstream calls the options of a write, by its method. */
const OPTIONS: Readonly<Record<string, string>> = {
  POST: 'CreateOptions',
  PUT: 'UpdateOptions',
  PATCH: 'PatchOptions',
};

/** What is wrong with the values of `dryRun`, in upstream's words. */
export function dryRunCauses(values: readonly unknown[]): StatusCause[] {
  if (values.every((value) => value === 'All')) return [];
  const list = values.map((value) => JSON.stringify(value)).join(', ');
  const message = `Unsupported value: []string{${list}}: supported values: "All"`;
  return [{ reason: 'FieldValueNotSupported', message, field: 'dryRun' }];
}

/** Throws `StatusError` 422 for values upstream refuses. */
export function writeOptions(request: ResourceRequest): WriteOptions {
  const { query } = request;
  const causes: StatusCause[] = [];
  const dryRun = query.getAll('dryRun').filter((value) => value !== '');
  causes.push(...dryRunCauses(dryRun));
  const given = query.get('fieldManager') ?? '';
  const manager = given || defaultManager(request.http.headers['user-agent']);
  const unprintable = /[\p{Cc}\p{Cf}\p{Cs}\p{Cn}]/u.exec(given);
  if (Buffer.byteLength(given) > MAX_MANAGER_LENGTH) {
    const message = `Too long: may not be more than ${MAX_MANAGER_LENGTH} bytes`;
    causes.push({ reason: 'FieldValueTooLong', message, field: 'fieldManager' });
  }
  if (unprintable !== null) {
    const code = (unprintable[0].codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0');
    const where = `invalid character U+${code} (at position ${Buffer.byteLength(given.slice(0, unprintable.index))})`;
    const message = `Invalid value: ${JSON.stringify(given)}: ${where}`;
    causes.push({ reason: 'FieldValueInvalid', message, field: 'fieldManager' });
  }
  const fieldValidation = query.get('fieldValidation') || 'Warn';
  if (!LEVELS.includes(fieldValidation)) {
    const supported = 'supported values: "Ignore", "Strict", "Warn"';
    const message = `Unsupported value: ${JSON.stringify(fieldValidation)}: ${supported}`;
    causes.push({ reason: 'FieldValueNotSupported', message, field: 'fieldValidation' });
  }
  if (causes.length > 0) throw invalid('meta.k8s.io', OPTIONS[request.http.method ?? ''] ?? 'PatchOptions', '', causes);
  return {
    dryRun: dryRun.length > 0,
    fieldValidation: fieldValidation as FieldValidation,
    manager,
    force: flag(query, 'force'),
  };
}

/** As upstream: the user agent up to its first slash. */
function defaultManager(userAgent: string | undefined): string {
  return (userAgent ?? '').split('/')[0]?.slice(0, MAX_MANAGER_LENGTH) || 'unknown';
}
