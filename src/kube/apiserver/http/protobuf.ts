// The codec of protocol buffers, loaded when the first client speaks them: kubectl's reads and most clients do not.
// Knows where the codec is; what it does is in #kube/api/protobuf.

export type ProtobufCodec = typeof import('#kube/api/protobuf/index.ts');

export function loadProtobuf(): Promise<ProtobufCodec> {
  return import('#kube/api/protobuf/index.ts');
}
