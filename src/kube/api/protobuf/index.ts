// The door of this room: Kubernetes objects to and from `application/vnd.kubernetes.protobuf`.
// Re-exports only.
export { decodeProtobuf, encodeItem, encodeListHead, encodeProtobuf, encodeWatchFrame } from './envelope.ts';
export { protobufMediaType } from './media-type.ts';
