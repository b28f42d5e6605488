// A backend that says what it was asked, and behaves badly when it is asked to.
// Knows HTTP only; each has a name, so that a test sees who answered.
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface HttpApp {
  readonly name: string;
  readonly port: number;
  /** Requests so far, by path. */
  readonly seen: Map<string, number>;
  close(): void;
}

export interface Seen {
  readonly app: string;
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** `/slow/MS...` takes its time; `/fail/N...` answers 503, or `/fail/N/STATUS...` that, until it has been asked N times. */
export async function httpApp(name: string): Promise<HttpApp> {
  const seen = new Map<string, number>();
  const server: Server = createServer((request, response) => {
    const path = request.url ?? '';
    const times = (seen.get(path) ?? 0) + 1;
    seen.set(path, times);
    const [, what, number = '0', failure] = path.replace(/^\/any/, '').split('/');
    const answer = (): void => {
      const status = what === 'fail' && times <= Number(number) ? Number(failure) || 503 : 200;
      response.writeHead(status, { 'content-type': 'application/json', 'x-own': name });
      response.end(JSON.stringify({ app: name, method: request.method, path, headers: request.headers }));
    };
    if (what === 'slow') setTimeout(answer, Number(number));
    else answer();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    name,
    port: (server.address() as AddressInfo).port,
    seen,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
