// The door of this room: what /openapi/v2 and /openapi/v3 serve.
// Re-exports only.
export type { CustomKind } from './custom.ts';
export { type OpenApiV2Document, openApiV2Json } from './v2.ts';
export { openApiV2Protobuf, openApiV2ProtobufAccept, openApiV2ProtobufContentType } from './v2-protobuf.ts';
export { type OpenApiV3Index, openApiV3, openApiV3Root } from './v3.ts';
export type { OpenApiV3Document } from './v3-document.ts';
