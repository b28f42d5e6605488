// The door of this room: Kubernetes objects to and from `application/vnd.kubernetes.protobuf`.
// Re-exports only.
export { decodeProtobuf, encodeProtobuf, encodeWatchFrame, hasProtobuf } from './envelope.ts';
export { ProtobufError } from './error.ts';

export const protobufMediaType = 'application/vnd.kubernetes.protobuf';
