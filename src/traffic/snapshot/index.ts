// The door of the snapshot room: engine tables and how to get them.
// Knows no engine and no Kubernetes object.
export { createSnapshotBuilder } from './builder.ts';
export { explainRoutes, type RouteOutcome } from './explain-routes.ts';
export { queryParameter } from './query-parameter.ts';
export type { RequestView } from './request-view.ts';
export type { Unmet } from './route-conditions.ts';
export { endpointKey } from './selection/endpoint-key.ts';
export type { ClusterHealth, EndpointHealth, HealthUpdate } from './selection/health.ts';
export { type Selection, selectEndpoints } from './selection/select.ts';
export type {
  ClusterEntry,
  EndpointCounters,
  EngineTarget,
  Layer4Route,
  RouteEntry,
  Snapshot,
  SnapshotBuilder,
  SnapshotDeps,
  TargetLevel,
} from './types.ts';
