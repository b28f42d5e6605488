// The OpenAPI v2 document as the protocol buffer that kubectl before 1.27 asks for.
// Field numbers are those of gnostic's OpenAPIv2.proto; only what our document holds is written.
import { ProtobufWriter } from './protobuf-writer.ts';
import { openApiV2Json } from './v2.ts';

type Json = Readonly<Record<string, unknown>>;

/** What clients ask for in `Accept`. */
export const openApiV2ProtobufAccept = 'application/com.github.proto-openapi.spec.v2@v1.0+protobuf';

/** What the answer must be called: Go's clients cannot parse the `@` in a Content-Type. */
export const openApiV2ProtobufContentType = 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf';

let encoded: Uint8Array | undefined;

/** `openapi.v2.Document`; made on first use and kept. Do not change it. */
export function openApiV2Protobuf(): Uint8Array {
  encoded ??= encode();
  return encoded;
}

function encode(): Uint8Array {
  const { swagger, info, paths, definitions } = openApiV2Json();
  const document = new ProtobufWriter();
  document.text(1, swagger);
  document.message(2, (out) => out.text(1, info.title).text(2, info.version));
  document.message(8, (out) => {
    for (const [path, item] of Object.entries(paths)) named(out, 2, path, (value) => pathItem(value, item));
  });
  document.message(9, (out) => {
    for (const [name, body] of Object.entries(definitions)) named(out, 1, name, (value) => schema(value, body));
  });
  return document.finish();
}

/** Maps are lists of name and value. */
function named(out: ProtobufWriter, field: number, name: string, fill: (value: ProtobufWriter) => void): void {
  out.message(field, (entry) => entry.text(1, name).message(2, fill));
}

/** Any value as YAML, of which JSON is a part. */
function anyValue(out: ProtobufWriter, value: unknown): void {
  out.text(2, `${JSON.stringify(value)}\n`);
}

function extensions(out: ProtobufWriter, field: number, source: Json): void {
  for (const [name, value] of Object.entries(source)) {
    if (name.startsWith('x-')) named(out, field, name, (inner) => anyValue(inner, value));
  }
}

const methods = { get: 2, put: 3, post: 4, delete: 5, patch: 8 } as const;

function pathItem(out: ProtobufWriter, item: Json): void {
  for (const [method, field] of Object.entries(methods)) {
    const found = item[method];
    if (found !== undefined) out.message(field, (inner) => operation(inner, found as Json));
  }
  for (const each of list(item.parameters)) out.message(9, (inner) => parameter(inner, each));
}

function operation(out: ProtobufWriter, source: Json): void {
  out.text(3, text(source.description)).text(5, text(source.operationId));
  for (const type of source.produces as string[]) out.text(6, type);
  for (const type of source.consumes as string[]) out.text(7, type);
  for (const each of list(source.parameters)) out.message(8, (inner) => parameter(inner, each));
  out.message(9, (responses) => {
    for (const [code, answer] of Object.entries(source.responses as Record<string, Json>)) {
      named(responses, 1, code, (value) => value.message(1, (inner) => response(inner, answer)));
    }
  });
  extensions(out, 13, source);
}

function response(out: ProtobufWriter, source: Json): void {
  out.text(1, text(source.description));
  out.message(2, (item) => item.message(1, (inner) => schema(inner, source.schema as Json)));
}

/** ParametersItem -> Parameter -> body | query | path, each level a message of its own. */
function parameter(out: ProtobufWriter, source: Json): void {
  out.message(1, (choice) => {
    if (source.in === 'body') choice.message(1, (inner) => bodyParameter(inner, source));
    else
      choice.message(2, (other) =>
        other.message(source.in === 'query' ? 3 : 4, (inner) => plainParameter(inner, source)),
      );
  });
}

function bodyParameter(out: ProtobufWriter, source: Json): void {
  out.text(1, text(source.description)).text(2, text(source.name)).text(3, text(source.in));
  out.flag(4, source.required === true);
  out.message(5, (inner) => schema(inner, source.schema as Json));
}

function plainParameter(out: ProtobufWriter, source: Json): void {
  out
    .flag(1, source.required === true)
    .text(2, text(source.in))
    .text(3, text(source.description));
  // Query parameters have one field more before the type than path parameters.
  out.text(4, text(source.name)).text(source.in === 'query' ? 6 : 5, text(source.type));
}

function schema(out: ProtobufWriter, source: Json): void {
  out.text(1, text(source.$ref)).text(2, text(source.format)).text(4, text(source.description));
  if (source.default !== undefined) out.message(5, (inner) => anyValue(inner, source.default));
  for (const name of (source.required as string[] | undefined) ?? []) out.text(19, name);
  for (const value of (source.enum as unknown[] | undefined) ?? []) out.message(20, (inner) => anyValue(inner, value));
  const { additionalProperties, items, properties, type } = source;
  if (additionalProperties !== undefined) {
    out.message(21, (item) => item.message(1, (inner) => schema(inner, additionalProperties as Json)));
  }
  if (type !== undefined) out.message(22, (inner) => inner.text(1, text(type)));
  if (items !== undefined) out.message(23, (item) => item.message(1, (inner) => schema(inner, items as Json)));
  if (properties !== undefined) {
    out.message(25, (inner) => {
      for (const [name, body] of Object.entries(properties as Json)) {
        named(inner, 1, name, (value) => schema(value, body as Json));
      }
    });
  }
  extensions(out, 31, source);
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function list(value: unknown): Json[] {
  return (value as Json[] | undefined) ?? [];
}
