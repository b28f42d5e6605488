// Plain HTTP requests to an address under another name, as `curl --resolve` does.
// Knows no cluster.
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { request as httpsRequest, type RequestOptions } from 'node:https';

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

export interface Question {
  readonly host?: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  /** PEM; the certificate is checked against it and against `host`. */
  readonly ca?: string;
  /** PEM of the client's own certificate and key. */
  readonly cert?: string;
  readonly key?: string;
}

/** One request on a connection of its own. */
export function ask(url: string, question: Question = {}): Promise<Answer> {
  const { host, method = 'GET', body, ca, cert, key } = question;
  const options: RequestOptions = {
    method,
    agent: false,
    headers: {
      ...(host === undefined ? {} : { Host: host }),
      ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
      ...question.headers,
    },
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(host === undefined ? {} : { servername: host }),
    signal: AbortSignal.timeout(15_000),
  };
  return new Promise((resolve, reject) => {
    const send = url.startsWith('https:') ? httpsRequest : httpRequest;
    const outgoing = send(url, options, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        text += chunk;
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, text }));
      response.on('error', reject);
    });
    outgoing.on('error', reject);
    outgoing.end(body === undefined ? undefined : JSON.stringify(body));
  });
}
