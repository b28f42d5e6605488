// Reads a request's body within its limit, and decodes JSON, YAML or protocol buffers.
// Knows bytes and content types; what the body means is the verbs' matter.
import type { Http2ServerRequest } from 'node:http2';
import { parse as parseYaml } from 'yaml';
import { protobufMediaType } from '#kube/api/protobuf/media-type.ts';
import { badRequest, StatusError, unsupportedMediaType } from '#kube/api/status.ts';
import { TOO_DEEP, textTooDeep, valueTooDeep } from './depth.ts';
import { loadProtobuf } from './protobuf.ts';

/** As upstream's limit for a resource request, in bytes. */
const MAX_BODY_BYTES = 3 * 1024 * 1024;
/** A body above the limit is read and dropped up to here: cut short, it would take the answer and the connection along. */
const MAX_DROPPED_BYTES = 64 * 1024 * 1024;

export interface Body {
  readonly mediaType: string;
  readonly bytes: Buffer;
}

const listeners = new WeakMap<Http2ServerRequest, (body: Body) => void>();

/** Called with the body of this request once it has been read whole. */
export function onBody(request: Http2ServerRequest, listener: (body: Body) => void): void {
  listeners.set(request, listener);
}

/** Throws `StatusError` 413. */
export async function readBody(request: Http2ServerRequest): Promise<Body> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size <= MAX_BODY_BYTES) chunks.push(chunk);
    else if (size > MAX_DROPPED_BYTES) break;
    else chunks.length = 0;
  }
  if (size > MAX_BODY_BYTES) {
    throw new StatusError(413, 'RequestEntityTooLarge', `Request entity too large: limit is ${MAX_BODY_BYTES}`);
  }
  const body = { mediaType: mediaTypeOf(request.headers['content-type']), bytes: Buffer.concat(chunks) };
  listeners.get(request)?.(body);
  return body;
}

/** The media type without parameters; JSON when the client did not say. */
export function mediaTypeOf(header: string | undefined): string {
  const type = (header ?? '').split(';')[0]?.trim().toLowerCase() ?? '';
  return type === '' ? 'application/json' : type;
}

/**
 * `expected` is the kind that the body should be of, for messages; an answer without it says only what is wrong with the
 * text. Throws `StatusError` 415 for other types, 400 for text that cannot be parsed.
 */
export async function parseBody({ bytes, mediaType }: Body, expected?: string): Promise<unknown> {
  switch (mediaType) {
    case 'application/json':
      return parseJson(bytes, (why) => unrecognized(expected, bytes, `json parse error: ${why}`));
    case 'application/yaml':
    case 'application/x-yaml':
      return parseAsYaml(bytes, (why) => unrecognized(expected, bytes, `yaml parse error: ${why}`));
    case protobufMediaType:
      return (await loadProtobuf()).decodeProtobuf(bytes);
    default:
      throw unsupportedMediaType(
        `the body of the request was in an unknown format - accepted media types include: application/json, application/yaml, application/vnd.kubernetes.protobuf`,
      );
  }
}

/** Upstream's words for what it cannot tell the kind of. */
export function unrecognized(expected: string | undefined, bytes: Buffer, why: string): string {
  const must = expected === undefined ? '' : ` (must be of type ${expected})`;
  return `the object provided is unrecognized${must}: couldn't get version/kind; ${why} (${summary(bytes)})`;
}

const SHOWN_BYTES = 30;

/** What begins like JSON is shown as it is, all else in hexadecimal digits. */
function summary(bytes: Buffer): string {
  if (bytes.length === 0) return '<empty>';
  const shown = bytes.subarray(0, SHOWN_BYTES).toString(bytes[0] === 0x7b ? 'utf8' : 'hex');
  return bytes.length > SHOWN_BYTES ? `${shown} ...` : shown;
}

/** `explain` makes a message of what is wrong. Throws `StatusError` 400. */
export function parseJson(bytes: Buffer, explain = (why: string): string => why): unknown {
  if (textTooDeep(bytes)) throw badRequest(explain(TOO_DEEP));
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch (error) {
    const { message } = error as Error;
    // Where both engines mean the same, clients read what they are used to.
    throw badRequest(
      explain(/^(Unexpected end|Unterminated)/.test(message) ? 'unexpected end of JSON input' : message),
    );
  }
}

/** As `parseJson`. */
export function parseAsYaml(bytes: Buffer, explain = (why: string): string => why): unknown {
  let value: unknown;
  try {
    // Kubernetes reads YAML 1.1 booleans as strings only when quoted; JSON-compatible core is what clients send.
    value = parseYaml(bytes.toString('utf8'), { maxAliasCount: 100 });
  } catch (error) {
    const { message } = error as Error;
    // The reader of YAML is recursive as well.
    throw badRequest(explain(message.includes('call stack') ? TOO_DEEP : message));
  }
  if (valueTooDeep(value)) throw badRequest(explain(TOO_DEEP));
  return value;
}

/** The decoded body. Throws `StatusError` 400, 413, 415. */
export async function readParsed(request: Http2ServerRequest): Promise<unknown> {
  return parseBody(await readBody(request));
}
