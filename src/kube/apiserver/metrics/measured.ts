// What is measured of objects of the cluster, as the API for custom and external metrics asks for it.
// The form only: who measures is handed to the server.
import type { LabelQuery } from '#kube/api/selector.ts';

export interface MeasuredValue {
  readonly value: number;
  /** Over which time it was measured, in seconds; 0 for what is so at this moment. */
  readonly windowSeconds: number;
}

export interface ExternalValue extends MeasuredValue {
  readonly labels: Readonly<Record<string, string>>;
}

/** A metric of all objects of a resource, as in paths of the API: `pods`, `deployments.apps`. */
export interface CustomMetric {
  readonly resource: string;
  readonly metric: string;
}

export interface ObjectNames {
  readonly resource: string;
  /** `''` for what is in no namespace. */
  readonly namespace: string;
  readonly names: readonly string[];
}

export interface MeasuredFigures {
  /** For discovery. */
  custom(): Iterable<CustomMetric>;
  /** Names of metrics that stand for themselves, for discovery. */
  external(): Iterable<string>;
  /**
   * The metric of each of these objects, in order; undefined where there is none now. `narrowed` are labels of the metric
   * such as the port. Resolves with undefined when nobody measures it; throws `StatusError` when it cannot be told.
   */
  valuesOf(
    objects: ObjectNames,
    metric: string,
    narrowed: LabelQuery,
  ): Promise<readonly (MeasuredValue | undefined)[] | undefined>;
  /** Series of an external metric in a namespace; undefined when nobody measures it. Throws as `valuesOf`. */
  externalValues(
    namespace: string,
    metric: string,
    narrowed: LabelQuery,
  ): Promise<readonly ExternalValue[] | undefined>;
}

/** Several who measure, as one: of a metric that two have, the first one's counts. */
export function joined(all: readonly MeasuredFigures[]): MeasuredFigures {
  return {
    *custom() {
      for (const each of all) yield* each.custom();
    },
    *external() {
      for (const each of all) yield* each.external();
    },
    async valuesOf(objects, metric, narrowed) {
      for (const each of all) {
        const values = await each.valuesOf(objects, metric, narrowed);
        if (values !== undefined) return values;
      }
      return undefined;
    },
    async externalValues(namespace, metric, narrowed) {
      for (const each of all) {
        const values = await each.externalValues(namespace, metric, narrowed);
        if (values !== undefined) return values;
      }
      return undefined;
    },
  };
}
