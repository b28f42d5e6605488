// Reads a request's body within its limit, and decodes JSON or YAML.
// Knows bytes and content types; what the body means is the verbs' matter.
import type { Http2ServerRequest } from 'node:http2';
import { parse as parseYaml } from 'yaml';
import { badRequest, StatusError, unsupportedMediaType } from '#kube/api/status.ts';

/** As upstream's limit for a resource request, in bytes. */
const MAX_BODY_BYTES = 3 * 1024 * 1024;

export async function readBody(request: Http2ServerRequest): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_BODY_BYTES) {
      throw new StatusError(413, 'RequestEntityTooLarge', `Request entity too large: limit is ${MAX_BODY_BYTES}`);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** The media type without parameters; JSON when the client did not say. */
export function mediaTypeOf(header: string | undefined): string {
  const type = (header ?? '').split(';')[0]?.trim().toLowerCase() ?? '';
  return type === '' ? 'application/json' : type;
}

/** Throws `StatusError` 415 for other types, 400 for text that cannot be parsed. */
export function parseBody(text: string, mediaType: string): unknown {
  switch (mediaType) {
    case 'application/json':
      return parseJson(text);
    case 'application/yaml':
    case 'application/x-yaml':
      return parseAsYaml(text);
    default:
      throw unsupportedMediaType(
        `the body of the request was in an unknown format - accepted media types include: application/json, application/yaml`,
      );
  }
}

export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw badRequest(`couldn't parse the request body as JSON: ${(error as Error).message}`);
  }
}

export function parseAsYaml(text: string): unknown {
  try {
    // Kubernetes reads YAML 1.1 booleans as strings only when quoted; JSON-compatible core is what clients send.
    return parseYaml(text, { maxAliasCount: 100 });
  } catch (error) {
    throw badRequest(`couldn't parse the request body as YAML: ${(error as Error).message}`);
  }
}
