// The door of the room: ownership of fields, for appliers and for everyone else who writes.
// Knows nothing of HTTP or of the store.
export { managersOfScale, managersWithScale, type ReplicasPath } from './scale.ts';
export { type ApplyRequest, serverSideApply } from './server-side-apply.ts';
export { type TrackRequest, trackManagers } from './track.ts';
