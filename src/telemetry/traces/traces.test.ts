// Trace context, and spans on their way to a collector that is there, slow, away or of another opinion.
import { afterEach, describe, expect, it } from 'vitest';
import { FakeClock, systemClock } from '#lib/clock.ts';
import { silentLogger } from '#lib/log.ts';
import { exposition } from '../exposition.ts';
import { proxyMetrics } from '../proxy-metrics.ts';
import type { Span } from './otlp.ts';
import { type EncodedSpans, SpanBatch } from './span-batch.ts';
import { SpanExporter } from './span-exporter.ts';
import { type Collector, startCollector } from './testing.ts';
import { isSampled, parseTraceParent, traceLines, traceStateOf } from './trace-context.ts';
import { TraceIds } from './trace-ids.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const SPAN = 'b7ad6b7169203331';

describe('parseTraceParent()', () => {
  it.each<[string | undefined, boolean | undefined]>([
    [`00-${TRACE}-${SPAN}-01`, true],
    [`00-${TRACE}-${SPAN}-00`, false],
    [`00-${TRACE}-${SPAN}-03`, true],
    // A later version, of which the first part is known.
    [`cc-${TRACE}-${SPAN}-01`, true],
    [`cc-${TRACE}-${SPAN}-01-what-comes`, true],
    [`cc-${TRACE}-${SPAN}-01.x`, undefined],
    [`00-${TRACE}-${SPAN}-01-more`, undefined],
    [`ff-${TRACE}-${SPAN}-01`, undefined],
    [`00-${TRACE.toUpperCase()}-${SPAN}-01`, undefined],
    [`00-${'0'.repeat(32)}-${SPAN}-01`, undefined],
    [`00-${TRACE}-${'0'.repeat(16)}-01`, undefined],
    [`00-${TRACE}-${SPAN}`, undefined],
    // Two headers, joined.
    [`00-${TRACE}-${SPAN}-01, 00-${TRACE}-${SPAN}-01`, undefined],
    ['', undefined],
    [undefined, undefined],
  ])('%s', (value, sampled) => {
    expect(parseTraceParent(value)?.sampled).toBe(sampled);
    if (sampled !== undefined) expect(parseTraceParent(value)).toMatchObject({ traceId: TRACE, spanId: SPAN });
  });
});

it('passes a tracestate on that is one', () => {
  expect(traceStateOf('a=1,b=2')).toBe('a=1,b=2');
  expect(traceStateOf('a'.repeat(513))).toBe('');
  expect(traceStateOf('a=ä')).toBe('');
  expect(traceLines(TRACE, SPAN, true, 'a=1')).toBe(`traceparent: 00-${TRACE}-${SPAN}-01\r\ntracestate: a=1\r\n`);
  expect(traceLines(TRACE, SPAN, false, '')).toBe(`traceparent: 00-${TRACE}-${SPAN}-00\r\n`);
});

it('samples the share that is asked for, by the id', () => {
  const ids = new TraceIds();
  const all = Array.from({ length: 20_000 }, () => ids.trace());
  expect(new Set(all).size).toBe(all.length);
  const share = all.filter((id) => isSampled(id, 0.25)).length / all.length;
  // Ten times the standard deviation.
  expect(Math.abs(share - 0.25)).toBeLessThan(0.031);
  expect(all.every((id) => isSampled(id, 1) && !isSampled(id, 0))).toBe(true);
});

const span = (name: string): Span => ({
  traceId: TRACE,
  spanId: SPAN,
  parentId: '',
  state: '',
  name,
  kind: 'client',
  start: 1_700_000_000_000.25,
  end: 1_700_000_000_001,
  attributes: [
    ['url.full', 'http://ä.test/'],
    ['server.port', 80],
    ['big', 2 ** 40],
  ],
  error: 'reset',
});

function encoded(count: number, text = ''): EncodedSpans {
  const handed: EncodedSpans[] = [];
  const batch = new SpanBatch(new FakeClock(), (one) => handed.push(one));
  for (let i = 0; i < count; i++) batch.add(span(`${text}${i}`));
  batch.close();
  return handed[0] as EncodedSpans;
}

describe('SpanBatch', () => {
  it('hands spans over after a second, and drops what comes while nobody takes them', () => {
    const clock = new FakeClock();
    const handed: EncodedSpans[] = [];
    const batch = new SpanBatch(clock, (one) => handed.push(one));
    batch.add(span('a'));
    clock.advance(999);
    expect(handed).toEqual([]);
    clock.advance(1);
    expect(handed).toMatchObject([{ count: 1 }]);
    for (let i = 0; i < 20_000; i++) batch.add(span('b'));
    clock.advance(10_000);
    expect(handed).toHaveLength(8);
    expect(batch.dropped).toBeGreaterThan(10_000);
    const before = batch.dropped;
    batch.taken();
    batch.add(span('c'));
    clock.advance(1000);
    expect(handed).toHaveLength(9);
    expect(batch.dropped).toBe(before);
    expect(handed.reduce((sum, { count }) => sum + count, 0) + before).toBe(20_002);
  });
});

describe('SpanExporter', () => {
  let collector: Collector;
  let exporter: SpanExporter;
  afterEach(async () => {
    await exporter.close(0);
    await collector?.close();
  });

  function start(url: string): void {
    const settings = { url, ratio: 1, headers: { authorization: 'Bearer x' }, serviceName: 'edge', timeout: 2000 };
    exporter = new SpanExporter(settings, '1.2.3', { clock: systemClock, log: silentLogger });
  }

  const shown = (): string => exposition(Object.values(proxyMetrics), [exporter.source]);

  it('sends what a collector can read', async () => {
    collector = await startCollector();
    start(`${collector.url}/v1/traces`);
    exporter.take(encoded(3));
    await expect.poll(() => collector.spans.length).toBe(3);
    expect(collector.requests[0]).toMatchObject({
      path: '/v1/traces',
      headers: { 'content-type': 'application/x-protobuf', authorization: 'Bearer x' },
    });
    expect(collector.spans[0]).toEqual({
      service: 'edge',
      traceId: TRACE,
      spanId: SPAN,
      parentId: '',
      state: '',
      name: '0',
      kind: 3,
      startNanos: 1_700_000_000_000_250_000n,
      endNanos: 1_700_000_000_001_000_000n,
      attributes: { 'url.full': 'http://ä.test/', 'server.port': 80, big: 2 ** 40 },
      status: 2,
      flags: 1,
    });
    await expect.poll(shown).toContain('evenkeel_trace_spans_exported_total 3\n');
  });

  it('tries again when the collector asks for it, and not when it refuses', async () => {
    collector = await startCollector();
    const answers = [503, 200, 400];
    collector.answer = () => answers.shift() ?? 200;
    start(collector.url);
    exporter.take(encoded(2));
    await expect.poll(() => collector.spans.length, { timeout: 5000 }).toBe(2);
    exporter.take(encoded(4));
    await expect.poll(shown).toContain('evenkeel_trace_spans_dropped_total{reason="refused"} 4\n');
    expect(collector.requests).toHaveLength(3);
  });

  it('holds so much for a collector that is slow, and drops the rest', async () => {
    collector = await startCollector();
    const held = Promise.withResolvers<number>();
    collector.answer = () => held.promise;
    start(collector.url);
    const large = encoded(20, 'x'.repeat(30_000));
    for (let i = 0; i < 100; i++) exporter.take(large);
    expect(shown()).toMatch(/evenkeel_trace_spans_dropped_total\{reason="queue_full"\} \d+/);
    held.resolve(200);
    collector.answer = undefined;
    await expect
      .poll(() => {
        const [, sent] = /exported_total (\d+)/.exec(shown()) ?? [];
        const [, dropped] = /queue_full"\} (\d+)/.exec(shown()) ?? [];
        return Number(sent) + Number(dropped);
      })
      .toBe(100 * large.count);
  });

  it('says that nobody is there, and counts', async () => {
    collector = await startCollector();
    const { url } = collector;
    await collector.close();
    const clock = new FakeClock();
    const said: string[] = [];
    const log = { ...silentLogger, warn: (_: unknown, text: string) => void said.push(text) };
    const settings = { url, ratio: 1, headers: {}, serviceName: 'edge', timeout: 2000 };
    exporter = new SpanExporter(settings, '1', { clock, log });
    exporter.take(encoded(2));
    await expect
      .poll(() => {
        clock.advance(3000);
        return shown();
      })
      .toContain('evenkeel_trace_spans_dropped_total{reason="unreachable"} 2\n');
    expect(said).toEqual(['The collector does not take spans; they are dropped']);
  });
});
