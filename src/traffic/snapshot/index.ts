// The door of the snapshot room: engine tables and how to get them.
// Knows no engine and no Kubernetes object.
export { createSnapshotBuilder } from './builder.ts';
export { explainRoutes, type RouteOutcome } from './explain-routes.ts';
export { queryParameter } from './query-parameter.ts';
export type { RequestView } from './request-view.ts';
export type { Unmet } from './route-conditions.ts';
export type {
  ClusterEntry,
  EndpointCounters,
  EngineTarget,
  RouteEntry,
  Snapshot,
  SnapshotBuilder,
  SnapshotDeps,
} from './types.ts';
export { WeightedSplit } from './weighted-split.ts';
