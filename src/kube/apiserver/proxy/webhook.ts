// One question to a webhook over HTTPS, and its answer: by URL, or by the endpoints of a Service.
// Knows addresses, certificates and time limits; what is asked and answered is its callers' matter.
import { Agent, request as httpsRequest } from 'node:https';
import type { ServerContext } from '../context.ts';
import { servicePlace } from './service-place.ts';

/** Answers are small; whoever sends more is not listened to further. */
const MOST_BYTES = 64 * 1024 * 1024;

/** Connections are kept by address and authority, for the writes that follow. */
const agent = new Agent({ keepAlive: true, maxFreeSockets: 16, timeout: 60_000 });

interface Target {
  /** As messages name it. */
  readonly url: string;
  readonly host: string;
  readonly port: number;
  readonly path: string;
  readonly servername: string;
}

/** Where a webhook is: its URL, or its Service, and the authority that vouches for it. */
export interface WebhookClient {
  readonly url?: string;
  readonly service?: {
    readonly namespace: string;
    readonly name: string;
    readonly path?: string;
    readonly port?: number;
  };
  /** PEM text in base64. */
  readonly caBundle?: string;
}

/** The body of the answer. Rejects with an Error whose message says what went wrong, as upstream words it. */
export async function postWebhook(
  server: ServerContext,
  client: WebhookClient,
  seconds: number,
  body: string,
): Promise<unknown> {
  const target = targetOf(server, client, seconds);
  const ca = client.caBundle === undefined ? undefined : Buffer.from(client.caBundle, 'base64');
  const limit = AbortSignal.any([AbortSignal.timeout(seconds * 1000), server.closing]);
  let answer: { readonly status: number; readonly text: string };
  try {
    answer = await post(target, ca, body, limit);
  } catch (error) {
    const why = limit.aborted ? 'context deadline exceeded' : error instanceof Error ? error.message : String(error);
    throw new Error(`Post "${target.url}": ${why}`);
  }
  if (answer.status < 200 || answer.status > 299) throw new Error(refusalOf(answer.status, answer.text));
  return JSON.parse(answer.text);
}

/** Upstream's words for an answer that is none. */
function refusalOf(status: number, text: string): string {
  if (status === 404) return 'the server could not find the requested resource';
  if (status === 401) return 'the server has asked for the client to provide credentials';
  if (status === 403) return text.trim() === '' ? 'forbidden' : text.trim();
  if (status === 405) return 'the server does not allow this method on the requested resource';
  if (status === 429) return 'the server has received too many requests and has asked us to try again later';
  if (status === 503) return 'the server is currently unable to handle the request';
  if (status < 500) return 'the server rejected our request for an unknown reason';
  return `an error on the server (${JSON.stringify(text.trim().slice(0, 2000))}) has prevented the request from succeeding`;
}

function targetOf(server: ServerContext, { url, service }: WebhookClient, seconds: number): Target {
  const query = `?timeout=${seconds}s`;
  if (service !== undefined) {
    const { namespace, name, path = '/', port = 443 } = service;
    const servername = `${name}.${namespace}.svc`;
    const full = `https://${servername}:${port}${path}${query}`;
    try {
      const object = server.registry.builtin('', 'v1', 'services').collection.get(namespace, name)?.object;
      if (object === undefined) throw new Error(`service "${name}" not found`);
      return {
        url: full,
        ...servicePlace({ server, namespace }, object, String(port)),
        path: path + query,
        servername,
      };
    } catch (error) {
      throw new Error(`Post "${full}": ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  const parsed = new URL(url ?? 'https://invalid');
  return {
    url: `${url}${query}`,
    host: parsed.hostname.replace(/^\[|\]$/g, ''),
    port: parsed.port === '' ? 443 : Number(parsed.port),
    path: parsed.pathname + query,
    servername: parsed.hostname,
  };
}

function post(
  { host, port, path, servername }: Target,
  ca: Buffer | undefined,
  body: string,
  signal: AbortSignal,
): Promise<{ status: number; text: string }> {
  const { promise, resolve, reject } = Promise.withResolvers<{ status: number; text: string }>();
  const isAddress = /^[\d.]+$|:/.test(servername);
  const outgoing = httpsRequest(
    {
      host,
      port,
      path,
      method: 'POST',
      agent,
      signal,
      headers: {
        host: servername,
        'content-type': 'application/json',
        accept: 'application/json',
        'content-length': Buffer.byteLength(body),
      },
      ...(isAddress ? {} : { servername }),
      ...(ca === undefined ? {} : { ca }),
    },
    (answer) => {
      const chunks: Buffer[] = [];
      let bytes = 0;
      answer.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes > MOST_BYTES) answer.destroy(new Error('the answer is too long'));
        else chunks.push(chunk);
      });
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, text: Buffer.concat(chunks).toString('utf8') }));
      answer.on('error', reject);
    },
  );
  outgoing.on('error', reject);
  outgoing.end(body);
  return promise;
}
