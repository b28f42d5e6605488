// What the answers about metrics need of where they are given: objects, kubelets, and who measures more.
// Knows no server: one is the API server itself, another stands beside a foreign one.
import type { ResourceDefinition } from '#kube/api/resources.ts';
import type { Clock } from '#lib/clock.ts';
import type { Logger } from '#lib/log.ts';
import type { AnyObject } from '../registry/any-object.ts';
import type { Summary } from './kubelet-summary.ts';
import type { MeasuredFigures } from './measured.ts';

export interface MetricsHome {
  readonly clock: Clock;
  readonly log: Logger;
  /** Undefined where nobody measures more than the kubelets do. */
  readonly measured: MeasuredFigures | undefined;
  /** Of objects of the cluster, by its name in paths: `pods`, `deployments.apps`; undefined where there is none. */
  objectKind(resource: string): ResourceDefinition | undefined;
  /** Those of a namespace, or all of them. */
  objects(kind: ResourceDefinition, namespace: string | undefined): Promise<readonly AnyObject[]>;
  /** What the node's kubelet says at `/stats/summary`; rejects when it cannot be asked. */
  summary(node: AnyObject): Promise<Summary>;
}

export interface MetricsRequest {
  readonly home: MetricsHome;
  readonly definition: ResourceDefinition;
  readonly namespace: string | undefined;
  readonly name: string | undefined;
  readonly subresource: string | undefined;
  readonly query: URLSearchParams;
  /** The header. */
  readonly accept: string | undefined;
}

export type MetricsHandler = (request: MetricsRequest) => Promise<{ readonly code: number; readonly object: unknown }>;

/** `pods`, `deployments.apps`. */
export const resourceName = ({ group, resource }: Pick<ResourceDefinition, 'group' | 'resource'>): string =>
  group === '' ? resource : `${resource}.${group}`;
