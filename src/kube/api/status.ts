// Kubernetes `Status` failures as errors: reason, HTTP code and details as clients expect them.
// Knows nothing of HTTP servers or clients; both sides use it.

/** One cause inside a `Status`; `field` is the path in the object, e.g. `spec.replicas`. */
export interface StatusCause {
  reason: string;
  message: string;
  field?: string;
}

export interface StatusDetails {
  name?: string;
  group?: string;
  kind?: string;
  uid?: string;
  causes?: StatusCause[];
  retryAfterSeconds?: number;
}

/** `meta/v1 Status` on the wire. */
export interface Status {
  kind: 'Status';
  apiVersion: 'v1';
  metadata: Record<string, never>;
  status: 'Success' | 'Failure';
  message?: string;
  reason?: string;
  details?: StatusDetails;
  code: number;
}

/** A failure that reaches the client as a `Status` with this code, reason and message. */
export class StatusError extends Error {
  readonly code: number;
  readonly reason: string;
  readonly details: StatusDetails | undefined;

  constructor(code: number, reason: string, message: string, details?: StatusDetails) {
    super(message);
    this.name = 'StatusError';
    this.code = code;
    this.reason = reason;
    this.details = details;
  }

  toStatus(): Status {
    return {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message: this.message,
      reason: this.reason,
      ...(this.details === undefined ? {} : { details: this.details }),
      code: this.code,
    };
  }

  /** Rebuilds the error from a `Status` body; an unknown body yields `fallback` as message. */
  static from(body: unknown, httpCode: number, fallback: string): StatusError {
    const status = (typeof body === 'object' && body !== null ? body : {}) as Partial<Status>;
    const isStatus = status.kind === 'Status';
    return new StatusError(
      (isStatus ? status.code : undefined) ?? httpCode,
      (isStatus ? status.reason : undefined) ?? '',
      (isStatus ? status.message : undefined) ?? fallback,
      isStatus ? status.details : undefined,
    );
  }
}

/** Names a resource in messages: `pods`, or `deployments.apps` when it has a group. */
export interface ResourceName {
  group: string;
  resource: string;
}

function qualified(of: ResourceName): string {
  return of.group === '' ? of.resource : `${of.resource}.${of.group}`;
}

function detailsOf(of: ResourceName, name: string): StatusDetails {
  return { name, ...(of.group === '' ? {} : { group: of.group }), kind: of.resource };
}

export function notFound(of: ResourceName, name: string): StatusError {
  return new StatusError(404, 'NotFound', `${qualified(of)} "${name}" not found`, detailsOf(of, name));
}

export function alreadyExists(of: ResourceName, name: string): StatusError {
  return new StatusError(409, 'AlreadyExists', `${qualified(of)} "${name}" already exists`, detailsOf(of, name));
}

export function conflict(of: ResourceName, name: string, why: string): StatusError {
  const message = `Operation cannot be fulfilled on ${qualified(of)} "${name}": ${why}`;
  return new StatusError(409, 'Conflict', message, detailsOf(of, name));
}

export const objectModified =
  'the object has been modified; please apply your changes to the latest version and try again';

/** `kind` is the Kind, not the resource: upstream names the Kind in this one message. */
export function invalid(group: string, kind: string, name: string, causes: StatusCause[]): StatusError {
  const texts = causes.map((cause) => (cause.field === undefined ? cause.message : `${cause.field}: ${cause.message}`));
  const list = texts.length === 1 ? (texts[0] ?? '') : `[${texts.join(', ')}]`;
  const target = group === '' ? kind : `${kind}.${group}`;
  return new StatusError(422, 'Invalid', `${target} "${name}" is invalid: ${list}`, {
    name,
    ...(group === '' ? {} : { group }),
    kind,
    causes,
  });
}

export function badRequest(message: string): StatusError {
  return new StatusError(400, 'BadRequest', message);
}

export function forbidden(of: ResourceName, name: string, why: string): StatusError {
  return new StatusError(403, 'Forbidden', `${qualified(of)} "${name}" is forbidden: ${why}`, detailsOf(of, name));
}

export function unauthorized(): StatusError {
  return new StatusError(401, 'Unauthorized', 'Unauthorized');
}

/** A resourceVersion or continue token that compaction has passed. */
export function expired(message: string): StatusError {
  return new StatusError(410, 'Expired', message);
}

export function methodNotSupported(of: ResourceName, action: string): StatusError {
  return new StatusError(
    405,
    'MethodNotAllowed',
    `${action} is not supported on resources of kind "${qualified(of)}"`,
    { ...(of.group === '' ? {} : { group: of.group }), kind: of.resource },
  );
}

export function unsupportedMediaType(message: string): StatusError {
  return new StatusError(415, 'UnsupportedMediaType', message);
}

export function isStatus(error: unknown, code: number): error is StatusError {
  return error instanceof StatusError && error.code === code;
}
