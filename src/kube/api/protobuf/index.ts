// The door of this room: Kubernetes objects to and from `application/vnd.kubernetes.protobuf`.
// Re-exports only.
export { decodeProtobuf, encodeProtobuf, encodeWatchFrame } from './envelope.ts';

export const protobufMediaType = 'application/vnd.kubernetes.protobuf';
