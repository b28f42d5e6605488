// The door of the snapshot room: engine tables and how to get them.
// Knows no engine and no Kubernetes object.
export { createSnapshotBuilder } from './builder.ts';
export type {
  ClusterEntry,
  EndpointCounters,
  EngineTarget,
  RouteEntry,
  Snapshot,
  SnapshotBuilder,
  SnapshotDeps,
} from './types.ts';
