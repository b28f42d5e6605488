// What is wrong with one object, told so that its owner can mend it; the rest of the world goes on.
// Knows nothing of events or status: the control plane decides where a problem is shown.
import { type KubeObject, objectKey } from '#kube/api/object.ts';

export type ProblemReason =
  | 'BackendNotSupported'
  | 'CertificateConflict'
  | 'CertificateMismatch'
  | 'FailedToListen'
  | 'InvalidPath'
  | 'InvalidSetting'
  | 'NameNotResolved'
  | 'NotTranslatable'
  | 'PortNotFound'
  | 'RouteConflict'
  | 'SecretInvalid'
  | 'SecretNotFound'
  | 'ServiceNotFound';

export interface Problem {
  readonly kind: 'Ingress' | 'Service';
  /** `namespace/name`. */
  readonly key: string;
  readonly reason: ProblemReason;
  /** Path of the field that is to blame, e.g. `spec.rules[0].http.paths[1].backend`. */
  readonly field: string;
  /** Sentence case; names the values and the remedy. */
  readonly message: string;
}

/** Runs the translation of one object; a shape that nobody foresaw becomes its own problem instead of everybody's. */
export function isolated<T>(
  kind: Problem['kind'],
  object: KubeObject,
  translate: () => T,
): { readonly result: T } | { readonly problem: Problem } {
  try {
    return { result: translate() };
  } catch (error) {
    const message = `Cannot be translated, so it carries no traffic: ${(error as Error).message}`;
    return { problem: { kind, key: objectKey(object), reason: 'NotTranslatable', field: '', message } };
  }
}
