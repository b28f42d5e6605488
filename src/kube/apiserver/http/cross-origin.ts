// Lets pages of other origins read what the API answers, where the operator has named these origins.
// Knows the headers of CORS only. Upstream source: apiserver/pkg/server/filters/cors.go.
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2';

/** Whether a page of this origin (`https://dashboard.example:8443`) may read answers. */
export type AllowsOrigin = (origin: string) => boolean;

const HEADERS: Readonly<Record<string, string>> = {
  'access-control-allow-methods': 'POST, GET, OPTIONS, PUT, DELETE, PATCH',
  'access-control-allow-headers':
    'Content-Type, Content-Length, Accept-Encoding, X-CSRF-Token, Authorization, X-Requested-With, If-Modified-Since',
  'access-control-expose-headers': 'Date',
  'access-control-allow-credentials': 'true',
};

/**
 * Says on the answer, whatever it will be, that the asking page may read it. True when the browser only asks whether it
 * may: that is answered here, before anybody is asked who they are, since browsers send no credentials with it.
 */
export function answersOrigin(
  allows: AllowsOrigin | undefined,
  request: Http2ServerRequest,
  response: Http2ServerResponse,
): boolean {
  const { origin } = request.headers;
  if (allows === undefined || origin === undefined || !allows(origin)) return false;
  response.setHeader('access-control-allow-origin', origin);
  for (const [name, value] of Object.entries(HEADERS)) response.setHeader(name, value);
  // What is kept of an answer on its way must not be given to a page of another origin.
  response.appendHeader('vary', 'Origin');
  if (request.method !== 'OPTIONS') return false;
  response.writeHead(204);
  response.end();
  return true;
}
