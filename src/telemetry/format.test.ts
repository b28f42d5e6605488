// Which text a scraper gets for its Accept header, and what OpenMetrics has that the plain format has not.
import { describe, expect, it } from 'vitest';
import { exposition } from './exposition.ts';
import { formatFor, type MetricFormat } from './format.ts';
import { MetricWriter } from './metric-writer.ts';
import { metricsAnswer } from './metrics-page.ts';
import { MetricRecorder } from './recorder.ts';
import type { MetricDefinition, Series } from './series.ts';

describe('formatFor()', () => {
  it.each<[string | undefined, MetricFormat]>([
    [undefined, 'prometheus'],
    ['', 'prometheus'],
    ['*/*', 'prometheus'],
    ['text/html', 'prometheus'],
    // What Prometheus 2 asks for.
    [
      'application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1',
      'openmetrics',
    ],
    // What Prometheus 3 asks for, the protocol of its choice first.
    [
      'application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.6,application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,text/plain;version=1.0.0;q=0.3,*/*;q=0.2',
      'openmetrics',
    ],
    ['text/plain, application/openmetrics-text', 'prometheus'],
    ['text/plain;q=0.3, application/openmetrics-text;q=0.4', 'openmetrics'],
    ['application/openmetrics-text;version=2.0.0, text/plain;q=0.1', 'prometheus'],
    ['application/openmetrics-text;q=0, text/plain;q=0.1', 'prometheus'],
    ['application/openmetrics-text;q=x', 'prometheus'],
  ])('%s', (accept, format) => {
    expect(formatFor(accept)).toBe(format);
  });
});

const counter: MetricDefinition = { name: 'c_total', help: 'Say "c".', type: 'counter', labels: [], maxSeries: 9 };
const histogram: MetricDefinition = { name: 'h_seconds', help: 'H.', type: 'histogram', labels: ['a'], maxSeries: 9 };

describe('OpenMetrics', () => {
  it('names counters without _total, escapes quotes of HELP, and ends', async () => {
    const recorder = new MetricRecorder({ counter }, 1024);
    recorder.add(counter, []);
    const { type, text } = await metricsAnswer((format) => recorder.text(format), 'application/openmetrics-text');
    expect(type).toBe('application/openmetrics-text; version=1.0.0; charset=utf-8');
    expect(text).toBe('# HELP c Say \\"c\\".\n# TYPE c counter\nc_total 1\n# EOF\n');
    const plain = await metricsAnswer((format) => recorder.text(format), undefined);
    expect(plain.text).toBe('# HELP c_total Say "c".\n# TYPE c_total counter\nc_total 1\n');
  });

  it('shows the latest exemplar of a bucket, whichever thread it is of', () => {
    const source = (at: number, traceId: string) => {
      const series: Series[] = [];
      const memory = new SharedArrayBuffer(4096);
      const writer = new MetricWriter(memory, (one) => series.push(one));
      const cell = writer.cell(histogram, ['x']);
      writer.observe(cell, 0.1);
      return { memory, series, ended: false, exemplars: new Map([[cell, { traceId, seconds: 0.0001, at }]]) };
    };
    const sources = [source(1000, 'a'.repeat(32)), source(2500, 'b'.repeat(32))];
    const lines = exposition([histogram], sources, 'openmetrics').split('\n');
    expect(lines).toContain(`h_seconds_bucket{a="x",le="0.000125"} 2 # {trace_id="${'b'.repeat(32)}"} 0.0001 2.5`);
    expect(exposition([histogram], sources)).not.toContain('trace_id');
  });
});

describe('MetricRecorder', () => {
  it('replaces the series of a gauge, and leaves out what is beyond its bound', () => {
    const gauge: MetricDefinition = { name: 'g', help: 'G.', type: 'gauge', labels: ['a'], maxSeries: 2 };
    const recorder = new MetricRecorder({ gauge }, 1024);
    recorder.replace(gauge, [
      [['x'], 1],
      [['y'], 2],
      [['z'], 3],
    ]);
    expect(recorder.text()).toContain('g{a="x"} 1\ng{a="y"} 2\n');
    expect(recorder.text()).not.toContain('"z"');
    recorder.replace(gauge, [[['z'], 3]]);
    expect(recorder.text()).toBe('# HELP g G.\n# TYPE g gauge\ng{a="z"} 3\n');
  });
});
