// What is wrong with one object, told so that its owner can mend it; the rest of the world goes on.
// Knows nothing of events or status: the control plane decides where a problem is shown.
import { type KubeObject, objectKey } from '#kube/api/object.ts';
import type { RouteKindName } from './gateway/objects.ts';

export type ProblemReason =
  | 'BackendNotSupported'
  | 'CertificateConflict'
  | 'CertificateMismatch'
  | 'FailedToListen'
  | 'GatewayClassNotFound'
  | 'IngressClassNotFound'
  | 'InvalidPath'
  | 'InvalidSetting'
  | 'NameNotResolved'
  | 'NotTranslatable'
  | 'ParentNotFound'
  | 'PortNotFound'
  | 'RouteConflict'
  | 'SecretInvalid'
  | 'SecretNotFound'
  | 'ServiceNotFound'
  | 'TargetNotFound';

/** Objects of the Gateway API that no controller gives a status, because what they are part of is not there. */
export type UnservedKind = RouteKindName | 'BackendTLSPolicy' | 'Gateway' | 'ListenerSet';

export interface Problem {
  readonly kind: 'Ingress' | 'Service' | UnservedKind;
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
