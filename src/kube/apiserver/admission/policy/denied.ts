// The answer to a client whose write admission does not let pass.
// Knows upstream's words and codes.
import { StatusError } from '#kube/api/status.ts';
import type { AdmissionAttributes } from '../attributes.ts';

const CODES: Readonly<Record<string, number>> = {
  Forbidden: 403,
  Unauthorized: 401,
  RequestEntityTooLarge: 413,
  Invalid: 422,
};

export function denied({ resource, name }: AdmissionAttributes, message: string, reason: string): StatusError {
  const { group, resource: plural } = resource.definition;
  const target = group === '' ? plural : `${plural}.${group}`;
  return new StatusError(CODES[reason] ?? 403, reason, `${target} "${name}" is forbidden: ${message}`, {
    name,
    ...(group === '' ? {} : { group }),
    kind: plural,
    causes: [{ reason: '', message }],
  });
}
