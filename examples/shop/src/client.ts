// How one service calls the next: by the name of its Service, with a deadline, and with retries only where they are safe.
// Knows no particular service.
import { Agent, type IncomingMessage, request } from 'node:http';
import { type Incoming, Refused } from './service.ts';

const TIMEOUT_MS = 5_000;
/** Tries of a GET in all; the later ones on new connections, so that a pod that has just died is not met again. */
const ATTEMPTS = 3;

const keepAlive = new Agent({ keepAlive: true, maxSockets: 64, timeout: 60_000 });

interface Call {
  readonly method: 'GET' | 'POST';
  readonly host: string;
  readonly port: number;
  readonly path: string;
  readonly headers: Record<string, string>;
  readonly body?: string;
}

/** Where the other services answer; in a cluster these are the names of their Services. */
function addressOf(service: string): { host: string; port: number } {
  const [host = service, port = '8080'] = (process.env[`${service.toUpperCase()}_ADDRESS`] ?? service).split(':');
  return { host, port: Number(port) };
}

/** GETs JSON. A lost connection is tried again on a new one: reading twice harms nobody. */
export async function get<T>(service: string, path: string, from: Incoming, headers = {}): Promise<T> {
  const call: Call = { method: 'GET', ...addressOf(service), path, headers: headersOf(from, headers) };
  for (let attempt = 1; ; attempt++) {
    try {
      return await send<T>(service, call, attempt === 1 ? keepAlive : false);
    } catch (error) {
      if (error instanceof Refused || attempt === ATTEMPTS) throw unavailable(service, error);
    }
  }
}

/** POSTs JSON, once, on a connection of its own: one that the other side is about to close could not be told apart from a lost payment. */
export async function post<T>(service: string, path: string, from: Incoming, body: unknown): Promise<T> {
  const text = JSON.stringify(body);
  const headers = headersOf(from, {
    'Content-Type': 'application/json',
    'Content-Length': `${Buffer.byteLength(text)}`,
  });
  try {
    return await send<T>(service, { method: 'POST', ...addressOf(service), path, headers, body: text }, false);
  } catch (error) {
    throw unavailable(service, error);
  }
}

function headersOf(from: Incoming, more: Record<string, string>): Record<string, string> {
  return { Accept: 'application/json', 'X-Request-Id': from.requestId, ...more };
}

function unavailable(service: string, error: unknown): Refused {
  if (error instanceof Refused) return error;
  return new Refused(502, `Cannot reach ${service}: ${error instanceof Error ? error.message : String(error)}`);
}

function send<T>(service: string, call: Call, agent: Agent | false): Promise<T> {
  return new Promise((resolve, reject) => {
    const outgoing = request({ ...call, agent, signal: AbortSignal.timeout(TIMEOUT_MS) }, (response) => {
      collect(response).then((text) => {
        const status = response.statusCode ?? 502;
        if (status < 400) resolve(JSON.parse(text) as T);
        else reject(new Refused(status < 500 ? status : 502, `${service} answered ${status}: ${text.slice(0, 200)}`));
      }, reject);
    });
    outgoing.on('error', reject);
    outgoing.end(call.body);
  });
}

async function collect(response: IncomingMessage): Promise<string> {
  let text = '';
  response.setEncoding('utf8');
  for await (const chunk of response as AsyncIterable<string>) text += chunk;
  return text;
}
