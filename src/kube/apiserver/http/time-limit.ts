// How long a request may take, its answer's way to the client included: who does not read it is cut off.
// Knows requests and time. Upstream source: apiserver/pkg/server/filters/timeout.go.
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2';
import { StatusError } from '#kube/api/status.ts';
import type { Clock } from '#lib/clock.ts';

interface Limited {
  readonly request: Http2ServerRequest;
  readonly response: Http2ServerResponse;
  /** Asked when the time is up: watches, logs and streams last as long as the client likes. */
  readonly lasts: () => boolean;
  /** Says so to a client that has not been answered. */
  readonly refuse: (error: StatusError) => Promise<void>;
}

/** Until the response closes. What is still at work for the request then goes on, and its answer goes nowhere. */
export function limitTime(clock: Clock, timeoutMs: number, { request, response, lasts, refuse }: Limited): void {
  const cancel = clock.after(timeoutMs, () => {
    if (lasts() || response.writableFinished) return;
    if (response.headersSent) {
      response.destroy();
      return;
    }
    // A body that has not come whole by now would keep the connection from its next request.
    response.once('finish', () => {
      if (!request.complete) request.destroy();
    });
    const message = 'Timeout: request did not complete within the allotted timeout';
    refuse(new StatusError(504, 'Timeout', message)).catch(() => response.destroy());
  });
  response.once('close', cancel);
}
