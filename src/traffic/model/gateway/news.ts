// Which objects are not what they were: what whoever watches them tells the translation.
// Types only.

export interface ChangedObject {
  /** A kind of the Gateway API, `Service`, `Secret`, `ConfigMap` or `Namespace`; `Addresses` of a Gateway. */
  readonly kind: string;
  /** `namespace/name`, or `name`. */
  readonly key: string;
}

export type GatewayNews = readonly ChangedObject[];
