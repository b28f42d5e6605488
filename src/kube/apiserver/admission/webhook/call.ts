// One question to a webhook over HTTPS, and its answer: by URL, or by the endpoints of a Service.
// Knows addresses, certificates and time limits; what is asked and answered is review.ts.
import { Agent, request as httpsRequest } from 'node:https';
import type { ServerContext } from '../../context.ts';
import { servicePlace } from '../../proxy/proxy.ts';
import type { Webhook } from './hooks.ts';

/** Answers are small; whoever sends more is not listened to further. */
const MOST_BYTES = 8 * 1024 * 1024;
const DEFAULT_SECONDS = 10;

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

/** The body of the answer. Rejects with an Error whose message says what went wrong, as upstream words it. */
export async function callWebhook(server: ServerContext, webhook: Webhook, body: string): Promise<unknown> {
  const { clientConfig, timeoutSeconds = DEFAULT_SECONDS } = webhook;
  const target = targetOf(server, webhook, timeoutSeconds);
  const ca = clientConfig.caBundle === undefined ? undefined : Buffer.from(clientConfig.caBundle, 'base64');
  const limit = AbortSignal.any([AbortSignal.timeout(timeoutSeconds * 1000), server.closing]);
  try {
    const { status, text } = await post(target, ca, body, limit);
    if (status < 200 || status > 299)
      throw new Error(`the server answered with status ${status}: ${text.slice(0, 200)}`);
    return JSON.parse(text);
  } catch (error) {
    const why = limit.aborted ? 'context deadline exceeded' : error instanceof Error ? error.message : String(error);
    throw new Error(`failed to call webhook: Post "${target.url}": ${why}`);
  }
}

function targetOf(server: ServerContext, { clientConfig }: Webhook, seconds: number): Target {
  const { url, service } = clientConfig;
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
      throw new Error(
        `failed to call webhook: Post "${full}": ${error instanceof Error ? error.message : String(error)}`,
      );
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
