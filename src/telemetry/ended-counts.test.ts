// Threads come and go: their counters stay, their gauges do not, and what is kept does not grow with each.
import { expect, it } from 'vitest';
import { EndedCounts } from './ended-counts.ts';
import { exposition, type MetricSource } from './exposition.ts';
import { MetricWriter } from './metric-writer.ts';
import type { MetricDefinition, Series } from './series.ts';

const requests: MetricDefinition = {
  name: 'requests_total',
  help: 'Requests.',
  type: 'counter',
  labels: ['code'],
  maxSeries: 9,
};
const duration: MetricDefinition = { name: 'seconds', help: 'Time.', type: 'histogram', labels: [], maxSeries: 9 };
const open: MetricDefinition = { name: 'open', help: 'Open.', type: 'gauge', labels: [], maxSeries: 9 };
const all: readonly MetricDefinition[] = [requests, duration, open];

function thread(code: string): MetricSource {
  const series: Series[] = [];
  const memory = new SharedArrayBuffer(8192);
  const writer = new MetricWriter(memory, (one) => series.push(one));
  writer.add(writer.cell(requests, [code]), 2);
  writer.observe(writer.cell(duration, []), 5);
  writer.add(writer.cell(open, []), 1);
  return { memory, series, ended: false };
}

it('adds up counters and histograms of ended threads, and forgets gauges', () => {
  const ended = new EndedCounts(all, 8192);
  for (let died = 0; died < 100; died++) ended.add(thread(died % 2 === 0 ? '200' : '503'));
  const text = exposition(all, [ended.source, thread('200')]);
  expect(text).toContain('requests_total{code="200"} 102\n');
  expect(text).toContain('requests_total{code="503"} 100\n');
  expect(text).toContain('seconds_count 101\n');
  expect(text).toContain('\nopen 1\n');
  expect(ended.source.series).toHaveLength(3);
});
