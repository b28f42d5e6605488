// The name of this format in Content-Type and Accept.
// A file of its own: most servers hear the name and never need the codec.

export const protobufMediaType = 'application/vnd.kubernetes.protobuf';
