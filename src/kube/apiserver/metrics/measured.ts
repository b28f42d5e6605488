// What is measured of objects of the cluster, as the API for custom and external metrics asks for it.
// The form only: who measures is handed to the server.

export interface MeasuredValue {
  readonly value: number;
  /** Over which time it was measured, in seconds; 0 for what is so at this moment. */
  readonly windowSeconds: number;
}

/** Resources that something is measured of, as in paths of the API, with the API version of their objects. */
export const MEASURED = {
  pods: { group: '', resource: 'pods', kind: 'Pod', apiVersion: 'v1' },
  services: { group: '', resource: 'services', kind: 'Service', apiVersion: 'v1' },
  'ingresses.networking.k8s.io': {
    group: 'networking.k8s.io',
    resource: 'ingresses',
    kind: 'Ingress',
    apiVersion: 'networking.k8s.io/v1',
  },
} as const;

export type MeasuredResource = keyof typeof MEASURED;

export interface ObjectNames {
  readonly resource: MeasuredResource;
  readonly namespace: string;
  readonly names: readonly string[];
}

export interface MeasuredFigures {
  /** Names of metrics by resource, for discovery. */
  readonly custom: Readonly<Record<MeasuredResource, readonly string[]>>;
  /** Names of metrics that stand for themselves. */
  readonly external: readonly string[];
  /**
   * The metric of each of these objects, in order; undefined where there is none yet. `matches` narrows it down by labels
   * such as the port. Resolves with undefined when nobody measures it.
   */
  valuesOf(
    objects: ObjectNames,
    metric: string,
    matches: (labels: Readonly<Record<string, string>>) => boolean,
  ): Promise<readonly (MeasuredValue | undefined)[] | undefined>;
  /** Every series of an external metric in a namespace; undefined when nobody measures it. */
  externalValues(
    namespace: string,
    metric: string,
  ): Promise<readonly (MeasuredValue & { readonly labels: Readonly<Record<string, string>> })[] | undefined>;
}
