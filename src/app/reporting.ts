// Settings of traces that the command line and the configuration file share.
// Knows neither.
import type { TraceSettings } from '#telemetry/traces/span-exporter.ts';

export const defaultTraces: Omit<TraceSettings, 'url'> = {
  ratio: 0.1,
  headers: {},
  serviceName: 'evenkeel-gateway',
  timeout: 10_000,
};

/** As OTLP's own variables: `/v1/traces` where the URL has no path. Undefined when it is none of HTTP. */
export function collectorUrl(text: string): string | undefined {
  if (!URL.canParse(text)) return undefined;
  const url = new URL(text);
  if (!['http:', 'https:'].includes(url.protocol) || url.username !== '') return undefined;
  if (url.pathname === '/') url.pathname = '/v1/traces';
  return url.href;
}
