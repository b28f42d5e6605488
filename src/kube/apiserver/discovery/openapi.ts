// Serves the OpenAPI documents: v3 by group version, v2 in one piece, as JSON or as old clients' protocol buffer.
// Knows paths and media types; the documents are kube/api's.
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2';
import {
  openApiV2Json,
  openApiV2Protobuf,
  openApiV2ProtobufAccept,
  openApiV2ProtobufContentType,
  openApiV3,
  openApiV3Root,
} from '#kube/api/openapi/index.ts';
import type { ServerContext } from '../context.ts';
import { acceptsExactly } from '../http/negotiation.ts';
import { sendBytes } from '../http/respond.ts';

const V3 = '/openapi/v3';
/** A document asked for by its hash never changes. */
const FOREVER = 'public, max-age=31536000, immutable';

/** False when the path names no document. */
export async function sendOpenApi(
  server: ServerContext,
  request: Http2ServerRequest,
  response: Http2ServerResponse,
  url: URL,
): Promise<boolean> {
  const { pathname } = url;
  if (pathname === '/openapi/v2') {
    const vary = { vary: 'Accept' };
    if (acceptsExactly(request.headers.accept, openApiV2ProtobufAccept)) {
      await sendBytes(request, response, 200, openApiV2ProtobufContentType, openApiV2Protobuf(), vary);
    } else await sendBytes(request, response, 200, 'application/json', JSON.stringify(openApiV2Json()), vary);
    return true;
  }
  const custom = server.registry.customKinds();
  if (pathname === V3) {
    const own = openApiV3Root(custom);
    const foreign = [...server.aggregator.openApiUrls()].map(([path, url]) => [path, { serverRelativeURL: url }]);
    const root = { paths: { ...own.paths, ...Object.fromEntries(foreign) } };
    await sendBytes(request, response, 200, 'application/json', JSON.stringify(root));
    return true;
  }
  if (!pathname.startsWith(`${V3}/`)) return false;
  const groupVersion = pathname.slice(V3.length + 1).replace(/^apis?\//, '');
  const foreign = await server.aggregator.openApi(server, groupVersion);
  const document = foreign ?? openApiV3(groupVersion, custom);
  if (document === undefined) return false;
  const headers: Record<string, string> = url.searchParams.has('hash') ? { 'cache-control': FOREVER } : {};
  await sendBytes(request, response, 200, 'application/json', textOf(document), headers);
  return true;
}

const textOf = (document: unknown): string => (typeof document === 'string' ? document : JSON.stringify(document));
