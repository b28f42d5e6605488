// Serves the OpenAPI documents, with a tag by which clients keep their copies.
// Knows paths and media types.
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2';
import type { ServerContext } from '../context.ts';

export async function sendOpenApi(
  _server: ServerContext,
  _request: Http2ServerRequest,
  _response: Http2ServerResponse,
  _path: string,
): Promise<boolean> {
  return false;
}
