// HTTP and HTTPS probes: 200..399 is success, redirects to the same host are followed, certificates are not checked.
// Knows no pod: the address is resolved before it comes here.
import { type ClientRequest, type IncomingMessage, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import type { Clock } from '#lib/clock.ts';
import { patience } from './patience.ts';
import { dialError, failure, joinHostPort, type ProbeResult, success } from './result.ts';

const MAX_REDIRECTS = 10;
const MAX_BODY = 10 * 1024;

export interface HttpProbeTarget {
  readonly scheme: 'http' | 'https';
  readonly host: string;
  readonly port: number;
  /** Path with query; a leading slash is added when it has none. */
  readonly path: string;
  /** A `Host` here becomes the request's host. */
  readonly headers: readonly { readonly name: string; readonly value: string }[];
}

function headersOf(target: HttpProbeTarget): Record<string, string | string[]> {
  const headers: Record<string, string | string[]> = {};
  const names = new Set(target.headers.map((header) => header.name.toLowerCase()));
  if (!names.has('user-agent')) headers['User-Agent'] = 'kube-probe/1.36';
  if (!names.has('accept')) headers.Accept = '*/*';
  headers.Connection = 'close';
  for (const { name, value } of target.headers) {
    const earlier = headers[name];
    // An empty value takes a default header away.
    if (value === '' && (name.toLowerCase() === 'accept' || name.toLowerCase() === 'user-agent')) continue;
    headers[name] = earlier === undefined ? value : [earlier, value].flat();
  }
  return headers;
}

function send(url: URL, target: HttpProbeTarget): ClientRequest {
  const options = { headers: headersOf(target), agent: false as const, setDefaultHeaders: true };
  // Certificates are not verified, as upstream: a probe asks whether the pod answers, not who it is.
  return url.protocol === 'https:'
    ? requestHttps(url, { ...options, rejectUnauthorized: false })
    : requestHttp(url, options);
}

interface Answer {
  readonly status: number;
  readonly location: string | undefined;
  readonly body: string;
}

function exchange(url: URL, target: HttpProbeTarget, onRequest: (request: ClientRequest) => void): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = send(url, target);
    onRequest(request);
    request.once('error', reject);
    request.once('response', (response: IncomingMessage) => {
      let body = '';
      const done = (): void => {
        resolve({ status: response.statusCode ?? 0, location: response.headers.location, body });
        request.destroy();
      };
      response.on('data', (chunk: Buffer) => {
        body = (body + chunk.toString('utf8')).slice(0, MAX_BODY);
        if (body.length >= MAX_BODY) done();
      });
      response.once('end', done);
      response.once('error', reject);
    });
    request.end();
  });
}

function judge(url: URL, answer: Answer): ProbeResult {
  if (answer.status >= 200 && answer.status < 400) return success(answer.body);
  const where = answer.status === 0 ? ` from ${url.href}` : '';
  return failure(`HTTP probe failed with statuscode: ${answer.status}${where}`);
}

/** Never rejects. (Upstream: pkg/probe/http.) */
export async function httpProbe(target: HttpProbeTarget, timeoutMs: number, clock: Clock): Promise<ProbeResult> {
  const path = target.path.startsWith('/') ? target.path : `/${target.path}`;
  const first = new URL(`${target.scheme}://${joinHostPort(target.host, target.port)}${path}`);
  let current: ClientRequest | undefined;
  let expired = false;
  const cancel = patience(clock, timeoutMs, () => {
    expired = true;
    current?.destroy(new Error('probe timed out'));
  });
  try {
    let url = first;
    for (let hops = 0; ; hops++) {
      const answer = await exchange(url, target, (request) => {
        current = request;
      });
      const redirect = answer.status >= 300 && answer.status < 400 && answer.location !== undefined;
      if (!redirect) return judge(url, answer);
      const next = new URL(answer.location ?? '', url);
      // Elsewhere is not asked: whoever redirects is alive, and a probe must not be led around the network.
      if (next.hostname !== first.hostname) return success('Probe terminated redirects');
      if (hops >= MAX_REDIRECTS) return failure(`Get "${first.href}": stopped after ${MAX_REDIRECTS} redirects`);
      url = next;
    }
  } catch (error) {
    const prefix = `Get "${first.href}": `;
    if (expired) {
      return failure(`${prefix}context deadline exceeded (Client.Timeout exceeded while awaiting headers)`);
    }
    const cause = error as NodeJS.ErrnoException;
    const text = dialError(joinHostPort(target.host, target.port), cause);
    return failure(prefix + text, cause.code === 'ECONNREFUSED');
  } finally {
    cancel();
  }
}
