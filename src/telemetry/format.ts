// The two text formats that scrapers read, and which of them a scraper gets for its Accept header.
// Knows nothing of metrics; whoever prints them asks here how.

/**
 * `prometheus` is the text format 0.0.4, `openmetrics` OpenMetrics 1.0.0, which has room for exemplars.
 * (prometheus.io/docs/instrumenting/exposition_formats, github.com/prometheus/OpenMetrics.)
 */
export type MetricFormat = 'prometheus' | 'openmetrics';

export const metricTypes: Readonly<Record<MetricFormat, string>> = {
  prometheus: 'text/plain; version=0.0.4; charset=utf-8',
  openmetrics: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
};

/** What ends a page: a page of OpenMetrics that was cut off is told by its missing end. */
export function endOfPage(format: MetricFormat): string {
  return format === 'openmetrics' ? '# EOF\n' : '';
}

/** The better liked of the two; the plain format where both are liked alike, or neither is named. */
export function formatFor(accept: string | undefined): MetricFormat {
  let best: MetricFormat = 'prometheus';
  let weight = 0;
  for (const range of (accept ?? '').split(',')) {
    const [type = '', ...parameters] = range.split(';').map((part) => part.trim().toLowerCase());
    const quality = qualityOf(parameters);
    const format = formatOf(type, parameters);
    if (format === undefined || quality <= weight) continue;
    best = format;
    weight = quality;
  }
  return best;
}

/** OpenMetrics of a version that we do not print is not asked for as far as we are concerned. */
function formatOf(type: string, parameters: readonly string[]): MetricFormat | undefined {
  if (type === 'text/plain' || type === 'text/*' || type === '*/*') return 'prometheus';
  if (type !== 'application/openmetrics-text') return undefined;
  const version = parameters.find((parameter) => parameter.startsWith('version='))?.slice('version='.length);
  return version === undefined || version === '1.0.0' || version === '0.0.1' ? 'openmetrics' : undefined;
}

function qualityOf(parameters: readonly string[]): number {
  const text = parameters.find((parameter) => parameter.startsWith('q='))?.slice(2);
  const quality = text === undefined ? 1 : Number(text);
  return quality >= 0 && quality <= 1 ? quality : 0;
}
