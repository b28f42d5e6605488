// Queries that several dashboards have.
// Knows PromQL; no metric by its name.
import type { Query } from './panel.ts';

export const RATE = '[$__rate_interval]';

/** Median, p95 and p99 of a histogram. */
export const quantiles = (bucket: string, by: string): Query[] =>
  ['0.5', '0.95', '0.99'].map((quantile) => ({
    expr: `histogram_quantile(${quantile}, sum by (le) (rate(${bucket}{${by}}${RATE})))`,
    legend: `p${Number(quantile) * 100}`,
  }));
