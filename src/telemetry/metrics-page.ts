// `/metrics` over HTTP: the format that the scraper asks for, and its end.
// Knows no metric and no server; it answers a request that it is handed.
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { endOfPage, formatFor, type MetricFormat, metricTypes } from './format.ts';

/** Text of all metrics in a format, each line ended; without the end of the page. */
export type MetricsText = (format: MetricFormat) => string | Promise<string>;

export interface MetricsAnswer {
  readonly type: string;
  readonly text: string;
}

/** The page for an Accept header. */
export async function metricsAnswer(text: MetricsText, accept: string | undefined): Promise<MetricsAnswer> {
  const format = formatFor(accept);
  return { type: metricTypes[format], text: `${await text(format)}${endOfPage(format)}` };
}

/** Serves `/metrics`; every other path is told that there is nothing else. */
export function metricsListener(text: MetricsText): RequestListener {
  return (request, response) => {
    const isRead = request.method === 'GET' || request.method === 'HEAD';
    if (request.url?.split('?')[0] !== '/metrics' || !isRead) {
      response.writeHead(404, { 'Content-Type': 'text/plain; charset=utf-8', 'X-Content-Type-Options': 'nosniff' });
      response.end('There is only /metrics\n');
      return;
    }
    void sendMetrics(request, response, text);
  };
}

/** Answers a request for metrics; a failure to gather them is told as 500. */
export async function sendMetrics(
  request: IncomingMessage,
  response: ServerResponse,
  text: MetricsText,
): Promise<void> {
  try {
    const answer = await metricsAnswer(text, request.headers.accept);
    response.writeHead(200, {
      'Content-Type': answer.type,
      Vary: 'Accept',
      'X-Content-Type-Options': 'nosniff',
    });
    response.end(answer.text);
  } catch (error) {
    response.writeHead(500, { 'Content-Type': 'text/plain; charset=utf-8' });
    response.end(`Cannot gather the metrics: ${error instanceof Error ? error.message : String(error)}\n`);
  }
}
